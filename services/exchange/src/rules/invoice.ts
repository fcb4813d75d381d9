import type { Account } from './account.js';
import { taxByRate, type TaxCategory, type TaxOfRate, type TaxPercents } from './tax.js';
import type { Fraction, Rounding } from './yen.js';

export interface InvoiceLine {
  readonly what: 'exchanged-points' | 'fee' | 'corrections';
  /** Of a fee. */
  readonly name?: string;
  /** Of the partner's terms; absent for corrections. */
  readonly version?: number;
  /** Points, or how often a fee fell due. */
  readonly quantity?: number;
  readonly yenEach?: Fraction;
  /** Without tax. */
  readonly yen: number;
  readonly taxCategory: TaxCategory;
}

export interface InvoiceSums {
  readonly lines: readonly InvoiceLine[];
  readonly taxes: readonly TaxOfRate[];
  readonly taxYen: number;
  /** Lines and tax. Negative: the municipality pays. */
  readonly totalYen: number;
}

/** What a closed account is as an invoice. */
export function invoiceOf({ versions, fees, net }: Account, percents: TaxPercents, rounding: Rounding): InvoiceSums {
  const lines: InvoiceLine[] = [
    ...versions.map(({ version, exchangedPoints, bonusPoints, yenPerPoint, dueYen, pointsTaxCategory }) => ({
      what: 'exchanged-points' as const,
      version,
      quantity: exchangedPoints + bonusPoints,
      yenEach: yenPerPoint,
      yen: dueYen,
      taxCategory: pointsTaxCategory,
    })),
    ...fees.map(({ name, version, quantity, yen, dueYen, taxCategory }) => ({
      ...{ what: 'fee' as const, name, version, quantity, yenEach: yen, yen: dueYen, taxCategory },
    })),
    // They set right what points were stated to cost.
    ...(net.correctionsYen === 0 ? [] : [{ what: 'corrections' as const, yen: net.correctionsYen, taxCategory: 'outside' as const }]),
  ];
  const taxes = taxByRate(lines, percents, rounding);
  const taxYen = taxes.reduce((sum, one) => sum + one.taxYen, 0);
  return { lines, taxes, taxYen, totalYen: lines.reduce((sum, one) => sum + one.yen, taxYen) };
}
