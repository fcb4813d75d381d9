import fc from 'fast-check';
import { exactly, roundYen, roundings } from './yen.js';

const part = fc.integer({ min: 1, max: 1_000_000_000 });
const amount = fc.integer({ min: -1_000_000, max: 1_000_000 });

describe('an exact amount of yen', () => {
  it.each([
    [10, { numerator: 1, denominator: 1 }, { whole: 10, rest: 0, over: 1 }],
    [7, { numerator: 1, denominator: 2 }, { whole: 3, rest: 1, over: 2 }],
    [-7, { numerator: 1, denominator: 2 }, { whole: -4, rest: 1, over: 2 }],
    [0, { numerator: 3, denominator: 7 }, { whole: 0, rest: 0, over: 7 }],
  ])('of %d × %j is %j', (points, price, expected) => {
    expect(exactly(points, price)).toEqual(expected);
  });

  it('loses nothing: whole × over + rest = amount × numerator', () => {
    fc.assert(
      fc.property(amount, part, part, (points, numerator, denominator) => {
        const { whole, rest, over } = exactly(points, { numerator, denominator });
        expect(rest >= 0 && rest < over).toBe(true);
        expect(BigInt(whole) * BigInt(over) + BigInt(rest)).toBe(BigInt(points) * BigInt(numerator));
      }),
    );
  });
});

describe('rounding of yen', () => {
  it.each([
    [7, 2, 3, 4, 4],
    [5, 4, 1, 1, 2],
    [8, 2, 4, 4, 4],
    [-7, 2, -3, -4, -4],
    [-5, 4, -1, -1, -2],
    [1, 3, 0, 0, 1],
    [-1, 3, 0, 0, -1],
  ])('of %d/%d is %d down, %d half up, %d up', (points, denominator, down, halfUp, up) => {
    const exact = exactly(points, { numerator: 1, denominator });

    expect(roundings.map((one) => roundYen(exact, one))).toEqual([down, halfUp, up]);
  });

  it('is the same of what is taken back as of what it takes back', () => {
    fc.assert(
      fc.property(amount, part, part, fc.constantFrom(...roundings), (points, numerator, denominator, rounding) => {
        const of = (value: number) => roundYen(exactly(value, { numerator, denominator }), rounding);
        expect(of(points) + of(-points)).toBe(0);
      }),
    );
  });
});
