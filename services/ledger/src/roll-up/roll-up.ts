import { everyTenant, tenants, type Database, type Tx } from '@points/database';
import { tenantOf, type ProgrammeId } from '@points/kernel';
import { linesOfKeys } from '../report/book-lines.js';
import { keysIn } from './pending.js';
import { accountSums, movementSums } from './sums.js';

/**
 * Adds what is sealed to the sums that reports read (docs/decisions/0007-roll-up.md). The keys leave the queue in the transaction that
 * adds their lines, so each line is counted once however often this is interrupted, and a line that came late goes to the day to which
 * it belongs. One caller at a time; a second one finds nothing to do.
 */
export class RollUp {
  constructor(private readonly database: Database) {}

  /** One part for each programme that has something. Answers how many transfers were added, and whether more may wait. */
  async step(): Promise<{ transfers: number; isMore: boolean }> {
    const waiting = await this.database.transaction(everyTenant, (tx) => tx.query<{ programme: ProgrammeId }>(findWaiting));
    let [transfers, isMore] = [0, false];
    for (const { programme } of waiting) {
      const added = await this.database.transaction(tenants(tenantOf(programme)), (tx) => rollUpNext(tx, programme));
      transfers += added;
      isMore ||= added >= stepTransfersMax / 2;
    }
    return { transfers, isMore };
  }

  /** Until nothing waits. */
  async catchUp(): Promise<number> {
    let total = 0;
    for (;;) {
      const { transfers, isMore } = await this.step();
      total += transfers;
      if (!isMore) return total;
    }
  }
}

async function rollUpNext(tx: Tx, programme: ProgrammeId): Promise<number> {
  const [lock] = await tx.query<{ free: boolean }>(tryLock, [programme]);
  if (!lock?.free) return 0;
  const [added] = await tx.query<{ transfers: number }>(addNext, [programme]);
  return added?.transfers ?? 0;
}

/** Half a second to a second of work on a busy machine, under locks that nobody else waits for. */
const stepTransfersMax = 8_192;
/** The rows of flushes are small, those of bulk work hold some thousands of transfers each. */
const stepRowsMax = 512;

const findWaiting = { name: 'find_unrolled', text: `select distinct programme from unrolled order by programme` };
const tryLock = {
  name: 'lock_roll_up',
  text: `select pg_try_advisory_xact_lock(hashtext('roll-up:' || current_schema()), hashtext($1)) as free`,
};

const addNext = {
  name: 'roll_up_next',
  text: `
    with chosen as (
      select id from (
        select id, sum(cardinality(transfers)) over (order by id) - cardinality(transfers) as before
        from (select id, transfers from unrolled where programme = $1 order by id limit ${stepRowsMax}) as first_rows
      ) as counted
      where before < ${stepTransfersMax / 2}
    ),
    taken as (
      delete from unrolled where programme = $1 and id = any (array(select id from chosen)) returning accounts, effective_at, transfers
    ),
    line as materialized (${linesOfKeys(keysIn('taken'))}),
    movements_added as (
      insert into movement_roll_up as r (tenant, programme, grain, first_day, kind, source, funding, cohort, age, recorded, points, lines)
      select left($1, 6), $1, sums.* from (${movementSums('line')}) sums
      on conflict on constraint movement_roll_up_pk do update set points = r.points + excluded.points, lines = r.lines + excluded.lines
    ),
    entries_added as (
      insert into account_roll_up as r (tenant, programme, account, grain, first_day, points, entries)
      select left($1, 6), $1, sums.* from (${accountSums('line')}) sums
      on conflict on constraint account_roll_up_pk do update set points = r.points + excluded.points, entries = r.entries + excluded.entries
    )
    select coalesce(sum(cardinality(transfers)), 0)::int as transfers from taken`,
};
