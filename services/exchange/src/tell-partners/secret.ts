import { randomBytes } from 'node:crypto';
import type { Tx } from '@points/database';
import { uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { NewWebhookSecretView } from './endpoint.js';

/** Standard Webhooks wants 24 to 64 bytes. */
const secretBytes = 32;

/**
 * Gives an endpoint a new secret. The one before signs too until the overlap is over; one that was before that ends now, so that there
 * are never more than two. The caller holds the endpoint's lock.
 */
export async function writeSecret(
  tx: Tx,
  { municipality, endpointId, overlapHours, now }: { municipality: string; endpointId: string; overlapHours: number; now: Instant },
): Promise<{ readonly id: string; readonly secret: string }> {
  await tx.write('delete from webhook_secret where endpoint_id = $1 and valid_until is not null', [endpointId]);
  await tx.write(
    'update webhook_secret set valid_until = $2::timestamptz + make_interval(hours => $3) where endpoint_id = $1 and valid_until is null',
    [endpointId, now, overlapHours],
  );
  const [id, secret] = [uuidv7(), `whsec_${randomBytes(secretBytes).toString('base64')}`];
  await tx.write('insert into webhook_secret (id, tenant, endpoint_id, secret, created_at) values ($1, $2, $3, $4, $5)', [
    ...[id, municipality, endpointId, secret, now],
  ]);
  return { id, secret };
}

/** For the answer to the request that made it, and to that request repeated, while it is the newest one. */
export async function readNewSecret(tx: Tx, id: string): Promise<NewWebhookSecretView | undefined> {
  const [row] = await tx.query<{ secret: string; created_at: Date }>(
    'select secret, created_at from webhook_secret where id = $1 and valid_until is null',
    [id],
  );
  return row && { id, secret: row.secret, createdAt: instantOf(row.created_at) };
}
