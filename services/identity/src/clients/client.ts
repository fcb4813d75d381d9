import type { Tx } from '@points/database';
import { randomToken, uuidv7 } from '@points/kernel';
import { problem } from '@points/http';
import { hashSecret, matchesSecret } from './client-secret.js';

export const clientKinds = ['partner', 'municipality', 'merchant', 'operator', 'tool'] as const;
export type ClientKind = (typeof clientKinds)[number];

export interface ClientSpec {
  readonly clientId: string;
  readonly name: string;
  readonly kind: ClientKind;
  readonly scopes: readonly string[];
  /** Municipality codes that a token of this client may act for, or `['*']`. */
  readonly tenants: readonly string[];
}

export interface StoredClient extends ClientSpec {
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** Who manages a client: a municipality, or the operator of the platform. */
export const platform = '*';

/** A changed secret must reach a partner's servers; a day covers a rollout with approval, and ends the old one soon. */
export const secretOverlapHours = 24;

/** @returns the secret of a new client, undefined when the client was there. @throws Problem when it was revoked or is another manager's */
export async function putClient(tx: Tx, manager: string, spec: ClientSpec, now: Date): Promise<string | undefined> {
  if (await insertClient(tx, manager, spec, now)) return addSecret(tx, manager, spec.clientId, randomToken(), now);
  const changed = await tx.write(`update client set name = $2, kind = $3, scopes = $4, tenants = $5 where id = $1 and revoked_at is null`, [
    spec.clientId,
    spec.name,
    spec.kind,
    spec.scopes,
    spec.tenants,
  ]);
  if (!changed) throw problem(409, 'client-revoked', 'this client was revoked; a client id is not used twice, choose another one');
  return undefined;
}

/** @returns the secret. @throws Problem 409 when the id is taken, also by a client that the caller may not see */
export async function createClient(tx: Tx, manager: string, spec: ClientSpec, now: Date): Promise<string> {
  if (!(await insertClient(tx, manager, spec, now))) throw problem(409, 'client-exists', 'a client with this id exists; choose another id');
  return addSecret(tx, manager, spec.clientId, randomToken(), now);
}

/** The secret before it stays valid for `secretOverlapHours`; one before that ends now, so there are never more than two. */
export async function rotateSecret(tx: Tx, clientId: string, now: Date): Promise<{ secret: string; previousValidUntil: Date }> {
  const client = await lockClient(tx, clientId);
  const previousValidUntil = await endSecrets(tx, clientId, now);
  return { secret: await addSecret(tx, client.tenant, clientId, randomToken(), now), previousValidUntil };
}

/** New tokens are refused from the commit on; a token given out before lives to its end. */
export async function revokeClient(tx: Tx, clientId: string, now: Date): Promise<void> {
  await lockClient(tx, clientId);
  await tx.write('update client set revoked_at = $2 where id = $1', [clientId, now]);
  await tx.write('delete from client_secret where client = $1', [clientId]);
}

/** Brings a client to what a file says, its secret included. A revoked client stays revoked. */
export async function ensureClient(
  tx: Tx,
  spec: ClientSpec,
  secret: string,
  now: Date,
): Promise<'created' | 'kept' | 'changed' | 'revoked'> {
  if (await insertClient(tx, platform, spec, now)) {
    await addSecret(tx, platform, spec.clientId, secret, now);
    return 'created';
  }
  const [found] = await tx.query<{ tenant: string; revoked: boolean; same: boolean }>(
    `select tenant, revoked_at is not null as revoked, scopes = $2 and tenants = $3 and name = $4 and kind = $5 as same from client where id = $1 for update`,
    [spec.clientId, spec.scopes, spec.tenants, spec.name, spec.kind],
  );
  if (!found || found.revoked) return 'revoked';
  const known = await tx.query<{ hash: string }>(
    'select hash from client_secret where client = $1 and (valid_until is null or valid_until > $2)',
    [spec.clientId, now],
  );
  const secretKnown = known.some(({ hash }) => matchesSecret(secret, hash));
  if (found.same && secretKnown) return 'kept';
  await tx.write('update client set name = $2, kind = $3, scopes = $4, tenants = $5 where id = $1', [
    spec.clientId,
    spec.name,
    spec.kind,
    spec.scopes,
    spec.tenants,
  ]);
  if (!secretKnown) {
    await endSecrets(tx, spec.clientId, now);
    await addSecret(tx, found.tenant, spec.clientId, secret, now);
  }
  return 'changed';
}

/** In order of id, from after `after`. */
export async function listClients(tx: Tx, after: string, limit: number): Promise<StoredClient[]> {
  return tx.query<StoredClient & Record<string, unknown>>(
    `select id as "clientId", name, kind, scopes, tenants, created_at as "createdAt", revoked_at as "revokedAt"
       from client where id > $1 order by id limit $2`,
    [after, limit],
  );
}

async function insertClient(tx: Tx, manager: string, spec: ClientSpec, now: Date): Promise<boolean> {
  const written = await tx.write(
    `insert into client (id, tenant, name, kind, scopes, tenants, created_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing`,
    [spec.clientId, manager, spec.name, spec.kind, spec.scopes, spec.tenants, now],
  );
  return written === 1;
}

async function addSecret(tx: Tx, manager: string, clientId: string, secret: string, now: Date): Promise<string> {
  await tx.write('insert into client_secret (id, client, tenant, hash, created_at) values ($1, $2, $3, $4, $5)', [
    uuidv7(now.getTime()),
    clientId,
    manager,
    hashSecret(secret),
    now,
  ]);
  return secret;
}

/** Row-level security hides the clients of other managers: they are as unknown as those that do not exist. */
async function lockClient(tx: Tx, clientId: string): Promise<{ tenant: string }> {
  const [client] = await tx.query<{ tenant: string }>('select tenant from client where id = $1 and revoked_at is null for update', [
    clientId,
  ]);
  if (!client) throw problem(404, 'unknown-client', 'there is no such client, or it was revoked');
  return client;
}

async function endSecrets(tx: Tx, clientId: string, now: Date): Promise<Date> {
  const until = new Date(now.getTime() + secretOverlapHours * 3_600_000);
  await tx.write(
    `delete from client_secret where client = $1 and id <> (select id from client_secret where client = $1 order by id desc limit 1)`,
    [clientId],
  );
  await tx.write(`update client_secret set valid_until = least(coalesce(valid_until, 'infinity'), $2) where client = $1`, [
    clientId,
    until,
  ]);
  return until;
}
