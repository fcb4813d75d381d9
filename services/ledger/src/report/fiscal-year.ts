import { endOfDayJst, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';

/** A fiscal year of a municipality (年度): 1 April to 31 March, and its books stay open until 31 May (出納整理期間, 地方自治法 235条の5). */
export interface FiscalYear {
  readonly year: number;
  readonly firstDay: LocalDate;
  readonly lastDay: LocalDate;
  readonly from: Instant;
  readonly to: Instant;
  /** What belongs to the year is booked before this instant. */
  readonly bookedUntil: Instant;
}

export function fiscalYear(year: number): FiscalYear {
  const day = (on: number, rest: string) => `${String(on).padStart(4, '0')}-${rest}` as LocalDate;
  const [firstDay, lastDay] = [day(year, '04-01'), day(year + 1, '03-31')];
  return {
    year,
    firstDay,
    lastDay,
    from: startOfDayJst(firstDay),
    to: endOfDayJst(lastDay),
    bookedUntil: endOfDayJst(day(year + 1, '05-31')),
  };
}

export type YearState =
  /** Not over. */
  | 'running'
  /** Over, and what belongs to it is still booked. */
  | 'settling'
  /** The time for booking is over and nobody has closed it. */
  | 'due'
  | 'closed';

export function stateOf({ to, bookedUntil }: FiscalYear, now: Instant, isClosed: boolean): YearState {
  if (isClosed) return 'closed';
  if (now < to) return 'running';
  return now < bookedUntil ? 'settling' : 'due';
}

/** 31 March and 30 September (資金決済法 3条2項: base dates), with the day before the period that the report on it covers begins. */
export interface BaseDate {
  readonly day: LocalDate;
  readonly previous: LocalDate;
  readonly from: Instant;
  readonly to: Instant;
  /** Two months after the base date. */
  readonly reportDue: LocalDate;
}

export function baseDate(day: LocalDate): BaseDate | undefined {
  const [year, rest] = [Number(day.slice(0, 4)), day.slice(5)];
  const on = (other: number, date: string) => `${String(other).padStart(4, '0')}-${date}` as LocalDate;
  const ends: Readonly<Record<string, { previous: LocalDate; reportDue: LocalDate }>> = {
    '03-31': { previous: on(year - 1, '09-30'), reportDue: on(year, '05-31') },
    '09-30': { previous: on(year, '03-31'), reportDue: on(year, '11-30') },
  };
  const found = ends[rest];
  return found && { day, ...found, from: endOfDayJst(found.previous), to: endOfDayJst(day) };
}
