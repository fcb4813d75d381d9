import { points } from '@points/kernel';
import { aLot, at, ids, over } from '../testing/decision-builders.js';
import { expire } from './expire.js';

const end = over.expiresAt;

describe('expiry', () => {
  it('takes what nobody holds, one movement per lot, effective at the lot’s own end', () => {
    const lots = [
      aLot('a', 100, over),
      aLot('b', 100, { ...over, held: points(40) }),
      aLot('c', 100),
      aLot('d', 0, over),
      aLot('e', 30, { expiresAt: null }),
      aLot('f', 50, { ...over, held: points(50) }),
      aLot('g', 1, { expiresAt: at('2018-05-01T15:00:00Z') }),
    ];
    const taken = (id: string, lot: string, amount: number, effectiveAt = end) => ({
      id,
      kind: 'expire',
      account: 'holder:h',
      counter: 'expired',
      effectiveAt,
      amount,
      signed: -amount,
      draws: [{ lot, amount: -amount }],
      grants: [],
      reserves: [],
    });

    expect(expire('holder:h', lots, end, ids())).toEqual([
      taken('id-1', 'a', 100),
      taken('id-2', 'b', 60),
      taken('id-3', 'g', 1, at('2018-05-01T15:00:00Z')),
    ]);
  });

  it.each([
    ['2018-05-20T14:59:59.999Z', 0],
    ['2018-05-20T15:00:00.000Z', 1],
  ])('has nothing to take up to %s but %i lots', (until, number) => {
    expect(expire('holder:h', [aLot('a', 100, over)], at(until), ids())).toHaveLength(number);
  });
});
