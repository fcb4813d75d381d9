/** An instant as RFC 3339 text in UTC with milliseconds, `2018-02-27T15:00:00.000Z`. Texts of this form sort by time. */
export type Instant = string & { readonly __instant: true };
/** A day of the calendar in Asia/Tokyo, `2018-02-28`. */
export type LocalDate = string & { readonly __localDate: true };

/** Japan has had no summer time since 1951: Asia/Tokyo is UTC+9 for every day this system can book. */
const offsetMs = 9 * 3_600_000;
const dayMs = 86_400_000;

/**
 * Reads an RFC 3339 time with any offset. A time without an offset, a day that does not exist (31 April, 24:00) or more
 * than millisecond precision that is not zero is refused, because a day would have to be guessed.
 * @throws RangeError
 */
export function parseInstant(text: string): Instant {
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/.exec(text);
  if (!match) throw new RangeError('a time needs the form 2018-02-28T00:00:00+09:00, with its offset');
  const [, day = '', hour = '', minute = '', second = '', fraction = '', offset = ''] = match;
  if (!isLocalDate(day)) throw new RangeError(`the day ${day} does not exist`);
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    throw new RangeError(`the time ${hour}:${minute}:${second} does not exist`);
  if (/[1-9]/.test(fraction.slice(3))) throw new RangeError('a time has at most milliseconds');
  if (/\d/.test(offset) && (Number(offset.slice(1, 3)) > 14 || Number(offset.slice(4)) > 59))
    throw new RangeError(`the offset ${offset} does not exist`);
  const ms = Date.parse(`${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}${offset.toUpperCase()}`);
  const instant = new Date(ms).toISOString();
  // Years beyond have another form, and PostgreSQL has no year 0.
  if (!/^(?!0000)\d{4}-/.test(instant)) throw new RangeError('years are from 0001 to 9999 in UTC');
  return instant as Instant;
}

/** True for the canonical text that `parseInstant` returns. */
export function isInstant(text: string): text is Instant {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text)) return false;
  const ms = Date.parse(text);
  // V8 reads 31 April as 1 May, and 24:00 as the next day.
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}

export function isLocalDate(text: string): text is LocalDate {
  if (!/^(?!0000)\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00.000Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === text;
}

/** The day in Tokyo on which the instant lies. */
export function jstDateOf(instant: Instant): LocalDate {
  return new Date(Date.parse(instant) + offsetMs).toISOString().slice(0, 10) as LocalDate;
}

/** 00:00:00.000 of the day in Tokyo. */
export function startOfDayJst(day: LocalDate): Instant {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) - offsetMs).toISOString() as Instant;
}

/** 00:00:00.000 of the next day in Tokyo: the first instant that is no longer on `day`. */
export function endOfDayJst(day: LocalDate): Instant {
  return startOfDayJst(addDays(day, 1));
}

/** 23:59:59.999 of the day in Tokyo. */
export function lastUsableInstant(day: LocalDate): Instant {
  return new Date(Date.parse(endOfDayJst(day)) - 1).toISOString() as Instant;
}

export function addDays(day: LocalDate, days: number): LocalDate {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) + days * dayMs).toISOString().slice(0, 10) as LocalDate;
}

export function daysBetween(from: LocalDate, to: LocalDate): number {
  return Math.round((Date.parse(`${to}T00:00:00.000Z`) - Date.parse(`${from}T00:00:00.000Z`)) / dayMs);
}

/** 1 is Monday, 7 is Sunday (ISO 8601). */
export function isoWeekday(day: LocalDate): number {
  return ((new Date(`${day}T00:00:00.000Z`).getUTCDay() + 6) % 7) + 1;
}

/** `HH:MM` in Tokyo. */
export function timeOfDayJst(instant: Instant): string {
  return new Date(Date.parse(instant) + offsetMs).toISOString().slice(11, 16);
}

export function compareDates(a: LocalDate, b: LocalDate): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
