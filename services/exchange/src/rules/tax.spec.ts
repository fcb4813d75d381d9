import fc from 'fast-check';
import { taxByRate, taxCategories, taxPercentsUnlessTold, type Taxed } from './tax.js';

const percents = taxPercentsUnlessTold;

describe('the tax of an invoice', () => {
  it('is rounded once for each rate, not line by line', () => {
    const lines: Taxed[] = [
      { yen: 15, taxCategory: 'standard' },
      { yen: 15, taxCategory: 'standard' },
      { yen: 99, taxCategory: 'reduced' },
      { yen: 1_000, taxCategory: 'outside' },
      { yen: 7, taxCategory: 'exempt' },
    ];

    expect(taxByRate(lines, percents, 'down')).toEqual([
      // Line by line it would be 1 + 1.
      { taxCategory: 'standard', percent: 10, taxableYen: 30, taxYen: 3 },
      { taxCategory: 'reduced', percent: 8, taxableYen: 99, taxYen: 7 },
      { taxCategory: 'exempt', percent: 0, taxableYen: 7, taxYen: 0 },
      { taxCategory: 'outside', percent: 0, taxableYen: 1_000, taxYen: 0 },
    ]);
  });

  it.each([
    ['down', 7, -7],
    ['half-up', 8, -8],
    ['up', 8, -8],
  ] as const)('of 99 yen at 8 percent, rounded %s, is %d, and of −99 yen %d', (rounding, of, ofNegative) => {
    const tax = (yen: number) => taxByRate([{ yen, taxCategory: 'reduced' }], percents, rounding)[0]?.taxYen;

    expect([tax(99), tax(-99)]).toEqual([of, ofNegative]);
  });

  it('takes in every line once', () => {
    const line = fc.record({ yen: fc.integer({ min: -1_000_000, max: 1_000_000 }), taxCategory: fc.constantFrom(...taxCategories) });
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const sum = (all: readonly number[]) => all.reduce((before, one) => before + one, 0);
        expect(sum(taxByRate(lines, percents, 'down').map((one) => one.taxableYen))).toBe(sum(lines.map((one) => one.yen)));
      }),
    );
  });
});
