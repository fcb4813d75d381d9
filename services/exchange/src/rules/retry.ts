/**
 * When to ask another company again after attempt n (from 1): 0.5 s, doubled each time up to 5 min, less up to half of it at random so
 * that many that wait do not come back at once. Undefined when the attempts are used up.
 */
export function retryDelayMs(attempt: number, random: number, attemptsMax: number = schemeAttemptsMax): number | undefined {
  if (attempt >= attemptsMax) return undefined;
  const full = Math.min(firstDelayMs * 2 ** Math.min(attempt - 1, doublingsMax), retryDelayMsMax);
  return Math.round(full * (1 - random / 2));
}

/** 11 attempts in the first 4 to 9 minutes, 29 more at 2.5 to 5 minutes: an outage of an hour passes without a person. */
export const schemeAttemptsMax = 40;
/** As before, and then for a day: a linked partner owes points that are already issued, or keeps points reserved that are not needed. */
export const partnerAttemptsMax = 320;
const firstDelayMs = 500;
const retryDelayMsMax = 300_000;
/** Beyond it the delay is at its most. */
const doublingsMax = 20;
