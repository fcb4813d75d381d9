import { everyTenant, type Database } from '@points/database';
import { addDays, jstDateOf, type Instant } from '@points/kernel';

/**
 * Deletes what velocity limits counted in minutes, hours and days that are long over. Programmes that take history in keep theirs: a
 * past time may still come. What was granted is kept for ever, because its periods are long and its rows few. Answers how many rows went.
 */
export async function pruneCounters(database: Database, now: Instant): Promise<number> {
  const before = addDays(jstDateOf(now), -countersKeptDays);
  let total = 0;
  for (;;) {
    const pruned = await database.transaction(everyTenant, (tx) => tx.write(deleteOld, [before]));
    total += pruned;
    if (pruned < countersPerChunk) return total;
  }
}

/** An account's clock may run a little ahead of or behind the machine's, never by two days. */
const countersKeptDays = 2;
const countersPerChunk = 10_000;

/** A minute's, an hour's and a day's text all begin with the day, so they sort with it. */
const deleteOld = `
  delete from counter where ctid = any (array(
    select c.ctid from counter c join programme p using (programme)
    where c.key like 'uses/%' and c.period < $1 and not p.history_open limit ${countersPerChunk}))`;
