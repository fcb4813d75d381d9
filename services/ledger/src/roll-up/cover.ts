import { addDays, jstDateOf, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';

export type Grain = 'day' | 'month';

/** Whole days or months in Tokyo, from a first day up to a day that no longer belongs. */
export interface Stretch {
  readonly grain: Grain;
  readonly from: LocalDate;
  readonly to: LocalDate;
}

/** A part of a day, for which the lines themselves are read. */
export interface Rest {
  readonly from: Instant;
  readonly to: Instant;
}

export interface Cover {
  readonly stretches: readonly Stretch[];
  readonly rests: readonly Rest[];
}

/** The time from one instant up to another in the fewest sums: months where they are whole, days at their ends, and what no day fills. */
export function coverOf({ from, to }: Rest): Cover {
  if (from >= to) return { stretches: [], rests: [] };
  const [first, last] = [ceilDay(from), jstDateOf(to)];
  if (first > last) return { stretches: [], rests: [{ from, to }] };
  const [start, end] = [startOfDayJst(first), startOfDayJst(last)];
  const rests = [
    { from, to: start },
    { from: end, to },
  ].filter((rest) => rest.from < rest.to);
  return { stretches: wholeDays(first, last), rests };
}

/** Everything up to an instant. */
export function coverBefore(to: Instant): Cover {
  return coverOf({ from: firstInstant, to });
}

function wholeDays(first: LocalDate, last: LocalDate): Stretch[] {
  const [firstMonth, lastMonth] = [ceilMonth(first), startOfMonth(last)];
  const stretches: readonly Stretch[] =
    firstMonth >= lastMonth
      ? [{ grain: 'day', from: first, to: last }]
      : [
          { grain: 'day', from: first, to: firstMonth },
          { grain: 'month', from: firstMonth, to: lastMonth },
          { grain: 'day', from: lastMonth, to: last },
        ];
  return stretches.filter(({ from, to }) => from < to);
}

function ceilDay(instant: Instant): LocalDate {
  const day = jstDateOf(instant);
  return startOfDayJst(day) === instant ? day : addDays(day, 1);
}

function startOfMonth(day: LocalDate): LocalDate {
  return `${day.slice(0, 8)}01` as LocalDate;
}

/** 32 days after the first of a month are always in the next one. */
function ceilMonth(day: LocalDate): LocalDate {
  return day.endsWith('-01') ? day : startOfMonth(addDays(startOfMonth(day), 32));
}

/** 00:00 in Tokyo, before everything that can be in the books. */
const firstInstant = startOfDayJst('0001-01-02' as LocalDate);
