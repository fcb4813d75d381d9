import { parseInstant, type Instant } from '@points/kernel';

/** The edges' clock. Rules and use cases are told the time. */
export function now(): Instant {
  return instantOf(new Date());
}

/** A `timestamptz` column as pg gives it. */
export function instantOf(date: Date): Instant {
  return parseInstant(date.toISOString());
}
