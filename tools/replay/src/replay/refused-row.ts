import { describeProblem, fieldProblems, type Reply } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import type { BadRow } from '../trial/bad-row.js';
import { files, type TrialRow } from '../trial/trial.js';

/**
 * What a refusal says about the row that was refused. A refusal that is not about the row (no right to book, no such programme, a
 * fault of the service) ends the replay instead: the next rows would hear the same.
 * @throws CloudError
 */
export function refusedRow(row: TrialRow, reply: Reply, lineOfFirst: number | undefined): BadRow {
  const { file, columns } = files[row.kind];
  const names: Readonly<Record<string, string>> = {
    ...columns,
    orderId: columns.id,
    conversionId: columns.id,
    acceptedAt: columns.at,
    requestedAt: columns.at,
  };
  const code = typeof reply.body['code'] === 'string' ? reply.body['code'] : '';
  const bad = (field: string, reason: string): BadRow => ({ file, line: row.line, field, reason });

  if (sameIdCodes.has(code))
    return bad(
      columns.id,
      `"${row.id}" was used before with other content, ${lineOfFirst === undefined ? 'in an earlier replay' : `in line ${lineOfFirst}`}`,
    );
  const about = aboutCodes[row.kind][code];
  if (about !== undefined) return bad(names[about] ?? 'line', typeof reply.body['detail'] === 'string' ? reply.body['detail'] : code);
  const [field] = fieldProblems(reply.body);
  if ((reply.status === 400 || reply.status === 422) && field && names[field.field] !== undefined)
    return bad(names[field.field] ?? 'line', field.reason);
  // A refusal of the scheme or of a rule that came later than this table: the row is bad, the sentence says why.
  if (reply.status === 422 && !generalCodes.has(code)) return bad('line', describeProblem(reply));
  throw new CloudError(`${file}:${row.line} could not be booked, and the replay ended there: ${describeProblem(reply)}`);
}

const sameIdCodes = new Set(['idempotency-key-reused', 'order-exists', 'conversion-exists', 'reference-reused']);
const generalCodes = new Set(['unknown-programme', 'programme-frozen', 'history-closed', 'unknown-scheme']);

const time = {
  'outside-period': 'at',
  'effective-in-future': 'at',
  'before-its-cause': 'at',
  'lot-already-over': 'at',
  'partner-not-open': 'at',
};
const aboutCodes: Readonly<Record<TrialRow['kind'], Readonly<Record<string, string>>>> = {
  exchange: {
    ...time,
    'unknown-partner': 'partner',
    'unknown-my-key-id': 'myKeyId',
    'below-minimum': 'partnerPoints',
    'above-maximum': 'partnerPoints',
    'not-whole-lots': 'partnerPoints',
    'amount-too-small': 'partnerPoints',
    'amount-too-large': 'partnerPoints',
    'ratio-mismatch': 'municipalPoints',
    'balance-too-large': 'municipalPoints',
  },
  conversion: {
    ...time,
    'unknown-my-key-id': 'myKeyId',
    'insufficient-points': 'points',
    'lot-expired': 'points',
    'not-usable-here': 'points',
  },
};
