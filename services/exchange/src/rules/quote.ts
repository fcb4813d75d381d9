import {
  done,
  jstDateOf,
  points,
  refuse,
  type Instant,
  type LocalDate,
  type Points,
  type Ratio,
  type Refusal,
  type Result,
} from '@points/kernel';
import type { Cap } from './caps.js';
import { hoursText, isOpenAt, type OpeningHours } from './opening-hours.js';

/** What a partner and the municipality have agreed. Ratios and lots differ by partner and are data, never constants. */
export interface Terms {
  /** Municipal points per partner point. */
  readonly rate: Ratio;
  /** Partner points are exchanged in whole lots (口数) of this size. */
  readonly lotPartnerPoints: Points;
  readonly minPartnerPoints?: Points;
  readonly maxPartnerPoints?: Points;
  readonly validFrom?: LocalDate;
  readonly validTo?: LocalDate;
  /** Absent: at any time. */
  readonly openingHours?: readonly OpeningHours[];
  readonly caps?: readonly Cap[];
  /** Through how many days after its booking the partner may take an order back. Absent: not at all. */
  readonly reversalDays?: number;
}

export interface OrderedAmount {
  readonly partnerPoints: Points;
  /** What the caller expects; a difference is a misunderstanding about the rate, to be cleared up before points come into being. */
  readonly municipalPoints?: Points;
  readonly acceptedAt: Instant;
}

/** In the order in which they are checked: one bad order has exactly one right answer. */
export const quoteRefusalCodes = [
  'partner-not-open',
  'outside-opening-hours',
  'below-minimum',
  'above-maximum',
  'not-whole-lots',
  'amount-too-small',
  'amount-too-large',
  'ratio-mismatch',
] as const;
export type QuoteRefusal = Refusal<(typeof quoteRefusalCodes)[number]>;

/** The municipal points an order gives: the floor of the whole order, not of each lot, so that splitting never pays. */
export function quote(terms: Terms, order: OrderedAmount): Result<Points, QuoteRefusal> {
  const { rate, lotPartnerPoints: lot, minPartnerPoints: min, maxPartnerPoints: max, validFrom, validTo } = terms;
  const { partnerPoints, municipalPoints: expected, acceptedAt } = order;
  const day = jstDateOf(acceptedAt);
  if ((validFrom && day < validFrom) || (validTo && day > validTo))
    return refuse({
      code: 'partner-not-open',
      detail: `orders are taken ${validFrom ? `from ${validFrom} ` : ''}${validTo ? `through ${validTo}` : 'on'}, not on ${day}`,
      facts: { day, ...(validFrom && { validFrom }), ...(validTo && { validTo }) },
    });
  if (terms.openingHours && !isOpenAt(terms.openingHours, acceptedAt))
    return refuse({
      code: 'outside-opening-hours',
      detail: `orders are taken ${hoursText(terms.openingHours)} (Tokyo)`,
      facts: { openingHours: hoursText(terms.openingHours) },
    });
  if (min !== undefined && partnerPoints < min)
    return refuse({ code: 'below-minimum', detail: `at least ${min} partner points can be exchanged`, facts: { minimum: min } });
  if (max !== undefined && partnerPoints > max)
    return refuse({ code: 'above-maximum', detail: `at most ${max} partner points can be exchanged`, facts: { maximum: max } });
  if (partnerPoints % lot !== 0)
    return refuse({ code: 'not-whole-lots', detail: `partner points are exchanged in whole lots of ${lot}`, facts: { lot } });
  if (exceedsPoints(rate, partnerPoints))
    return refuse({ code: 'amount-too-large', detail: 'the order gives more points than can be booked', facts: { rate: rate.toString() } });
  const given = rate.applyFloor(partnerPoints);
  if (given === 0)
    return refuse({
      code: 'amount-too-small',
      detail: `at the rate ${rate.toString()} this order gives no point`,
      facts: { rate: rate.toString() },
    });
  if (expected !== undefined && expected !== given)
    return refuse({
      code: 'ratio-mismatch',
      detail: `at the rate ${rate.toString()} this order gives ${given} points, not ${expected}`,
      facts: { expected: given, rate: rate.toString() },
    });
  return done(given);
}

/** What of an offer can be taken, and what is not a whole lot and stays at the partner. */
export function wholeLots({ lotPartnerPoints: lot }: Pick<Terms, 'lotPartnerPoints'>, offered: Points): { taken: Points; left: Points } {
  const left = points(offered % lot);
  return { taken: points(offered - left), left };
}

/** True when two fractions are the same number: 2/2 and 1/1 are one rate. */
export function sameRate(a: Pick<Ratio, 'numerator' | 'denominator'>, b: Pick<Ratio, 'numerator' | 'denominator'>): boolean {
  return BigInt(a.numerator) * BigInt(b.denominator) === BigInt(b.numerator) * BigInt(a.denominator);
}

function exceedsPoints(rate: Ratio, partnerPoints: Points): boolean {
  return (BigInt(partnerPoints) * BigInt(rate.numerator)) / BigInt(rate.denominator) > BigInt(pointsMax);
}

const pointsMax = points(Number.MAX_SAFE_INTEGER);
