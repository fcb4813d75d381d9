import { addDays, endOfDayJst, jstDateOf, parseInstant, type Instant, type LocalDate } from '@points/kernel';

/** How a card scheme is asked for credits: one by one over its API, or all of a day by a file. */
export const deliveries = ['api', 'file'] as const;
export type Delivery = (typeof deliveries)[number];

export interface DeliverySettings {
  readonly delivery: Delivery;
  readonly endpoint?: string | undefined;
  readonly secret?: string | undefined;
  readonly cutOffHour?: number | undefined;
}

/** What a delivery needs and what it has no use for, field by field: a setting that does nothing would be believed. */
export function deliveryTrouble({
  delivery,
  endpoint,
  secret,
  cutOffHour,
}: DeliverySettings): { readonly field: string; readonly reason: string }[] {
  const wrong = (field: string, isWrong: boolean, reason: string) => (isWrong ? [{ field, reason }] : []);
  if (delivery === 'api')
    return [
      ...wrong('endpoint', endpoint === undefined, 'is needed where credits are asked for by api'),
      ...wrong('cutOffHour', cutOffHour !== undefined, 'is of the delivery by file only'),
    ];
  return [
    ...wrong('cutOffHour', cutOffHour === undefined, 'is needed where credits are asked for by file'),
    ...wrong('endpoint', endpoint !== undefined, 'is of the delivery by api only'),
    ...wrong('secret', secret !== undefined, 'is of the delivery by api only'),
  ];
}

/** What was held before it is in the file of the day. */
export function cutOffOf(day: LocalDate, hour: number): Instant {
  return atTime(day, hour, 0);
}

/** When the file of the day is made: a moment after the cut-off, when what was held just before it has been written down. */
export function fileDueAt(day: LocalDate, hour: number): Instant {
  return atTime(day, hour, afterCutOffMinutes);
}

/** The first day whose cut-off is still to come. */
export function firstFileDay(now: Instant, hour: number): LocalDate {
  const today = jstDateOf(now);
  return now < cutOffOf(today, hour) ? today : addDays(today, 1);
}

/** When points go back that nobody has answered for: `days` whole days after the day on which the scheme was asked. */
export function giveBackAt(day: LocalDate, days: number): Instant {
  return endOfDayJst(addDays(day, days));
}

function atTime(day: LocalDate, hour: number, minute: number): Instant {
  return parseInstant(`${day}T${twoDigits(hour)}:${twoDigits(minute)}:00+09:00`);
}

function twoDigits(n: number): string {
  return String(n).padStart(2, '0');
}

/** Longer than the transaction that writes a hold down may take; what is later still goes into the next file. */
export const afterCutOffMinutes = 1;
export const cutOffHourMax = 23;
export const giveBackDaysMax = 90;
export const giveBackDaysUnlessTold = 14;
