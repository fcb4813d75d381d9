import { points } from '@points/kernel';
import { now } from '../testing/decision-builders.js';
import { movement, negative, reservation } from './move.js';

const head = { id: 'm1', kind: 'spend' as const, account: 'holder:h', counter: 'merchant:m', effectiveAt: now };
const parts = [
  { lot: 'a', amount: points(20) },
  { lot: 'b', amount: points(10) },
];

describe('a movement', () => {
  it('is about as many points as its draws add up to, and its entry has their sign', () => {
    expect(movement(head, parts)).toEqual({ ...head, amount: 30, signed: 30, draws: parts, grants: [], reserves: [] });
    expect(movement(head, negative(parts))).toMatchObject({ amount: 30, signed: -30 });
  });

  it('between accounts moves points', () => {
    const message = 'assertion failed: a movement between accounts moves points';

    expect(() => movement(head, [])).toThrow(message);
    expect(() => movement(head, [...parts, ...negative(parts)])).toThrow(message);
    expect(movement({ ...head, counter: null }, [])).toMatchObject({ amount: 0, signed: 0 });
  });

  it('that only reserves or frees has no other side and no entry', () => {
    const own = { id: 'm1', kind: 'hold' as const, account: 'holder:h', hold: 'h1', effectiveAt: now };
    const rest = { ...own, counter: null, amount: 30, signed: 0, draws: [], grants: [] };

    expect(reservation(own, parts)).toEqual({ ...rest, reserves: parts });
    expect(reservation(own, negative(parts))).toEqual({ ...rest, reserves: negative(parts) });
  });

  it('has no negative nothing, which is another value than nothing', () => {
    expect(negative([{ lot: 'a', amount: points(0) }])).toEqual([{ lot: 'a', amount: 0 }]);
    expect(negative(parts)).toEqual([
      { lot: 'a', amount: -20 },
      { lot: 'b', amount: -10 },
    ]);
  });
});
