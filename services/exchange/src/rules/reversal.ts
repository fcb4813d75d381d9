import { addDays, jstDateOf, type Instant, type LocalDate, type Refusal } from '@points/kernel';
import { isRunning, type Count } from './caps.js';

export const reversalReasons = ['mistake', 'fraud', 'cooling-off', 'other'] as const;
export type ReversalReason = (typeof reversalReasons)[number];

export const reversalStates = ['asked', 'bonus-asked', 'reversed', 'refused'] as const;
/** asked: the ledger is to take the order's points back. bonus-asked: they are back, its bonus is next. refused: nothing was taken. */
export type ReversalState = (typeof reversalStates)[number];

export type ReversalRefusal = Refusal<'reversal-not-agreed' | 'reversal-window-over'>;

/** Through the last day of the window, in Tokyo: an order of day D with n days may be taken back through D+n 23:59:59. */
export function lastReversalDay(bookedAt: Instant, reversalDays: number): LocalDate {
  return addDays(jstDateOf(bookedAt), reversalDays);
}

/** Why the partner may not take an order back by itself now. The terms are those under which the order was placed. */
export function windowTrouble(reversalDays: number | undefined, bookedAt: Instant, at: Instant): ReversalRefusal | undefined {
  if (reversalDays === undefined)
    return { code: 'reversal-not-agreed', detail: 'the terms of this order give the partner no time to take it back' };
  const lastDay = lastReversalDay(bookedAt, reversalDays);
  if (jstDateOf(at) <= lastDay) return undefined;
  return { code: 'reversal-window-over', detail: `this order could be taken back through ${lastDay}`, facts: { lastDay } };
}

/**
 * What a reversal gives back to caps and campaigns: what its order had counted in a period that still runs, so that the resident may
 * exchange as much again. Of a period that is over nothing is given back: its count is history. A campaign gets its share back only
 * when the bonus itself was taken back; one that stays with the holder stays spent.
 */
export function countsGivenBack(
  counts: readonly Count[],
  { at, isBonusTaken }: { readonly at: Instant; readonly isBonusTaken: boolean },
): Count[] {
  return counts
    .filter((one) => isRunning(one, at) && (isBonusTaken || !one.key.startsWith('campaign:')))
    .map((one) => ({ ...one, amount: -one.amount }));
}
