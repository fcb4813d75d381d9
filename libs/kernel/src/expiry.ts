import { unreachable } from './assert.js';
import { addDays, endOfDayJst, jstDateOf, type Instant, type LocalDate } from './jst.js';

/** When a lot's time is over. "Usable through day X" is 23:59:59.999 of X in Tokyo. */
export type Expiry =
  /** A lot of day D is usable through D + days. */
  | { readonly kind: 'days-after-grant'; readonly days: number }
  /** Usable through the last day of the month that is `months` after the month of the grant; 0 is the month itself. */
  | { readonly kind: 'end-of-month'; readonly months: number }
  /** Usable through 31 March of the fiscal year (April to March) that is `years` after the year of the grant; 0 is the year itself. */
  | { readonly kind: 'fiscal-year-end'; readonly years: number }
  | { readonly kind: 'fixed-day'; readonly day: LocalDate }
  /** Usable through the day `months` after the last use of the account; the grant counts as a use of its own lot. */
  | { readonly kind: 'months-after-last-use'; readonly months: number }
  | { readonly kind: 'none' };

/**
 * The first instant at which a lot granted at `grantedAt` can no longer be used; null when it never ends. A lot lives while
 * granted_at ≤ t < expires_at, so "usable through 23:59:59.999 of day X" is the start of the day after X.
 */
export function expiresAt(rule: Expiry, grantedAt: Instant): Instant | null {
  const day = jstDateOf(grantedAt);
  switch (rule.kind) {
    case 'days-after-grant':
      return endOfDayJst(addDays(day, rule.days));
    case 'end-of-month':
      return endOfDayJst(lastDayOfMonth(addMonths(firstDayOfMonth(day), rule.months)));
    case 'fiscal-year-end':
      return endOfDayJst(fiscalYearEnd(day, rule.years));
    case 'fixed-day':
      return endOfDayJst(rule.day);
    case 'months-after-last-use':
      return endOfDayJst(addMonths(day, rule.months));
    case 'none':
      return null;
    default:
      return unreachable(rule);
  }
}

/** Where a use at `usedAt` moves the end of a lot; undefined when uses do not matter to it. */
export function expiresAtAfterUse(rule: Expiry, usedAt: Instant): Instant | undefined {
  return rule.kind === 'months-after-last-use' ? endOfDayJst(addMonths(jstDateOf(usedAt), rule.months)) : undefined;
}

/** The same day of a later month, or that month's last day where it has no such day (31 January + 1 month = 28 or 29 February). */
export function addMonths(day: LocalDate, months: number): LocalDate {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 + months;
  const first = monthOf(index);
  const last = lastDayOfMonth(first);
  // The day number of the source never passes that of the target's last day.
  return `${first.slice(0, 8)}${day.slice(8) < last.slice(8) ? day.slice(8) : last.slice(8)}` as LocalDate;
}

/** The fiscal year of Japan's public bodies begins on 1 April. */
export function fiscalYearEnd(day: LocalDate, yearsLater = 0): LocalDate {
  const year = Number(day.slice(0, 4)) + (day.slice(5) > '03-31' ? 1 : 0) + yearsLater;
  return `${String(year).padStart(4, '0')}-03-31` as LocalDate;
}

function firstDayOfMonth(day: LocalDate): LocalDate {
  return `${day.slice(0, 8)}01` as LocalDate;
}

function lastDayOfMonth(day: LocalDate): LocalDate {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1;
  return addDays(monthOf(index + 1), -1);
}

/** The first day of the month with this number since year 0. */
function monthOf(index: number): LocalDate {
  const year = Math.floor(index / 12);
  return `${String(year).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}-01` as LocalDate;
}
