import { everyTenant, type Database, type Tx } from '@points/database';

/** Rows of one statement: a few milliseconds of locks, so that tokens are given out meanwhile. */
export const pruneRowsMax = 1_000;

/** Deletes what has ended: records of the OpenID Provider and rotated secrets. @returns how many rows */
export async function pruneExpired(database: Database): Promise<number> {
  let pruned = 0;
  for (const statement of [expiredRecords, expiredSecrets])
    for (let rows = pruneRowsMax; rows === pruneRowsMax; pruned += rows)
      rows = await database.transaction(everyTenant, (tx: Tx) => tx.write(statement, [pruneRowsMax]));
  return pruned;
}

const expiredRecords = `delete from provider_record where (model, id) in (select model, id from provider_record where expires_at < now() limit $1)`;
const expiredSecrets = `delete from client_secret where id in (select id from client_secret where valid_until < now() limit $1)`;
