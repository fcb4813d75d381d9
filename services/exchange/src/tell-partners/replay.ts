import type { Tx } from '@points/database';
import { IsCount, IsInstant, problem } from '@points/http';
import { parseInstant, type Instant } from '@points/kernel';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsOptional, IsUUID } from 'class-validator';
import { eventRows, insertEvents, nudgeSenders } from './announce.js';
import { waitingCountMax, type Endpoint } from './endpoint.js';
import { partnerEventTypes } from './event-types.js';
import { eventKeptDays } from './prune.js';
import type { EndpointKey } from './put-endpoint.js';

/** Of one call: a quarter of a second of writing. The answer says how to go on. */
export const replayEventsMax = 10_000;

export class ReplayWebhooks {
  /** At most 90 days ago. */
  @IsInstant()
  from!: string;

  /** Now unless told; not included. */
  @IsOptional()
  @IsInstant()
  to?: string;

  /** Those of the endpoint unless told. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsIn(partnerEventTypes, { each: true })
  types?: string[];

  /** Leaves out what this endpoint has taken already. */
  @IsOptional()
  @IsBoolean()
  undeliveredOnly?: boolean;

  /** `next` of the answer before, when it had more to send than one call may. */
  @IsOptional()
  @IsUUID()
  after?: string;
}

export class ReplayView {
  /** How many will be sent. */
  @IsCount()
  events!: number;

  /** Send as `after` for the rest; absent when this was all. */
  @IsOptional()
  @IsUUID()
  next?: string;
}

export class ResendWebhook {
  /** The webhook-id. */
  @IsUUID()
  event!: string;
}

/**
 * Has what happened in a span of time sent again, under the webhook-ids of the first time, in any order.
 * @throws Problem 422, 409
 */
export async function replay(
  tx: Tx,
  { programme, partner }: EndpointKey,
  endpoint: Endpoint,
  body: ReplayWebhooks,
  now: Instant,
): Promise<ReplayView> {
  checkTakes(endpoint);
  const { from, to } = checkSpan(body, now);
  if (body.after !== undefined) await checkEvent(tx, { programme, partner, event: body.after }, 'after');
  const [row] = await tx.query<{ events: number; last: string | null }>(replayEvents, [
    ...[endpoint.id, programme, partner, from, to, body.types ?? endpoint.view.types ?? null],
    ...[body.undeliveredOnly ?? false, body.after ?? null, replayEventsMax],
  ]);
  tx.afterCommit(nudgeSenders);
  const { events, last } = row ?? { events: 0, last: null };
  return { events, ...(events === replayEventsMax && last !== null && { next: last }) };
}

/** One event, whatever became of it before. @throws Problem 422 `unknown-event`, 409 */
export async function resend(tx: Tx, { municipality, programme, partner }: EndpointKey, endpoint: Endpoint, event: string): Promise<void> {
  checkTakes(endpoint);
  await checkEvent(tx, { programme, partner, event }, 'event');
  await tx.write(`insert into webhook_delivery (event_id, endpoint_id, tenant, next_attempt_at) values ($1, $2, $3, now()) ${sentAnew}`, [
    event,
    endpoint.id,
    municipality,
  ]);
  tx.afterCommit(nudgeSenders);
}

/** A test, to this endpoint alone and once; also while it is disabled, to try it before it is set active. */
export async function ping(tx: Tx, { municipality, programme, partner }: EndpointKey, endpoint: Endpoint): Promise<string> {
  checkRoom(endpoint);
  const data = { endpoint: endpoint.view.endpoint };
  const rows = eventRows([{ municipality, programme, partner, type: 'webhook.ping', data }]);
  await tx.write(pingEndpoint, [...rows, endpoint.id]);
  tx.afterCommit(nudgeSenders);
  const [[event]] = rows;
  if (event === undefined) throw new Error('assertion failed: one fact is one event');
  return event;
}

function checkTakes(endpoint: Endpoint): void {
  if (endpoint.view.state === 'disabled')
    throw problem(409, 'endpoint-disabled', 'set the endpoint active first: nothing is sent to it now');
  checkRoom(endpoint);
}

function checkRoom({ view }: Endpoint): void {
  if (view.waiting >= waitingCountMax)
    throw problem(409, 'too-many-waiting', `at least ${waitingCountMax} webhooks wait for this endpoint: ask again when they are sent`, {
      maximum: waitingCountMax,
    });
}

function checkSpan(body: ReplayWebhooks, now: Instant): { from: Instant; to: Instant } {
  const [from, to] = [parseInstant(body.from), body.to === undefined ? now : parseInstant(body.to)];
  const wrong =
    Date.parse(from) < Date.parse(now) - eventKeptDays * 86_400_000
      ? { field: 'from', reason: `must lie in the last ${eventKeptDays} days: older events are not kept` }
      : Date.parse(to) <= Date.parse(from)
        ? {
            field: body.to === undefined ? 'from' : 'to',
            reason: body.to === undefined ? 'must not lie in the future' : 'must lie after from',
          }
        : undefined;
  if (wrong) throw problem(422, 'invalid-request', `the body is wrong: ${wrong.field} ${wrong.reason}`, { errors: [wrong] });
  return { from, to };
}

async function checkEvent(tx: Tx, { programme, partner, event }: { programme: string; partner: string; event: string }, field: string) {
  const found = await tx.query('select from partner_event where id = $1 and programme = $2 and partner = $3', [event, programme, partner]);
  if (found.length === 0)
    throw problem(422, 'unknown-event', 'the partner has no such event, or it is no longer kept', {
      errors: [{ field, reason: 'is no webhook-id of this partner' }],
    });
}

/** What waits already goes on as it is. */
const sentAnew = `
  on conflict on constraint webhook_delivery_pk do update
  set state = 'waiting', attempts = 0, first_attempt_at = null, lease = null, next_attempt_at = excluded.next_attempt_at, is_ping = false
  where webhook_delivery.state <> 'waiting'`;

const replayEvents = `
  with chosen as (
    select v.id, v.tenant, v.created_at
    from partner_event v
    left join webhook_delivery d on d.event_id = v.id and d.endpoint_id = $1
    where v.programme = $2 and v.partner = $3 and v.created_at >= $4 and v.created_at < $5
      and v.type <> 'webhook.ping' and ($6::text[] is null or v.type = any ($6))
      and (not $7 or d.state is distinct from 'delivered')
      and ($8::uuid is null or (v.created_at, v.id) > (select a.created_at, a.id from partner_event a where a.id = $8))
    order by v.created_at, v.id limit $9
  ), sent as (
    insert into webhook_delivery (event_id, endpoint_id, tenant, next_attempt_at) select id, $1, tenant, now() from chosen ${sentAnew}
  )
  select count(*)::int as events, (array_agg(id order by created_at desc, id desc))[1] as last from chosen`;

const pingEndpoint = `
  with told as (${insertEvents})
  insert into webhook_delivery (event_id, endpoint_id, tenant, is_ping, next_attempt_at)
  select id, $7, tenant, true, clock_timestamp() from told`;
