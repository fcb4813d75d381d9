import { parseInstant } from '@points/kernel';
import type { TrialRow } from '../trial/trial.js';
import { refusedRow } from './refused-row.js';

const at = parseInstant('2018-02-28T00:00:00+09:00');
const exchange: TrialRow = {
  kind: 'exchange',
  line: 7,
  id: 'E-1',
  myKeyId: 'AAAA2222',
  partner: 'card-a',
  partnerPoints: 500,
  municipalPoints: 500,
  at,
};
const conversion: TrialRow = { kind: 'conversion', line: 8, id: 'C-1', myKeyId: 'AAAA2222', points: 500, at };
const problem = (code: string, facts: object = {}, status = 422) => ({ status, body: { code, detail: 'why', ...facts } });

describe('a refusal', () => {
  it.each([
    ['unknown-partner', exchange, 'exchanges.csv:7 partner why'],
    ['not-whole-lots', exchange, 'exchanges.csv:7 partner_points why'],
    ['ratio-mismatch', exchange, 'exchanges.csv:7 municipal_points why'],
    ['outside-period', exchange, 'exchanges.csv:7 accepted_at why'],
    ['unknown-my-key-id', exchange, 'exchanges.csv:7 my_key_id why'],
    ['insufficient-points', conversion, 'conversions.csv:8 points why'],
    ['lot-expired', conversion, 'conversions.csv:8 points why'],
    ['outside-period', conversion, 'conversions.csv:8 converted_at why'],
    ['idempotency-key-reused', conversion, 'conversions.csv:8 conversion_id "C-1" was used before with other content, in line 3'],
    ['a-rule-of-tomorrow', conversion, 'conversions.csv:8 line why [422 a-rule-of-tomorrow]'],
  ])('%s names file, line and field of the row', (code, row, report) => {
    const { file, line, field, reason } = refusedRow(row, problem(code), 3);

    expect(`${file}:${line} ${field} ${reason}`).toBe(report);
  });

  it('of a field of the request names the column it came from', () => {
    const reply = problem('invalid-request', { errors: [{ field: 'acceptedAt', reason: 'must be a time' }] }, 400);

    expect(refusedRow(exchange, reply, undefined)).toEqual({
      file: 'exchanges.csv',
      line: 7,
      field: 'accepted_at',
      reason: 'must be a time',
    });
  });

  it.each([
    ['scope-missing', 403],
    ['unknown-programme', 422],
    ['programme-frozen', 422],
    ['internal', 500],
  ])('that is not about the row ends the replay: %s', (code, status) => {
    expect(() => refusedRow(exchange, problem(code, {}, status), undefined)).toThrow(
      'exchanges.csv:7 could not be booked, and the replay ended there',
    );
  });
});
