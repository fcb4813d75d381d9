import { isoWeekday, jstDateOf, timeOfDayJst, type Instant } from '@points/kernel';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** From the first time of day through the last millisecond before the other, in Tokyo. Hours over midnight are two entries. */
export interface OpeningHours {
  readonly days: readonly Weekday[];
  /** `HH:MM`, 00:00 to 23:59. */
  readonly from: string;
  /** `HH:MM`, later than `from`, through 24:00. */
  readonly to: string;
}

/** None are given: always. */
export function isOpenAt(hours: readonly OpeningHours[] | undefined, at: Instant): boolean {
  if (!hours?.length) return true;
  const [day, time] = [weekdays[isoWeekday(jstDateOf(at)) - 1], timeOfDayJst(at)];
  return hours.some((one) => one.days.some((of) => of === day) && one.from <= time && time < one.to);
}

/** As a person reads it: `mon tue 09:00–17:00, sat 09:00–12:00`. */
export function hoursText(hours: readonly OpeningHours[]): string {
  return hours.map(({ days, from, to }) => `${days.join(' ')} ${from}–${to}`).join(', ');
}
