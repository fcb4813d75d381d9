import type { Tx } from '@points/database';
import { compileShape } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { partnerEvents, type PartnerFact } from './event-types.js';

/**
 * Writes what partners are to be told, in the transaction of the change, with a delivery for every active endpoint that wants it, and
 * wakes the sender once the change is durable. Told to nobody it is kept too: an endpoint of tomorrow may have it replayed.
 * @returns the ids of the events, which are the webhooks' ids
 */
export async function announce(tx: Tx, facts: readonly PartnerFact[]): Promise<string[]> {
  if (facts.length === 0) return [];
  const rows = eventRows(facts);
  const deliveries = await tx.write(announceEvents, rows);
  if (deliveries > 0) tx.afterCommit(nudgeSenders);
  return rows[0];
}

/** The parameters of `insertEvents`. */
export function eventRows(facts: readonly PartnerFact[]): [ids: string[], ...rest: unknown[]] {
  return [
    facts.map(() => uuidv7()),
    facts.map((fact) => fact.municipality),
    facts.map((fact) => fact.programme),
    facts.map((fact) => fact.partner),
    facts.map((fact) => fact.type),
    facts.map(dataOf),
  ];
}

/** Wakes the sender of this process; those of other processes look by themselves. */
export function nudgeSenders(): void {
  for (const nudge of senders) nudge();
}

export const senders = new Set<() => void>();

function dataOf({ programme, partner, type, data }: PartnerFact): string {
  const whole = { programme, partner, ...data };
  const problems = compileShape(partnerEvents[type].data, 'body').problemsOf(whole);
  if (problems.length)
    throw new Error(`assertion failed: the data of ${type} is wrong: ${problems.map((one) => `${one.field} ${one.reason}`).join('; ')}`);
  return JSON.stringify(whole);
}

export const insertEvents = `
  insert into partner_event (id, tenant, programme, partner, type, data)
  select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
  returning id, tenant, programme, partner, type`;

const announceEvents = {
  name: 'announce_events',
  text: `
    with told as (${insertEvents})
    insert into webhook_delivery (event_id, endpoint_id, tenant, next_attempt_at)
    select t.id, e.id, t.tenant, clock_timestamp()
    from told t
    join webhook_endpoint e on e.programme = t.programme and e.partner = t.partner
    where e.state = 'active' and (e.types is null or t.type = any (e.types))`,
};
