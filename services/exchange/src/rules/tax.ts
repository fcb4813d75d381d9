import { roundYen, type Rounding } from './yen.js';

export const taxCategories = ['standard', 'reduced', 'exempt', 'outside'] as const;
/** 標準税率, 軽減税率, 非課税, 不課税. Exchanged points are money's worth that changes hands without a sale: outside, unless the terms say else. */
export type TaxCategory = (typeof taxCategories)[number];

/** Percent, since 1 October 2019; data of the issuer, so that another law is a change of data. */
export const taxPercentsUnlessTold = { standard: 10, reduced: 8 } as const;
export type TaxPercents = Readonly<Record<'standard' | 'reduced', number>>;

export interface Taxed {
  readonly yen: number;
  readonly taxCategory: TaxCategory;
}

export interface TaxOfRate {
  readonly taxCategory: TaxCategory;
  readonly percent: number;
  /** Sum of the lines of this category, without tax. */
  readonly taxableYen: number;
  readonly taxYen: number;
}

/** 適格請求書: the tax of each rate is rounded once per invoice, of the sum of its lines, never line by line. */
export function taxByRate(lines: readonly Taxed[], percents: TaxPercents, rounding: Rounding): TaxOfRate[] {
  return taxCategories.flatMap((taxCategory) => {
    const own = lines.filter((one) => one.taxCategory === taxCategory);
    if (own.length === 0) return [];
    const percent = taxCategory === 'standard' || taxCategory === 'reduced' ? percents[taxCategory] : 0;
    const taxableYen = own.reduce((sum, one) => sum + one.yen, 0);
    return [{ taxCategory, percent, taxableYen, taxYen: roundYen(percentOf(taxableYen, percent), rounding) }];
  });
}

function percentOf(yen: number, percent: number) {
  const hundredths = BigInt(yen) * BigInt(percent);
  const rest = ((hundredths % 100n) + 100n) % 100n;
  return { whole: Number((hundredths - rest) / 100n), rest: Number(rest), over: 100 };
}
