import { points, type Instant, type Points, type Ratio } from '@points/kernel';
import type { Counter, TallyOf } from './caps.js';

/** More points for a time, out of a budget. */
export interface Campaign {
  readonly campaign: string;
  /** Empty: every partner of the programme. */
  readonly partners: readonly string[];
  readonly bonus: { readonly kind: 'rate'; readonly rate: Ratio } | { readonly kind: 'fixed'; readonly points: Points };
  /** Runs while from ≤ t < to. */
  readonly from: Instant;
  readonly to: Instant;
  readonly budget: Points;
  readonly perHolder?: Points;
  readonly borneBy: Bearer;
}

export const bearers = ['partner', 'municipality'] as const;
/** Who pays for the bonus: the partner's are paid points, the municipality's free ones. */
export type Bearer = (typeof bearers)[number];

export interface Bonus {
  readonly campaign: string;
  readonly points: Points;
  readonly borneBy: Bearer;
}

export interface BonusAsked {
  readonly partner: string;
  readonly holder: string;
  readonly at: Instant;
  readonly municipalPoints: Points;
}

export function runsFor(campaign: Campaign, { partner, at }: Pick<BonusAsked, 'partner' | 'at'>): boolean {
  return campaign.from <= at && at < campaign.to && (campaign.partners.length === 0 || campaign.partners.includes(partner));
}

export function budgetCounter(campaign: string): Counter {
  return { key: `campaign:${campaign}`, period: 'ever' };
}

export function holderCounter(campaign: string, holder: string): Counter {
  return { key: `campaign:${campaign}/holder:${holder}`, period: 'ever' };
}

/** What the campaign adds to an order: its full bonus, or what is left of the budget or of the person's share, down to nothing. */
export function bonusOf(campaign: Campaign, asked: BonusAsked, tallyOf: TallyOf): Points {
  const { bonus, budget, perHolder } = campaign;
  const full = bonus.kind === 'fixed' ? bonus.points : bonus.rate.applyFloor(asked.municipalPoints);
  const left = [
    budget - tallyOf(budgetCounter(campaign.campaign)),
    ...(perHolder === undefined ? [] : [perHolder - tallyOf(holderCounter(campaign.campaign, asked.holder))]),
  ];
  return points(Math.max(0, Math.min(full, ...left)));
}

/** An order has one bonus: of the running campaigns the one that gives most, and of equal ones the first by id. */
export function bestBonus(campaigns: readonly Campaign[], asked: BonusAsked, tallyOf: TallyOf): Bonus | undefined {
  let best: Bonus | undefined;
  for (const one of [...campaigns].sort((a, b) => (a.campaign < b.campaign ? -1 : 1))) {
    const given = runsFor(one, asked) ? bonusOf(one, asked, tallyOf) : 0;
    if (given > (best?.points ?? 0)) best = { campaign: one.campaign, points: points(given), borneBy: one.borneBy };
  }
  return best;
}
