import type { Tx } from '@points/database';
import { uuidv7 } from '@points/kernel';
import { instantOf } from '../clock.js';
import { afterAttempt, type DisableReason } from '../rules/webhook-retry.js';
import { announce } from './announce.js';
import { bodyOf } from './event-types.js';
import { stopDeliveries } from './put-endpoint.js';
import type { Sent, WebhookRequest } from './send-webhook.js';

/** One attempt to tell one endpoint of one event. */
export interface Delivery {
  readonly municipality: string;
  readonly eventId: string;
  readonly endpointId: string;
  readonly lease: string;
  readonly type: string;
  readonly attempt: number;
  /** When this attempt was begun, by the database's clock. */
  readonly claimedAt: string;
  readonly isEndpointFailing: boolean;
  readonly request: WebhookRequest;
}

export interface Room {
  /** How many to take. */
  readonly calls: number;
  /** How many one endpoint may have at a time, those of `busy` included. */
  readonly perEndpoint: number;
  /** Calls of this process that run now, by endpoint. */
  readonly busy: ReadonlyMap<string, number>;
  /** Those that failed last, or those that did not: the two have rooms of their own. */
  readonly failing: boolean;
}

/**
 * Takes deliveries whose time has come, a few of each endpoint, and puts their next attempt behind the lease: if this process dies now,
 * another one sends them then, under the same webhook-id. Replicas pass over each other's.
 */
export async function claimDeliveries(tx: Tx, { calls, perEndpoint, busy, failing }: Room): Promise<Delivery[]> {
  if (calls <= 0) return [];
  await tx.query(readTheIndexInOrder);
  const rows = await tx.query<DeliveryRow>(claim, [
    calls,
    perEndpoint,
    [...busy.keys()],
    [...busy.values()],
    failing,
    leaseSeconds,
    uuidv7(),
  ]);
  return rows.map((row) => ({
    municipality: row.tenant,
    eventId: row.event_id,
    endpointId: row.endpoint_id,
    lease: row.lease,
    type: row.type,
    attempt: row.attempts,
    claimedAt: instantOf(row.claimed_at),
    isEndpointFailing: failing,
    request: {
      url: row.url,
      id: row.event_id,
      secrets: row.secrets,
      body: bodyOf({ type: row.type, data: row.data, createdAt: instantOf(row.created_at) }),
    },
  }));
}

export interface Recorded {
  /** stale: another attempt has taken over, or the endpoint is gone. */
  readonly outcome: 'delivered' | 'waiting' | 'failed' | 'stale';
  /** Given when nothing is sent to the endpoint any more. */
  readonly disabled?: { readonly endpoint: string; readonly partner: string; readonly reason: DisableReason };
}

/** Writes down what came of an attempt, in the log too, and disables an endpoint that is dead, in one transaction. */
export async function recordSent(
  tx: Tx,
  delivery: Delivery,
  sent: Sent,
  { durationMs, random }: { readonly durationMs: number; readonly random: number },
): Promise<Recorded> {
  const { eventId, endpointId, claimedAt } = delivery;
  const isDelivered = sent.outcome.kind === 'delivered';
  // The endpoint before the delivery, as everywhere; not at all on the way of every day, where nothing about it changes.
  const [endpoint] = await (isDelivered && !delivery.isEndpointFailing
    ? tx.query<EndpointRow>(findEndpointById, [endpointId])
    : tx.query<EndpointRow>(`${findEndpointById} for update`, [endpointId]));
  if (!endpoint) return { outcome: 'stale' };
  const [row] = await tx.query<{ attempts: number; tried_ms: number; is_ping: boolean }>(lockDelivery, [
    eventId,
    endpointId,
    delivery.lease,
  ]);
  if (!row) {
    await log(tx, delivery, sent, { outcome: 'stale', durationMs });
    return { outcome: 'stale' };
  }
  const failingForMs = Math.max(endpoint.failing_ms ?? 0, endpoint.now_ms - Date.parse(claimedAt));
  const after = afterAttempt({
    outcome: sent.outcome,
    attempt: row.attempts,
    triedForMs: row.tried_ms,
    failingForMs,
    isPing: row.is_ping,
    random,
  });
  const delayMs = after.delivery === 'waiting' ? after.delayMs : null;
  const [written] = await tx.query<{ next_attempt_at: Date | null }>(writeDelivery, [eventId, endpointId, after.delivery, delayMs]);
  await log(tx, delivery, sent, { outcome: after.delivery, durationMs, nextAttemptAt: written?.next_attempt_at ?? null });
  if (isDelivered)
    await tx.write('update webhook_endpoint set failing_since = null where id = $1 and failing_since is not null', [endpointId]);
  else if (!row.is_ping && sent.outcome.kind !== 'interrupted')
    await tx.write('update webhook_endpoint set failing_since = least(failing_since, $2::timestamptz) where id = $1', [
      endpointId,
      claimedAt,
    ]);
  if (after.delivery !== 'failed' || after.disable === undefined || endpoint.state === 'disabled') return { outcome: after.delivery };
  return { outcome: 'failed', disabled: await disable(tx, delivery, endpoint, after.disable) };
}

/** With a notice to the partner's other endpoints. */
async function disable(tx: Tx, { municipality, endpointId }: Delivery, endpoint: EndpointRow, reason: DisableReason) {
  const { programme, partner, endpoint: name } = endpoint;
  const [row] = await tx.query<{ disabled_at: Date }>(disableEndpoint, [endpointId, reason]);
  if (!row) throw new Error('assertion failed: an endpoint that is locked can be written');
  await stopDeliveries(tx, endpointId);
  const data = { endpoint: name, reason, disabledAt: instantOf(row.disabled_at) };
  await announce(tx, [{ municipality, programme, partner, type: 'webhook-endpoint.disabled', data }]);
  return { endpoint: name, partner, reason };
}

async function log(
  tx: Tx,
  delivery: Delivery,
  sent: Sent,
  facts: { readonly outcome: Recorded['outcome']; readonly durationMs: number; readonly nextAttemptAt?: Date | null },
): Promise<void> {
  await tx.write(insertAttempt, [
    ...[uuidv7(), delivery.municipality, delivery.endpointId, delivery.eventId, delivery.type, delivery.attempt, delivery.claimedAt],
    ...[facts.outcome, sent.status ?? null, Math.round(facts.durationMs), sent.answer ?? null, sent.problem ?? null],
    facts.nextAttemptAt ?? null,
  ]);
}

/** Longer than a call may take (`callMsMax`) and its record after it. */
const leaseSeconds = 30;

interface DeliveryRow {
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly tenant: string;
  readonly attempts: number;
  readonly lease: string;
  readonly claimed_at: Date;
  readonly url: string;
  readonly type: string;
  readonly data: unknown;
  readonly created_at: Date;
  readonly secrets: readonly string[];
}

interface EndpointRow {
  readonly programme: string;
  readonly partner: string;
  readonly endpoint: string;
  readonly state: 'active' | 'disabled';
  readonly failing_ms: number | null;
  readonly now_ms: number;
}

/**
 * For this transaction alone. The planner does not see how long a backlog is, takes it for a few rows and sorts the whole of it at each
 * look: with 25,600 waiting that read 25,600 rows to take 8.
 */
const readTheIndexInOrder = { name: 'claim_deliveries_in_order', text: `select set_config('enable_sort', 'off', true)` };

const claim = {
  name: 'claim_deliveries',
  text: `
    with due as (
      select w.event_id, w.endpoint_id
      from webhook_endpoint e
      cross join lateral (
        select d.event_id, d.endpoint_id, d.next_attempt_at from webhook_delivery d
        where d.endpoint_id = e.id and d.next_attempt_at <= now() and (e.state = 'active' or d.is_ping)
        order by d.next_attempt_at
        limit greatest($2::int - coalesce((select b.calls from unnest($3::uuid[], $4::int[]) b (id, calls) where b.id = e.id), 0), 0)
        for update skip locked
      ) w
      where (e.failing_since is not null) = $5
      order by w.next_attempt_at limit $1
    )
    update webhook_delivery d
    set attempts = d.attempts + 1, first_attempt_at = coalesce(d.first_attempt_at, now()), lease = $7,
        next_attempt_at = now() + make_interval(secs => $6)
    from due, webhook_endpoint e, partner_event v
    where d.event_id = due.event_id and d.endpoint_id = due.endpoint_id and e.id = due.endpoint_id and v.id = due.event_id
    returning d.event_id, d.endpoint_id, d.tenant, d.attempts, d.lease, now() as claimed_at, e.url, v.type, v.data, v.created_at,
      (select array_agg(s.secret order by s.created_at desc) from webhook_secret s
       where s.endpoint_id = e.id and (s.valid_until is null or s.valid_until > now())) as secrets`,
};

const findEndpointById = `
  select programme, partner, endpoint, state,
    (extract(epoch from now() - failing_since) * 1000)::float8 as failing_ms, (extract(epoch from now()) * 1000)::float8 as now_ms
  from webhook_endpoint where id = $1`;

const lockDelivery = `
  select attempts, (extract(epoch from now() - first_attempt_at) * 1000)::float8 as tried_ms, is_ping
  from webhook_delivery where event_id = $1 and endpoint_id = $2 and lease = $3 and next_attempt_at is not null for update`;

const writeDelivery = `
  update webhook_delivery set state = $3, next_attempt_at = now() + make_interval(secs => $4::float8 / 1000), lease = null
  where event_id = $1 and endpoint_id = $2 returning next_attempt_at`;

const disableEndpoint = `
  update webhook_endpoint set state = 'disabled', disabled_reason = $2, disabled_at = now(), updated_at = now() where id = $1
  returning disabled_at`;

const insertAttempt = `
  insert into webhook_attempt (id, tenant, endpoint_id, event_id, type, attempt, attempted_at, outcome, status, duration_ms, answer, problem,
                               next_attempt_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;
