import type { Tx } from '@points/database';

/** A quarter: longer than any monthly reconciliation looks back. How far a replay can reach. */
export const eventKeptDays = 90;
/** Of the log of attempts, which tells what happened lately. */
export const attemptKeptDays = 30;
/** Rows of one statement: a few milliseconds of locks. */
export const webhookPruneRowsMax = 1_000;

/** With their deliveries. */
export function pruneEvents(tx: Tx): Promise<number> {
  return tx.write(
    'delete from partner_event where id in (select id from partner_event where created_at < now() - make_interval(days => $1) limit $2)',
    [eventKeptDays, webhookPruneRowsMax],
  );
}

export function pruneAttempts(tx: Tx): Promise<number> {
  return tx.write(
    'delete from webhook_attempt where id in (select id from webhook_attempt where attempted_at < now() - make_interval(days => $1) limit $2)',
    [attemptKeptDays, webhookPruneRowsMax],
  );
}

/** Those whose overlap is over. */
export function pruneSecrets(tx: Tx): Promise<number> {
  return tx.write('delete from webhook_secret where id in (select id from webhook_secret where valid_until < now() limit $1)', [
    webhookPruneRowsMax,
  ]);
}
