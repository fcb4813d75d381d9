import { jstDateOf, points, refuse, unreachable, type Instant, type Points, type Refusal } from '@points/kernel';

/** How many municipal points one holder, or all holders together, may exchange from a partner; bonuses do not count. */
export interface Cap {
  readonly of: 'holder' | 'partner';
  readonly per: CapPeriod;
  readonly points: Points;
}

export const capPeriods = ['day', 'month', 'year', 'fiscal-year'] as const;
/** Of the calendar in Tokyo. A fiscal year begins on 1 April. */
export type CapPeriod = (typeof capPeriods)[number];

/** Where a sum is kept. New terms with another number go on counting where the ones before stopped. */
export interface Counter {
  readonly key: string;
  readonly period: string;
}

/** What an order adds to a counter, and what is given back when it comes to nothing. */
export interface Count extends Counter {
  readonly amount: number;
}

export type TallyOf = (counter: Counter) => number;

export interface Counted {
  readonly partner: string;
  readonly holder: string;
  readonly at: Instant;
}

export function counterOf(cap: Cap, { partner, holder, at }: Counted): Counter {
  const who = cap.of === 'holder' ? `/holder:${holder}` : '';
  return { key: `partner:${partner}${who}/${cap.per}`, period: periodOf(cap.per, at) };
}

/** The first cap that `given` more points would pass, in the order of the terms. */
export function passesCap(
  caps: readonly Cap[],
  counted: Counted,
  given: Points,
  tallyOf: TallyOf,
): ReturnType<typeof refuse<Refusal<'cap-exceeded'>>> | undefined {
  for (const cap of caps) {
    const used = tallyOf(counterOf(cap, counted));
    if (used + given <= cap.points) continue;
    return refuse({
      code: 'cap-exceeded',
      detail: `at most ${cap.points} points per ${cap.per} for ${cap.of === 'holder' ? 'one person' : 'this partner'}; ${Math.max(0, cap.points - used)} are left`,
      facts: { of: cap.of, per: cap.per, limit: cap.points, used: points(used), asked: given },
    });
  }
  return undefined;
}

/** True while more may be counted there: its period is that of `at`, or has no end. */
export function isRunning({ period }: Counter, at: Instant): boolean {
  return period === 'ever' || capPeriods.some((per) => periodOf(per, at) === period);
}

function periodOf(per: CapPeriod, at: Instant): string {
  const day = jstDateOf(at);
  switch (per) {
    case 'day':
      return day;
    case 'month':
      return day.slice(0, 7);
    case 'year':
      return day.slice(0, 4);
    case 'fiscal-year':
      return `FY${Number(day.slice(0, 4)) - (day.slice(5) < '04-01' ? 1 : 0)}`;
    default:
      return unreachable(per);
  }
}
