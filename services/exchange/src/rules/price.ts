import { done, points, refuse, type Points, type Refusal, type Result } from '@points/kernel';
import { bestBonus, budgetCounter, holderCounter, type Bonus, type Campaign } from './campaign.js';
import { counterOf, passesCap, type Cap, type Count, type Counted, type Counter, type TallyOf } from './caps.js';
import { quote, quoteRefusalCodes, type OrderedAmount, type Terms } from './quote.js';

export interface PricedOrder extends OrderedAmount {
  readonly partner: string;
  readonly holder: string;
  /** What the resident was promised in a quote: it is kept, or the order is refused. */
  readonly promisedBonus?: { readonly campaign: string; readonly points: Points };
  readonly isQuoted?: boolean;
}

export interface Price {
  readonly municipalPoints: Points;
  /**
   * What rounding leaves, over the rate's denominator: partner points × numerator = municipal points × denominator + rest. It is no
   * point and belongs to nobody; statements add it up so that both companies' sums agree.
   */
  readonly rest: number;
  readonly bonus?: Bonus;
  /** What caps and campaigns count of it, in order of key. */
  readonly counts: readonly Count[];
}

export const priceRefusalCodes = [...quoteRefusalCodes, 'cap-exceeded', 'bonus-gone'] as const;
export type PriceRefusal = Refusal<(typeof priceRefusalCodes)[number]>;

/** All that an order gives, and what it uses up. Counters must hold what was counted before it. */
export function price(terms: Terms, campaigns: readonly Campaign[], order: PricedOrder, tallyOf: TallyOf): Result<Price, PriceRefusal> {
  const quoted = quote(terms, order);
  if (!quoted.ok) return quoted;
  const municipalPoints = quoted.value;
  const counted = { partner: order.partner, holder: order.holder, at: order.acceptedAt };
  const refused = passesCap(terms.caps ?? [], counted, municipalPoints, tallyOf);
  if (refused) return refused;

  const bonus = bestBonus(campaignsFor(campaigns, order), { ...counted, municipalPoints }, tallyOf);
  const promised = order.promisedBonus;
  if (promised && (bonus?.campaign !== promised.campaign || bonus.points < promised.points))
    return refuse({
      code: 'bonus-gone',
      detail: `the quoted bonus of ${promised.points} points is no longer there; ask for a new quote`,
      facts: { quoted: promised.points, now: bonus?.points ?? points(0) },
    });
  const kept = bonus && promised ? { ...bonus, points: promised.points } : bonus;
  return done({
    municipalPoints,
    rest: restOf(terms, order.partnerPoints, municipalPoints),
    ...(kept && { bonus: kept }),
    counts: countsOf(terms.caps ?? [], campaigns, counted, municipalPoints, kept),
  });
}

/** Every counter that `price` may read for this order: they are locked before it decides. */
export function countersFor(
  terms: Terms,
  campaigns: readonly Campaign[],
  order: Pick<PricedOrder, 'partner' | 'holder' | 'acceptedAt'>,
): Counter[] {
  const counted = { partner: order.partner, holder: order.holder, at: order.acceptedAt };
  return [
    ...(terms.caps ?? []).map((cap) => counterOf(cap, counted)),
    ...campaigns
      .filter((one) => one.from <= order.acceptedAt && order.acceptedAt < one.to)
      .flatMap(({ campaign, perHolder }) => [
        budgetCounter(campaign),
        ...(perHolder === undefined ? [] : [holderCounter(campaign, order.holder)]),
      ]),
  ];
}

/** An order of a quote that promised no bonus gets none: its price is the quote's. */
function campaignsFor(campaigns: readonly Campaign[], { isQuoted, promisedBonus }: PricedOrder): readonly Campaign[] {
  if (!isQuoted) return campaigns;
  return campaigns.filter((one) => one.campaign === promisedBonus?.campaign);
}

function restOf({ rate }: Terms, partnerPoints: Points, municipalPoints: Points): number {
  // Below the denominator, which is at most 1,000,000,000.
  return Number(BigInt(partnerPoints) * BigInt(rate.numerator) - BigInt(municipalPoints) * BigInt(rate.denominator));
}

function countsOf(
  caps: readonly Cap[],
  campaigns: readonly Campaign[],
  counted: Counted,
  given: Points,
  bonus: Bonus | undefined,
): Count[] {
  const isPerHolder = campaigns.some((one) => one.campaign === bonus?.campaign && one.perHolder !== undefined);
  const counts = [
    ...caps.map((cap) => ({ ...counterOf(cap, counted), amount: given })),
    ...(bonus ? [{ ...budgetCounter(bonus.campaign), amount: bonus.points }] : []),
    ...(bonus && isPerHolder ? [{ ...holderCounter(bonus.campaign, counted.holder), amount: bonus.points }] : []),
  ];
  // Two caps may share a counter (a lower one that was added later): it counts once.
  return [...new Map(counts.map((one) => [`${one.key} ${one.period}`, one])).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
