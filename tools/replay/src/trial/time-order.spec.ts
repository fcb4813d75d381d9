import { parseInstant } from '@points/kernel';
import { inTimeOrder } from './time-order.js';
import type { TrialRow } from './trial.js';

const exchange = (id: string, at: string, line = 2): TrialRow => ({
  kind: 'exchange',
  line,
  id,
  myKeyId: 'AAAA2222',
  partner: 'p',
  partnerPoints: 1,
  municipalPoints: 1,
  at: parseInstant(at),
});
const conversion = (id: string, at: string, line = 2): TrialRow => ({
  kind: 'conversion',
  line,
  id,
  myKeyId: 'AAAA2222',
  points: 1,
  at: parseInstant(at),
});

describe('rows', () => {
  it('go by time whatever their offset', () => {
    const rows = [
      exchange('b', '2018-02-28T00:00:00+09:00'),
      exchange('a', '2018-02-27T15:00:01Z'),
      exchange('c', '2018-02-27T09:59:59-05:00'),
    ];

    expect(inTimeOrder(rows).map((row) => row.id)).toEqual(['c', 'b', 'a']);
  });

  it('of one instant go exchanges first, then by id, then by line', () => {
    const at = '2018-02-28T00:00:00+09:00';
    const rows = [
      conversion('a', at),
      exchange('c', at, 9),
      exchange('c', at, 4),
      exchange('B', '2018-02-27T15:00:00Z'),
      exchange('a', at),
    ];

    expect(inTimeOrder(rows).map((row) => `${row.kind} ${row.id} ${row.line}`)).toEqual([
      'exchange B 2',
      'exchange a 2',
      'exchange c 4',
      'exchange c 9',
      'conversion a 2',
    ]);
  });
});
