import type { Rules } from '../rules/programme.js';

/** The instant at which a lot's last day is over in Tokyo. */
export function endOf(expiry: Rules['expiry'], at: number): number | null {
  const day = dayNumber(at);
  const [year = 0, month = 0, date = 0] = dayText(at).split('-').map(Number);
  switch (expiry.kind) {
    case 'none':
      return null;
    case 'days-after-grant':
      return midnightAfter(day + expiry.days);
    case 'fixed-day':
      return midnightAfter(Date.parse(expiry.day) / dayMs);
    // The zeroth day of a month is the last one of the month before.
    case 'end-of-month':
      return midnightAfter(Date.UTC(year, month + expiry.months, 0) / dayMs);
    case 'fiscal-year-end':
      return midnightAfter(Date.UTC(year + (month >= 4 ? 1 : 0) + expiry.years, 2, 31) / dayMs);
    case 'months-after-last-use': {
      const lastOfMonth = new Date(Date.UTC(year, month + expiry.months, 0)).getUTCDate();
      return midnightAfter(Date.UTC(year, month - 1 + expiry.months, Math.min(date, lastOfMonth)) / dayMs);
    }
  }
}

export const dayMs = 86_400_000;
export const tokyoMs = 9 * 3_600_000;

/** Days since 1970 in Tokyo. */
export function dayNumber(at: number): number {
  return Math.floor((at + tokyoMs) / dayMs);
}

/** The first instant after a day in Tokyo. */
export function midnightAfter(day: number): number {
  return (day + 1) * dayMs - tokyoMs;
}

export function dayText(at: number): string {
  return new Date(dayNumber(at) * dayMs).toISOString().slice(0, 10);
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}
