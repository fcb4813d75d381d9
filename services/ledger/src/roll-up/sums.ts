import { countedAge, grantedMonth } from '../report/book-lines.js';

/** The day in Tokyo before whose end a line counts: `countsBefore` of a midnight is true exactly for the days before it. */
export const countedDay = `((effective_at at time zone 'Asia/Tokyo') - case when lapses then interval '1 microsecond' else interval '0' end)::date`;
/** The day in Tokyo on which an entry took effect. */
export const entryDay = `(effective_at at time zone 'Asia/Tokyo')::date`;
export const monthOfDay = (day: string): string => `date_trunc('month', ${day}::timestamp)::date`;

/** When a line was recorded, seen from the fiscal year in which it counts; the books of a year stay open until the end of May. */
export function recordedBucket(day: string): string {
  const year = `extract(year from ${day} - interval '3 months')::int + 1`;
  return `case when recorded_at < make_timestamptz(${year}, 4, 1, 0, 0, 0, 'Asia/Tokyo') then 'in-year'
    when recorded_at < make_timestamptz(${year}, 6, 1, 0, 0, 0, 'Asia/Tokyo') then 'until-may' else 'later' end`;
}

/** Lines of the books as rows of `movement_roll_up`, from its grain on. */
export function movementSums(lines: string): string {
  return `
      select case when grouping(day) = 0 then 'day' else 'month' end as grain, coalesce(day, month) as first_day, kind, source, funding, cohort, age, recorded,
        sum(amount) as points, count(*) as lines
      from (
        select day, ${monthOfDay('day')} as month, kind, source, funding, cohort, age, ${recordedBucket('day')} as recorded, amount
        from (
          select ${countedDay} as day, kind, source, funding, ${grantedMonth} as cohort, ${countedAge} as age, recorded_at, amount from ${lines} line
        ) dated
      ) cell
      group by grouping sets ((day, kind, source, funding, cohort, age, recorded), (month, kind, source, funding, cohort, age, recorded))`;
}

/** The same lines as rows of `account_roll_up`: the other entry of a transfer is what its draws add up to, turned round. */
export function accountSums(lines: string): string {
  return `
      select counter as account, case when grouping(day) = 0 then 'day' else 'month' end as grain, coalesce(day, month) as first_day,
        sum(points) as points, count(*) as entries
      from (
        select counter, ${entryDay} as day, ${monthOfDay(entryDay)} as month, -sum(amount) as points
        from ${lines} line where counter is not null group by id, counter, effective_at
      ) entry
      group by grouping sets ((counter, day), (counter, month))`;
}
