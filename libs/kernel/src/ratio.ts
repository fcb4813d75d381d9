import { points, type Points } from './points.js';

/** An exact fraction of two whole numbers above zero: municipal points per partner point. */
export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
  /** floor(amount × numerator ÷ denominator), computed without loss. @throws RangeError when the result is no safe integer. */
  applyFloor(amount: Points): Points;
  /** True when amount × numerator is divisible by the denominator: nothing is lost by rounding. */
  isExactFor(amount: Points): boolean;
  toString(): string;
}

/** @throws RangeError unless both are whole numbers from 1 to 1,000,000,000. */
export function ratio(numerator: number, denominator: number): Ratio {
  for (const part of [numerator, denominator])
    if (!Number.isSafeInteger(part) || part < 1 || part > ratioPartMax)
      throw new RangeError(`a ratio needs whole numbers from 1 to ${ratioPartMax}`);
  const [n, d] = [BigInt(numerator), BigInt(denominator)];
  return {
    numerator,
    denominator,
    applyFloor: (amount) => {
      if (amount < 0) throw new RangeError('a ratio applies to zero or more points');
      return points(Number((BigInt(amount) * n) / d));
    },
    isExactFor: (amount) => (BigInt(amount) * n) % d === 0n,
    toString: () => `${numerator}/${denominator}`,
  };
}

/** Reads `numerator/denominator` as `toString` writes it. @throws RangeError */
export function parseRatio(text: string): Ratio {
  const parts = /^(\d{1,10})\/(\d{1,10})$/.exec(text);
  if (!parts) throw new RangeError('a ratio is written numerator/denominator');
  return ratio(Number(parts[1]), Number(parts[2]));
}

/** Far above any exchange rate seen (5/1, 1/100); keeps a product of two parts a safe integer away from trouble. */
const ratioPartMax = 1_000_000_000;
