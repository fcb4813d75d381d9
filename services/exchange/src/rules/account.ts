import { assert, type LocalDate } from '@points/kernel';
import type { Bearer } from './campaign.js';
import type { TaxCategory } from './tax.js';
import { exactly, roundYen, type Exact, type Fraction, type Rounding } from './yen.js';

export const lineKinds = ['order', 'order-reversal', 'bonus', 'bonus-reversal', 'correction'] as const;
/** What a line of an account is about. Reversals are negative. */
export type LineKind = (typeof lineKinds)[number];

export const feePers = ['order', 'reversal', 'point', 'month'] as const;
/** For each order, each reversal, each municipal point of orders less reversals, or once for the statement. */
export type FeePer = (typeof feePers)[number];

export interface Fee {
  readonly name: string;
  readonly per: FeePer;
  /** Without tax. */
  readonly yen: Fraction;
  readonly taxCategory: TaxCategory;
}

/** What a version of a partner's terms says about money. */
export interface Prices {
  readonly version: number;
  readonly rate: Fraction;
  readonly yenPerPoint: Fraction;
  readonly pointsTaxCategory: TaxCategory;
  readonly fees: readonly Fee[];
}

/** Lines of an account, added up: all that are alike in these three. */
export interface LineSum {
  readonly kind: LineKind;
  /** Null for corrections. */
  readonly version: number | null;
  /** Who pays for the bonus; null for what is none. */
  readonly borneBy: Bearer | null;
  readonly lines: number;
  readonly partnerPoints: number;
  readonly municipalPoints: number;
  readonly rest: number;
  readonly yen: number;
}

export const figureNames = [
  'orders',
  'order-reversals',
  'bonuses-of-partner',
  'bonus-reversals-of-partner',
  'bonuses-of-municipality',
  'bonus-reversals-of-municipality',
  'corrections',
] as const;
export type FigureName = (typeof figureNames)[number];

/** Which lines a figure is the sum of: every line belongs to exactly one. */
export const figureLines: Readonly<Record<FigureName, { readonly kind: LineKind; readonly borneBy: Bearer | null }>> = {
  orders: { kind: 'order', borneBy: null },
  'order-reversals': { kind: 'order-reversal', borneBy: null },
  'bonuses-of-partner': { kind: 'bonus', borneBy: 'partner' },
  'bonus-reversals-of-partner': { kind: 'bonus-reversal', borneBy: 'partner' },
  'bonuses-of-municipality': { kind: 'bonus', borneBy: 'municipality' },
  'bonus-reversals-of-municipality': { kind: 'bonus-reversal', borneBy: 'municipality' },
  corrections: { kind: 'correction', borneBy: null },
};

export interface Figure {
  readonly figure: FigureName;
  readonly lines: number;
  readonly partnerPoints: number;
  readonly municipalPoints: number;
  readonly yen: number;
}

/** Of one version of the terms: partnerPoints × rate = exchangedPoints + rest. */
export interface VersionAccount extends Omit<Prices, 'fees'> {
  /** Taken by the partner, less given back. */
  readonly partnerPoints: number;
  /** Issued for them, less taken back. */
  readonly exchangedPoints: number;
  /** What rounding left of the orders, over the rate's denominator. */
  readonly rest: { readonly rest: number; readonly over: number };
  /** Bonuses that the partner bears, less taken back. */
  readonly bonusPoints: number;
  readonly due: Exact;
  readonly dueYen: number;
}

export interface FeeAccount extends Fee {
  readonly version: number;
  readonly quantity: number;
  readonly due: Exact;
  readonly dueYen: number;
}

export interface Account {
  readonly figures: readonly Figure[];
  readonly versions: readonly VersionAccount[];
  readonly fees: readonly FeeAccount[];
  /** What the partner owes the municipality; negative: the other way. Without tax. */
  readonly net: { readonly pointsYen: number; readonly correctionsYen: number; readonly feesYen: number; readonly totalYen: number };
}

/**
 * The account of a partner for a month. Yen are rounded once for each version of the terms and once for each fee, so that an invoice's
 * lines are whole and what rounding leaves is seen. `atEnd` are the terms that hold when the month ends: fees by the month are theirs.
 */
export function accountOf(sums: readonly LineSum[], prices: readonly Prices[], atEnd: Prices | undefined, rounding: Rounding): Account {
  const versions = prices.map((one) => versionAccount(one, sums, rounding)).filter((one) => one !== undefined);
  const fees = prices.flatMap((one) => feesOf(one, sums, one.version === atEnd?.version, rounding));
  const figures = figureNames.map((figure) => figureOf(figure, sums));
  const pointsYen = sumOf(versions, (one) => one.dueYen);
  const correctionsYen = sumOf(sums, (one) => one.yen);
  const feesYen = sumOf(fees, (one) => one.dueYen);
  return { figures, versions, fees, net: { pointsYen, correctionsYen, feesYen, totalYen: pointsYen + correctionsYen + feesYen } };
}

/** `2026-11` of a day. */
export function monthOf(day: LocalDate): string {
  return day.slice(0, 7);
}

function versionAccount(prices: Prices, sums: readonly LineSum[], rounding: Rounding): VersionAccount | undefined {
  const { version, rate, yenPerPoint, pointsTaxCategory } = prices;
  const own = sums.filter((one) => one.version === version);
  if (own.length === 0) return undefined;
  const exchanged = own.filter((one) => one.kind === 'order' || one.kind === 'order-reversal');
  const partnerPoints = sumOf(exchanged, (one) => one.partnerPoints);
  const exchangedPoints = sumOf(exchanged, (one) => one.municipalPoints);
  const rest = sumOf(exchanged, (one) => one.rest);
  const { numerator, denominator } = rate;
  assert(
    BigInt(partnerPoints) * BigInt(numerator) === BigInt(exchangedPoints) * BigInt(denominator) + BigInt(rest),
    'partner points × numerator = municipal points × denominator + rest',
  );
  const bonusPoints = sumOf(
    own.filter((one) => one.borneBy === 'partner'),
    (one) => one.municipalPoints,
  );
  const due = exactly(exchangedPoints + bonusPoints, yenPerPoint);
  return {
    ...{ version, rate, yenPerPoint, pointsTaxCategory },
    partnerPoints,
    exchangedPoints,
    rest: { rest, over: denominator },
    bonusPoints,
    due,
    dueYen: roundYen(due, rounding),
  };
}

function feesOf({ version, fees }: Prices, sums: readonly LineSum[], isAtEnd: boolean, rounding: Rounding): FeeAccount[] {
  const own = sums.filter((one) => one.version === version);
  const of = (kind: LineKind) => own.filter((one) => one.kind === kind);
  const quantities: Record<FeePer, number> = {
    order: sumOf(of('order'), (one) => one.lines),
    reversal: sumOf(of('order-reversal'), (one) => one.lines),
    point: sumOf([...of('order'), ...of('order-reversal')], (one) => one.municipalPoints),
    month: isAtEnd ? 1 : 0,
  };
  return fees.flatMap((fee) => {
    const quantity = quantities[fee.per];
    if (quantity === 0) return [];
    const due = exactly(quantity, fee.yen);
    return [{ ...fee, version, quantity, due, dueYen: roundYen(due, rounding) }];
  });
}

function figureOf(figure: FigureName, sums: readonly LineSum[]): Figure {
  const { kind, borneBy } = figureLines[figure];
  const own = sums.filter((one) => one.kind === kind && one.borneBy === borneBy);
  return {
    figure,
    lines: sumOf(own, (one) => one.lines),
    partnerPoints: sumOf(own, (one) => one.partnerPoints),
    municipalPoints: sumOf(own, (one) => one.municipalPoints),
    yen: sumOf(own, (one) => one.yen),
  };
}

function sumOf<T>(all: readonly T[], value: (one: T) => number): number {
  const sum = all.reduce((before, one) => before + value(one), 0);
  assert(Number.isSafeInteger(sum), 'a sum of an account is a safe integer');
  return sum === 0 ? 0 : sum;
}
