import { everyTenant, type Database, type Tx } from '@points/database';

/** A quarter: longer than any monthly reconciliation looks back. How far a replay can reach. */
export const eventKeptDays = 90;
/** Of the log of attempts, which tells what happened lately. */
export const attemptKeptDays = 30;
/** Rows of one statement: a few milliseconds of locks. */
export const pruneRowsMax = 1_000;

/** Deletes events with their deliveries, attempts and secrets whose time is over. @returns how many rows */
export async function pruneWebhooks(database: Database, stop: AbortSignal): Promise<number> {
  let pruned = 0;
  for (const [statement, days] of [
    [oldEvents, eventKeptDays],
    [oldAttempts, attemptKeptDays],
    [oldSecrets, 0],
  ] as const)
    for (let rows = pruneRowsMax; rows === pruneRowsMax && !stop.aborted; pruned += rows)
      rows = await database.transaction(everyTenant, (tx: Tx) => tx.write(statement, [days, pruneRowsMax]));
  return pruned;
}

const oldEvents = `
  delete from partner_event where id in (
    select id from partner_event where created_at < now() - make_interval(days => $1) limit $2
  )`;
const oldAttempts = `
  delete from webhook_attempt where id in (
    select id from webhook_attempt where attempted_at < now() - make_interval(days => $1) limit $2
  )`;
const oldSecrets = `
  delete from webhook_secret where id in (select id from webhook_secret where valid_until < now() - make_interval(days => $1) limit $2)`;
