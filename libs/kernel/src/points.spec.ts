import fc from 'fast-check';
import { parsePoints, points, sumPoints } from './points.js';
import { parseRatio, ratio } from './ratio.js';

describe('points', () => {
  it.each([[0.5], [NaN], [Infinity], [2 ** 53], [-(2 ** 53)]])('%p is no amount of points', (value) => {
    expect(() => points(value)).toThrow(RangeError);
  });

  it.each([['1.5'], ['1e3'], [''], [' 1'], ['9007199254740992'], ['abc']])('the column text %p is refused', (text) => {
    expect(() => parsePoints(text)).toThrow(RangeError);
  });

  it('reads back every amount that it writes', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => parsePoints(String(points(value))) === points(value)));
  });

  it('refuses a sum that leaves the safe integers', () => {
    expect(() => sumPoints([points(Number.MAX_SAFE_INTEGER), points(1)])).toThrow('safe integer');
  });
});

describe('a ratio', () => {
  it.each([
    [5, 1, 1200, 6000],
    [1, 3, 200, 66],
    [1, 3, 300, 100],
    [3, 2, 7, 10],
    [1, 1, 0, 0],
  ])('%i/%i of %i is %i', (numerator, denominator, amount, result) => {
    expect(ratio(numerator, denominator).applyFloor(points(amount))).toBe(result);
  });

  it('never gives more than the exact fraction, and less than one point below it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 0, max: 1_000_000_000 }),
        (n, d, amount) => {
          const result = BigInt(ratio(n, d).applyFloor(points(amount)));
          const exact = BigInt(amount) * BigInt(n);
          return result * BigInt(d) <= exact && (result + 1n) * BigInt(d) > exact;
        },
      ),
    );
  });

  it('says whether anything is lost by rounding', () => {
    expect(ratio(1, 3).isExactFor(points(200))).toBe(false);
    expect(ratio(1, 3).isExactFor(points(300))).toBe(true);
  });

  it.each([
    [0, 1],
    [1, 0],
    [1.5, 1],
    [-1, 1],
    [1_000_000_001, 1],
  ])('%p/%p is refused', (numerator, denominator) => {
    expect(() => ratio(numerator, denominator)).toThrow(RangeError);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 1, max: 1e9 }),
        (n, d) => parseRatio(ratio(n, d).toString()).toString() === `${n}/${d}`,
      ),
    );
  });
});
