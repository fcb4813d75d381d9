import type { Instant, ProgrammeId } from '@points/kernel';
import { countedAge, countedMonth, countsBefore, grantedMonth, lapses, linesOfKeys, postedLines } from '../report/book-lines.js';
import { coverBefore, coverOf } from './cover.js';
import { pendingKeys } from './pending.js';
import { countedDay, recordedBucket } from './sums.js';

/** `flow` is what counts in the period, `before` what counts before it. */
export type Side = 'before' | 'flow';

const placed = `case when ${countsBefore('$2')} then 'before' else 'flow' end`;
const asToday = { known: '$4', isKnown: false };

/**
 * A period's lines, most of them already added up: columns side, posted (false for an expiry that is still to be posted), kind, month,
 * source, funding, cohort, age, recorded, amount and lines. In one statement, so of one state of the books: the sums of whole days and
 * months, the lines of the parts of days at the ends, the lines that the sums do not know yet, and the lots that are over.
 */
export const rolledLines = `
      select s.side, true as posted, r.kind, to_char(r.first_day, 'YYYY-MM') as month, r.source, r.funding, r.cohort, r.age, r.recorded, r.points as amount, r.lines
      from unnest($5::text[], $6::text[], $7::date[], $8::date[]) as s (side, grain, from_day, to_day)
      join movement_roll_up r on r.programme = $1 and r.grain = s.grain and r.first_day >= s.from_day and r.first_day < s.to_day
      union all
      select side, posted, kind, ${countedMonth}, source, funding, ${grantedMonth}, ${countedAge},
        case when posted then ${recordedBucket(countedDay)} else 'not-yet' end, amount, 1
      from (
        select rest.side, true as posted, line.*
        from unnest($9::text[], $10::timestamptz[], $11::timestamptz[]) as rest (side, from_at, to_at)
        cross join lateral (${postedLines({ from: 'rest.from_at', to: 'rest.to_at', ...asToday })}) line
        union all
        select ${placed}, true, line.*
        from (${linesOfKeys(pendingKeys)}) line
        where ${countsBefore('$3')} and not exists (
          select from unnest($10::timestamptz[], $11::timestamptz[]) as rest (from_at, to_at)
          where not ${countsBefore('rest.from_at')} and ${countsBefore('rest.to_at')}
        )
        union all
        select ${placed}, false, line.*
        from (${lapses({ to: '$3', ...asToday })}) line
      ) one`;

/** What \`rolledLines\` is asked with. */
export function rolledValues(programme: ProgrammeId, { from, to }: { from: Instant; to: Instant }): unknown[] {
  const covers = [
    { side: 'before', ...coverBefore(from) },
    { side: 'flow', ...coverOf({ from, to }) },
  ] as const;
  const stretches = covers.flatMap(({ side, stretches }) => stretches.map((one) => ({ side, ...one })));
  const rests = covers.flatMap(({ side, rests }) => rests.map((one) => ({ side, ...one })));
  return [
    programme,
    from,
    to,
    null,
    stretches.map((one) => one.side),
    stretches.map((one) => one.grain),
    stretches.map((one) => one.from),
    stretches.map((one) => one.to),
    rests.map((one) => one.side),
    rests.map((one) => one.from),
    rests.map((one) => one.to),
  ];
}
