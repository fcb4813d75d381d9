import type { Tx } from '@points/database';
import { answer, type Answer } from './answer.js';
import type { Cause } from './cause.js';
import { keyHelp, keyReused } from './once.js';
import { problem, type Problem } from './problem.js';

/** Of a request that shares its transaction with others. */
export interface Keyed {
  readonly tenant: string;
  readonly client: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** @throws Problem 400 when the request has no key */
export function keyOf({ municipality: tenant, client, idempotencyKey: key, fingerprint }: Cause): Keyed {
  if (key === undefined) throw problem(400, 'idempotency-key-missing', keyHelp);
  return { tenant, client, key, fingerprint };
}

/**
 * `once` for many requests in one transaction, first half: what was answered before under each key, or why the key cannot be used;
 * undefined for a new one. Two of one key must not be asked about in the same transaction: their caller keeps them apart.
 */
export async function recallAnswers<T>(tx: Tx, requests: readonly Keyed[]): Promise<(Answer<T> | Problem | undefined)[]> {
  const rows = await tx.query<{ n: number; fingerprint: string; status: number; headers: Record<string, string> | null; body: T }>(
    findRequests,
    [requests.map((one) => one.tenant), requests.map((one) => one.client), requests.map((one) => one.key)],
  );
  const known = new Map(rows.map((row) => [row.n - 1, row]));
  return requests.map((request, index) => {
    const row = known.get(index);
    if (!row) return undefined;
    if (row.fingerprint !== request.fingerprint) return keyReused();
    return answer(row.status, row.body, { ...row.headers, 'idempotency-replayed': 'true' });
  });
}

/**
 * Second half, in the round trip of the commit. Where another transaction has used one of the keys meanwhile, the transaction fails with
 * the constraint `answeredOnce`: ask again what was answered.
 */
export function storeAnswersAtCommit<T>(tx: Tx, answered: readonly { readonly request: Keyed; readonly answer: Answer<T> }[]): void {
  if (answered.length === 0) return;
  tx.writeAtCommit(storeRequests, [
    answered.map(({ request }) => request.tenant),
    answered.map(({ request }) => request.client),
    answered.map(({ request }) => request.key),
    answered.map(({ request }) => request.fingerprint),
    answered.map((one) => one.answer.status),
    answered.map((one) => (one.answer.headers ? JSON.stringify(one.answer.headers) : null)),
    answered.map((one) => JSON.stringify(one.answer.body)),
  ]);
}

/** A key has one answer. */
export const answeredOnce = 'request_pk';

const findRequests = {
  name: 'find_requests',
  text: `
    select w.n::int as n, r.fingerprint, r.status, r.headers, r.body
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (tenant, client, key, n)
    cross join lateral (
      select fingerprint, status, headers, body from request where tenant = w.tenant and client = w.client and key = w.key offset 0
    ) r`,
};

/** In order of key, so that two transactions with the same keys queue up instead of deadlocking. */
const storeRequests = {
  name: 'store_requests',
  text: `
    insert into request (tenant, client, key, fingerprint, status, headers, body)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::jsonb[], $7::jsonb[])
      as i (tenant, client, key, fingerprint, status, headers, body)
    order by tenant, client, key`,
};
