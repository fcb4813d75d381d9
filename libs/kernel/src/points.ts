import { assert } from './assert.js';

declare const brand: unique symbol;
/** A whole number of points, always a safe integer. May be negative in an entry; where it must be positive the rule says so. */
export type Points = number & { readonly [brand]: 'Points' };

/** @throws RangeError on anything that is not a safe integer: no float, no NaN, no amount above 2^53 − 1. */
export function points(value: number): Points {
  if (!Number.isSafeInteger(value)) throw new RangeError('points must be a whole number within ±9,007,199,254,740,991');
  // The brand is given here and nowhere else.
  return (value === 0 ? 0 : value) as Points;
}

export function isPoints(value: unknown): value is Points {
  return Number.isSafeInteger(value);
}

/** Reads a `bigint` or `numeric` column that pg returns as text. @throws RangeError as `points`. */
export function parsePoints(text: string | number | bigint): Points {
  const exact = typeof text === 'number' ? text : typeof text === 'bigint' || /^-?\d+$/.test(text) ? Number(text) : NaN;
  return points(exact);
}

export function sumPoints(values: Iterable<Points>): Points {
  let sum = 0;
  for (const value of values) {
    sum += value;
    assert(Number.isSafeInteger(sum), 'a sum of points must stay a safe integer');
  }
  return points(sum);
}
