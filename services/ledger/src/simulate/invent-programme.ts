import { points, programmeId, type Expiry, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { Limit } from '../rules/limits.js';
import type { RefundOfExpired, Rules } from '../rules/programme.js';
import { dayNumber } from './model-time.js';
import type { Random } from './random.js';

/** Two municipalities with three programmes each; every kind of expiry is there from the first step. */
export const programmes: readonly { readonly id: ProgrammeId; readonly expiry: Expiry['kind']; readonly historyOpen: boolean }[] = [
  { id: programmeId('141305-days'), expiry: 'days-after-grant', historyOpen: false },
  { id: programmeId('141305-months'), expiry: 'end-of-month', historyOpen: false },
  { id: programmeId('141305-fiscal'), expiry: 'fiscal-year-end', historyOpen: true },
  { id: programmeId('432067-fixed'), expiry: 'fixed-day', historyOpen: false },
  { id: programmeId('432067-lasting'), expiry: 'none', historyOpen: false },
  { id: programmeId('432067-used'), expiry: 'months-after-last-use', historyOpen: true },
];

/** Its points never end, so amounts near the largest safe integer meet no sum but their holder's. */
export const lasting = '432067-lasting';
export const nowhere = programmeId('141305-nowhere');
export const places = ['shop:a', 'shop:b', 'facility:c'];

export function inventRules(random: Random, kind: Expiry['kind'], at: number): Rules {
  return {
    expiry: inventExpiry(random, kind, at),
    usableAt: random.chance(0.5) ? [] : places.filter(() => random.chance(0.5)),
    refundOfExpired: random.pick<RefundOfExpired>([
      { kind: 'restore-and-expire' },
      { kind: 'new-lot', days: random.whole(0, 20) },
      { kind: 'to-municipality' },
    ]),
    priority: random.whole(-1, 1),
    transferAllowed: random.chance(0.6),
    ...(random.chance(0.4) && { limits: inventLimits(random) }),
    ...(random.chance(0.8) && { reverseOfSpent: random.pick<'refuse' | 'debt'>(['refuse', 'debt', 'debt']) }),
  };
}

function inventLimits(random: Random): Limit[] {
  const all: Limit[] = [
    { kind: 'granted', per: random.pick(['day', 'month', 'fiscal-year', 'lifetime']), points: points(random.whole(500, 4_000)) },
    {
      kind: 'granted',
      per: random.pick(['day', 'month']),
      points: points(random.whole(200, 2_000)),
      source: random.pick(['partner:*', 'municipality']),
    },
    {
      kind: 'budget',
      per: random.pick(['day', 'month']),
      points: points(random.whole(400, 6_000)),
      ...(random.chance(0.3) && { source: 'partner:*' }),
    },
    { kind: 'balance', points: points(random.whole(800, 4_000)) },
    { kind: 'uses', per: random.pick(['minute', 'hour']), times: random.whole(2, 6) },
    { kind: 'uses', per: 'day', times: random.whole(5, 20), points: points(random.whole(300, 2_000)) },
  ];
  return all.filter(() => random.chance(0.4));
}

function inventExpiry(random: Random, kind: Expiry['kind'], at: number): Expiry {
  switch (kind) {
    case 'days-after-grant':
      return {
        kind,
        days: random.weighed([
          [1, 0],
          [2, 1],
          [4, random.whole(2, 20)],
          [2, 100],
        ]),
      };
    case 'end-of-month':
      return { kind, months: random.whole(0, 2) };
    case 'fiscal-year-end':
      return { kind, years: random.whole(0, 1) };
    case 'fixed-day':
      return { kind, day: dayAfter(at, random.whole(0, 60)) };
    case 'months-after-last-use':
      return { kind, months: random.whole(1, 2) };
    case 'none':
      return { kind };
  }
}

/** A day in Tokyo, so many days after the one on which the instant lies. */
export function dayAfter(at: number, days: number): LocalDate {
  // The text of a day that exists.
  return new Date((dayNumber(at) + days) * 86_400_000).toISOString().slice(0, 10) as LocalDate;
}
