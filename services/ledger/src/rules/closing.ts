import { daysBetween, endOfDayJst, jstDateOf, type Instant, type LocalDate } from '@points/kernel';

/** Days before the last day of use on which holders are warned: half a year for those who save, then more and more urgently. */
export const closingWarningDays: readonly number[] = [180, 90, 30, 7, 1];

/**
 * The warning that is due: the smallest of the named numbers that is not below the days left, unless it or a later one has been given.
 * After a pause only the most urgent one is given, and none once the last day is over.
 */
export function closingWarning(lastDay: LocalDate, given: number | null, now: Instant): { warning: number; daysLeft: number } | undefined {
  const daysLeft = daysBetween(jstDateOf(now), lastDay);
  const warning = closingWarningDays.findLast((days) => days >= daysLeft);
  if (daysLeft < 0 || warning === undefined || (given !== null && given <= warning)) return undefined;
  return { warning, daysLeft };
}

/** What remains in a closed programme expires on the day after the last day of use; undefined while it can be used. */
export function closedAt(lastDay: LocalDate | null, now: Instant): Instant | undefined {
  if (lastDay === null) return undefined;
  const end = endOfDayJst(lastDay);
  return end <= now ? end : undefined;
}
