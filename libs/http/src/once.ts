import type { Migration, Tx } from '@points/database';
import { tenantTable } from '@points/database';
import { answer, StoredAnswer, type Answer } from './answer.js';
import type { Cause } from './cause.js';
import { problem } from './problem.js';

/** The table of idempotent requests; every service has its own. */
export const httpMigrations: readonly Migration[] = [
  {
    name: 'CreateRequest1763800000101',
    up: `
      create table request (
        tenant text not null,
        client text not null,
        key text not null,
        fingerprint text not null,
        status smallint not null,
        headers jsonb,
        body jsonb,
        created_at timestamptz not null default now(),
        constraint request_pk primary key (tenant, client, key)
      );
      create index request_created_at on request (created_at);
      ${tenantTable('request')}
      grant select, insert, delete on request to {app};`,
  },
];

/** Longer than any client of a day's batch retries, and short enough to keep the table small. */
export const requestKeptHours = 72;
export const requestPruneRowsMax = 10_000;

/**
 * Runs `work` once per key. The claim, the effect and the answer commit together, so a crash leaves either all of them or none.
 * Two equal requests at the same time: the second is told 409 at once instead of waiting with a connection in its hand.
 * @throws Problem 409 `request-in-progress`, 422 `idempotency-key-reused`
 */
export async function once<T>(tx: Tx, cause: Cause, work: () => Promise<Answer<T>>): Promise<Answer<T>> {
  const { municipality: tenant, client, idempotencyKey: key } = cause;
  if (key === undefined) throw problem(400, 'idempotency-key-missing', keyHelp);
  const [claim] = await tx.query<{ free: boolean }>(claimRequest, [`request ${tenant} ${client} ${key}`]);
  if (!claim?.free)
    throw problem(409, 'request-in-progress', 'a request with this Idempotency-Key is still being worked on; ask again shortly');
  const [known] = await tx.query<{ fingerprint: string; status: number; headers: Record<string, string> | null; body: T }>(findRequest, [
    tenant,
    client,
    key,
  ]);
  if (known) {
    if (known.fingerprint !== cause.fingerprint) throw keyReused();
    return answer(known.status, known.body, { ...known.headers, 'idempotency-replayed': 'true' });
  }
  const result = await work();
  await tx.write(storeRequest, [
    tenant,
    client,
    key,
    cause.fingerprint,
    result.status,
    result.headers ? JSON.stringify(result.headers) : null,
    JSON.stringify(result.body),
  ]);
  return result instanceof StoredAnswer ? result : answer(result.status, result.body, result.headers);
}

export const keyHelp = 'send the header Idempotency-Key with 1 to 200 printable characters, a new one for each new request';

export function keyReused() {
  return problem(422, 'idempotency-key-reused', 'this Idempotency-Key was used for another request; send a new key, or the same body');
}

/** Deletes what is older than `requestKeptHours`; answers how many. Call again while it answers the maximum. */
export function pruneRequests(tx: Tx): Promise<number> {
  return tx.write(
    `delete from request where ctid = any (array(
       select ctid from request where created_at < now() - make_interval(hours => $1) order by created_at limit $2))`,
    [requestKeptHours, requestPruneRowsMax],
  );
}

const claimRequest = { name: 'claim_request', text: 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free' };
const findRequest = {
  name: 'find_request',
  text: 'select fingerprint, status, headers, body from request where tenant = $1 and client = $2 and key = $3',
};
const storeRequest = {
  name: 'store_request',
  text: 'insert into request (tenant, client, key, fingerprint, status, headers, body) values ($1, $2, $3, $4, $5, $6, $7)',
};
