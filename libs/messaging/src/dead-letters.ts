import { everyTenant, type Database, type Tx } from '@points/database';
import { headerText } from './cloud-events.js';
import type { Delivery, PoisonReason } from './read-message.js';

export interface ParkingNote {
  readonly delivery: Delivery;
  readonly reason: PoisonReason;
  /** What an operator needs to know; no personal data. */
  readonly detail: string;
}

/** Writes the messages among the dead letters, in their order, and parks their keys: what follows of a key waits behind it. */
export async function parkAll(tx: Tx, consumer: string, notes: readonly ParkingNote[]): Promise<void> {
  if (notes.length === 0) return;
  const column = (value: (note: ParkingNote) => unknown) => notes.map(value);
  await tx.write(
    `insert into dead_letter (consumer, topic, partition, position, sent_at, key, type, tenant, headers, payload, reason, detail)
     select $1, topic, partition, position, to_timestamp(sent_ms / 1000.0), key, type, tenant, headers, payload, reason, detail
       from unnest($2::text[], $3::int[], $4::bigint[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::bytea[], $11::text[], $12::text[])
         as note (topic, partition, position, sent_ms, key, type, tenant, headers, payload, reason, detail)
     -- No constraint is named: that would need the right to read the row, which a tenant has not for a row without one.
     on conflict do nothing`,
    [
      consumer,
      column(({ delivery }) => delivery.place.topic),
      column(({ delivery }) => delivery.place.partition),
      column(({ delivery }) => delivery.place.offset),
      column(({ delivery }) => Number(delivery.message.timestamp)),
      column(({ delivery }) => delivery.key),
      column(({ delivery }) => headerText(delivery.message.headers, 'ce_type') ?? null),
      column(({ delivery }) => delivery.tenant),
      column(({ delivery }) => JSON.stringify(plainHeaders(delivery))),
      column(({ delivery }) => delivery.message.value ?? Buffer.alloc(0)),
      column(({ reason }) => reason),
      column(({ detail }) => detail),
    ],
  );
  await tx.write(
    `insert into parked_key (consumer, topic, key) select distinct $1, topic, key from unnest($2::text[], $3::text[]) as note (topic, key)
     on conflict on constraint parked_key_pk do nothing`,
    [consumer, column(({ delivery }) => delivery.place.topic), column(({ delivery }) => delivery.key)],
  );
}

function plainHeaders(delivery: Delivery): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of Object.keys(delivery.message.headers ?? {})) {
    const value = headerText(delivery.message.headers, name);
    if (value !== undefined) headers[name.replaceAll('\0', '\uFFFD')] = value;
  }
  return headers;
}

/** A dead letter as an operator sees it: its place and why it is there, not what it says. */
export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly type: string | null;
  readonly reason: PoisonReason;
  readonly detail: string;
  readonly attempts: number;
  readonly parkedAt: Date;
  readonly replayRequested: boolean;
}

export type DeadLetterChoice = { readonly key: string } | { readonly id: string } | 'all';

export function listDeadLetters(
  database: Database,
  options: { readonly afterId?: string; readonly limit?: number } = {},
): Promise<DeadLetter[]> {
  return database.transaction(everyTenant, (tx) =>
    tx.query<DeadLetter & { id: string }>(
      `select d.id::text, d.topic, d.partition, d.position::text as "offset", d.key, d.type, d.reason, d.detail, d.attempts, d.parked_at as "parkedAt",
              coalesce(p.replay_requested_at is not null, false) as "replayRequested"
         from dead_letter d left join parked_key p on p.consumer = d.consumer and p.topic = d.topic and p.key = d.key
        where d.id > $1 order by d.id limit $2`,
      [options.afterId ?? '0', Math.min(options.limit ?? 100, listMax)],
    ),
  );
}

const listMax = 1_000;

/**
 * Asks the running consumer to do the parked messages again, whole keys from their first message on: a later one may not overtake an
 * earlier one. Answers the number of keys.
 */
export function replayDeadLetters(database: Database, choice: DeadLetterChoice): Promise<number> {
  return database.transaction(everyTenant, async (tx) => {
    const [where, values] = chosenKeys(choice);
    return tx.write(
      `update parked_key p set replay_requested_at = coalesce(replay_requested_at, clock_timestamp()) where ${where}`,
      values,
    );
  });
}

/** Throws parked messages away: for those whose effect was made by other means. Answers the number of messages. */
export function discardDeadLetters(database: Database, choice: DeadLetterChoice): Promise<number> {
  return database.transaction(everyTenant, async (tx) => {
    const [where, values] = chosenKeys(choice);
    const keys = await tx.query<{ consumer: string; topic: string; key: string }>(
      `select consumer, topic, key from parked_key p where ${where} order by 1, 2, 3 for update`,
      values,
    );
    const one = typeof choice === 'object' && 'id' in choice ? choice.id : null;
    let discarded = 0;
    for (const key of keys) {
      discarded += await tx.write(
        `delete from dead_letter where consumer = $1 and topic = $2 and key = $3 and ($4::bigint is null or id = $4)`,
        [key.consumer, key.topic, key.key, one],
      );
      await unparkIfDone(tx, key);
    }
    return discarded;
  });
}

function chosenKeys(choice: DeadLetterChoice): [where: string, values: unknown[]] {
  if (choice === 'all') return ['true', []];
  if ('key' in choice) return ['p.key = $1', [choice.key]];
  return ['(p.consumer, p.topic, p.key) in (select consumer, topic, key from dead_letter where id = $1)', [choice.id]];
}

/** The caller holds the row of the key `for update`, so nothing is being parked behind it. */
export async function unparkIfDone(tx: Tx, key: { consumer: string; topic: string; key: string }): Promise<boolean> {
  const gone = await tx.write(
    `delete from parked_key where consumer = $1 and topic = $2 and key = $3
        and not exists (select from dead_letter d where d.consumer = $1 and d.topic = $2 and d.key = $3)`,
    [key.consumer, key.topic, key.key],
  );
  return gone > 0;
}
