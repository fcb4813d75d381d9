import { uuidv7 } from '@points/kernel';
import { currentTraceparent } from '@points/observability';
import type { Tx } from '@points/database';
import { isChecked, type OutgoingEvent } from './event.js';

/**
 * Writes the events of a transaction to its outbox, and wakes the relay once the transaction is durable. Events of one key leave in
 * the order of their ids, so write them under the lock of what the key names.
 * @throws ContractError
 */
export async function publish(tx: Tx, events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.write({ name: 'outbox_publish', text: outboxInsert(1) }, outboxRows(events).values);
  tx.afterCommit(nudgeRelay);
}

/** The outbox rows of events, for a statement that writes them together with much else. */
export interface OutboxRows {
  /** The parameters of `outboxInsert`: nine arrays. */
  readonly values: readonly (readonly (string | number | null)[])[];
  readonly eventIds: readonly string[];
}

/** @throws ContractError */
export function outboxRows(events: readonly OutgoingEvent[]): OutboxRows {
  const active = currentTraceparent() ?? null;
  const slots: number[] = [];
  const topics: string[] = [];
  const keys: string[] = [];
  const types: string[] = [];
  const eventIds: string[] = [];
  const tenants: (string | null)[] = [];
  const requesters: (string | null)[] = [];
  const traceparents: (string | null)[] = [];
  const payloads: string[] = [];
  for (const one of events) {
    const data = isChecked(one) ? one.data : one.contract.check(one.data);
    const key = one.contract.key(data);
    const payload = JSON.stringify(data);
    if (payload.length > eventCharsMax)
      throw new Error(`assertion failed: an event of ${one.contract.type} is longer than ${eventCharsMax} characters`);
    slots.push(slotOf(key));
    topics.push(one.contract.topic);
    keys.push(key);
    types.push(one.contract.type);
    eventIds.push(one.id ?? uuidv7());
    tenants.push(one.contract.tenant(data) ?? null);
    requesters.push(one.requester ?? null);
    traceparents.push(one.traceparent ?? active);
    payloads.push(payload);
  }
  return { eventIds, values: [slots, topics, keys, types, eventIds, tenants, requesters, traceparents, payloads] };
}

/** The insert for `outboxRows(…).values` as parameters from number `first` on; may stand in a `with`. Call `nudgeRelay` after the commit. */
export function outboxInsert(first: number): string {
  const types = ['smallint', 'text', 'text', 'text', 'uuid', 'text', 'text', 'text', 'text'];
  const arrays = types.map((type, index) => `$${first + index}::${type}[]`).join(', ');
  return `insert into outbox (slot, topic, key, type, event_id, tenant, requester, traceparent, payload) select * from unnest(${arrays})`;
}

/** Wakes the relays of this process. Rows of other processes are found by notification and by polling. */
export function nudgeRelay(): void {
  for (const nudge of relays) nudge();
}

export const relays = new Set<() => void>();

/** Slots never change, so rows on their way keep their order when the number of shards (slot modulo shards) does. */
export const outboxSlots = 64;

/** A broker takes 1 MiB for a partition's part of one send; an event is to be small, and UTF-8 needs up to 3 bytes for one of these. */
const eventCharsMax = 100_000;

/** FNV-1a. */
function slotOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % outboxSlots;
}
