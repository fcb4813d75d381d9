import { assert, points, sumPoints } from '@points/kernel';
import type { Part } from './lots.js';
import type { Movement } from './movement.js';

export { points };

type Head = Pick<Movement, 'id' | 'kind' | 'account' | 'counter' | 'effectiveAt'> & Pick<Partial<Movement>, 'hold' | 'of'>;

/** A movement of points: what its draws add up to is the account's entry, and the counter account's entry is the negative. */
export function movement(head: Head, draws: readonly Part[], more: Partial<Pick<Movement, 'grants' | 'reserves'>> = {}): Movement {
  const signed = sumPoints(draws.map((part) => part.amount));
  assert(signed !== 0 || head.counter === null, 'a movement between accounts moves points');
  return { ...head, amount: points(Math.abs(signed)), signed, draws, grants: [], reserves: [], ...more };
}

/** Reserves or frees points of certain lots: nothing moves between accounts. */
export function reservation(head: Omit<Head, 'counter'>, reserves: readonly Part[]): Movement {
  const amount = points(Math.abs(sumPoints(reserves.map((part) => part.amount))));
  return { ...head, counter: null, amount, signed: points(0), draws: [], grants: [], reserves };
}

export function negative(parts: readonly Part[]): Part[] {
  return parts.map(({ lot, amount }) => ({ lot, amount: points(0 - amount) }));
}
