import { assert } from '@points/kernel';

/** An exact amount of yen: whole + rest/over, with 0 ≤ rest < over. Of less than nothing too: −1/2 is −1 + 1/2. */
export interface Exact {
  readonly whole: number;
  readonly rest: number;
  readonly over: number;
}

export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

export const roundings = ['down', 'half-up', 'up'] as const;
/** 切捨て, 四捨五入, 切上げ: of the amount without its sign, so that what is taken back is rounded as what it takes back. */
export type Rounding = (typeof roundings)[number];

/** amount × price, without loss. */
export function exactly(amount: number, { numerator, denominator }: Fraction): Exact {
  const [product, over] = [BigInt(amount) * BigInt(numerator), BigInt(denominator)];
  const rest = ((product % over) + over) % over;
  return { whole: safe((product - rest) / over), rest: Number(rest), over: denominator };
}

/** The one time at which a fraction of a yen is lost or won. */
export function roundYen({ whole, rest, over }: Exact, rounding: Rounding): number {
  const isNegative = whole < 0;
  // Without the sign: −1 + 1/3 is 2/3.
  const [units, part] = isNegative ? (rest === 0 ? [-whole, 0] : [-whole - 1, over - rest]) : [whole, rest];
  const isUp = part !== 0 && (rounding === 'up' || (rounding === 'half-up' && part * 2 >= over));
  const rounded = units + (isUp ? 1 : 0);
  return isNegative && rounded !== 0 ? -rounded : rounded;
}

function safe(value: bigint): number {
  assert(value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER), 'an amount of yen is a safe integer');
  return Number(value);
}
