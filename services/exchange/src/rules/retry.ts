/**
 * When to ask a card scheme again after attempt n (from 1): 0.5 s, doubled each time up to 5 min, less up to half of it at random so
 * that many waiting conversions do not come back at once. Undefined when the attempts are used up.
 */
export function retryDelayMs(attempt: number, random: number): number | undefined {
  if (attempt >= schemeAttemptsMax) return undefined;
  const full = Math.min(firstDelayMs * 2 ** (attempt - 1), retryDelayMsMax);
  return Math.round(full * (1 - random / 2));
}

/** 11 attempts in the first 4 to 9 minutes, 29 more at 2.5 to 5 minutes: an outage of an hour passes without a person. */
export const schemeAttemptsMax = 40;
const firstDelayMs = 500;
const retryDelayMsMax = 300_000;
