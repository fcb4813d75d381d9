import { everyTenant, isTransient, tenants, type Database, type Tenancy, type Tx } from '@points/database';
import { continueTrace, inSpan, type Logger } from '@points/observability';
import { parkAll, type ParkingNote } from './dead-letters.js';
import type { Received } from './event.js';
import type { MessagingMetrics } from './messaging-metrics.js';
import type { Delivery, EventHandler, Readable } from './read-message.js';

/** What a handler gets beside the events. */
export interface BatchContext {
  /**
   * The transaction of the effect. The inbox rows of the events are in it; what was done before is already left out of the batch.
   * A handler with `transaction: 'own'` has none: reading it there is a bug.
   */
  readonly tx: Tx;
}

export interface Work {
  readonly consumer: string;
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: MessagingMetrics;
  /** Topics whose handlers open their own transaction. */
  readonly ownTopics: ReadonlySet<string>;
  /** Called before trouble is tried again. Throws when the batch is no longer ours, or the service stops. */
  waitForCure(attempt: number, error: unknown): Promise<void>;
}

/**
 * Works off what arrived together, in order of each key. When it returns, every delivery has had its one effect or is parked.
 * Trouble that may pass is waited for; it throws only what `waitForCure` throws.
 */
export async function workBatch(work: Work, deliveries: readonly Delivery[]): Promise<void> {
  for (const lot of lotsOf(work, deliveries))
    for (let from = 0; from < lot.deliveries.length; from += batchEventsMax)
      await workLot(work, { ...lot, deliveries: lot.deliveries.slice(from, from + batchEventsMax) });
}

/** Keeps a transaction short: locks of a batch are held until its end. */
const batchEventsMax = 1_000;

interface Lot {
  readonly mode: 'tx' | 'own';
  readonly tenancy: Tenancy;
  readonly deliveries: readonly Delivery[];
}

/**
 * Municipalities' events run under their tenants alone. Facts of the platform may concern anybody's rows, and they take the other
 * events of their topic along, because order is kept within a topic.
 */
function lotsOf(work: Work, deliveries: readonly Delivery[]): Lot[] {
  const platform = new Set(deliveries.filter((one) => one.event && one.tenant === null).map((one) => one.place.topic));
  const [own, ofPlatform, ofTenants]: [Delivery[], Delivery[], Delivery[]] = [[], [], []];
  for (const one of deliveries)
    (work.ownTopics.has(one.place.topic) ? own : platform.has(one.place.topic) ? ofPlatform : ofTenants).push(one);
  const codes = [...new Set(ofTenants.map((one) => one.tenant).filter((code) => code !== null))];
  const lots: Lot[] = [
    { mode: 'own', tenancy: everyTenant, deliveries: own },
    { mode: 'tx', tenancy: everyTenant, deliveries: ofPlatform },
    { mode: 'tx', tenancy: codes.length ? tenants(...codes) : everyTenant, deliveries: ofTenants },
  ];
  return lots.filter((lot) => lot.deliveries.length > 0);
}

/** Halves a lot that fails until the poison stands alone: two transactions per halving instead of one per event. */
async function workLot(work: Work, lot: Lot): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await (lot.mode === 'own' ? workWithOwnTransaction(work, lot) : workInTransaction(work, lot));
      return;
    } catch (error) {
      if (isCurable(error)) {
        await work.waitForCure(attempt, error);
        continue;
      }
      const [first] = lot.deliveries;
      if (first && lot.deliveries.length === 1) {
        await parkFailed(work, first, error);
        return;
      }
      const middle = lot.deliveries.length >> 1;
      await workLot(work, { ...lot, deliveries: lot.deliveries.slice(0, middle) });
      await workLot(work, { ...lot, deliveries: lot.deliveries.slice(middle) });
      return;
    }
  }
}

/** A key was parked while this transaction waited for the inbox; its own snapshot could not see it. */
class ParkedMeanwhile extends Error {}

export function isCurable(error: unknown): boolean {
  return error instanceof ParkedMeanwhile || isTransient(error);
}

async function workInTransaction(work: Work, lot: Lot): Promise<void> {
  const { clean, notes } = setPoisonApart(lot.deliveries);
  const outcome = await work.database.transaction(lot.tenancy, async (tx) => {
    const { fresh, parked } = await claim(tx, work.consumer, clean);
    const behind = clean.filter((one) => parked.has(laneOf(one)));
    const todo = takeFresh(clean, fresh);
    const duplicates = clean.length - behind.length - todo.length;
    // Rare: another consumer held the batch. What it parked is visible to a new statement only.
    if (duplicates > 0 && (await isAnyParked(tx, work.consumer, todo))) throw new ParkedMeanwhile();
    await callHandlers(work, todo, { tx });
    const all = [...notes, ...behind.map(behindParked)];
    await parkAll(tx, work.consumer, all);
    return { todo, duplicates, parked: all };
  });
  report(work, outcome);
}

async function workWithOwnTransaction(work: Work, lot: Lot): Promise<void> {
  const { clean, notes } = setPoisonApart(lot.deliveries);
  let { todo, parked }: { todo: readonly Readable[]; parked: readonly ParkingNote[] } = { todo: clean, parked: notes };
  const maybe = await parkedAmong(work.database, work.consumer, clean);
  if (notes.length > 0 || maybe.size > 0)
    ({ todo, parked } = await work.database.transaction(everyTenant, async (tx) => {
      // Locked: a replay that ends now frees the key, and then nothing may be parked behind it any more.
      const still = await lockParked(tx, work.consumer, clean);
      const all = [...notes, ...clean.filter((one) => still.has(laneOf(one))).map(behindParked)];
      await parkAll(tx, work.consumer, all);
      return { todo: clean.filter((one) => !still.has(laneOf(one))), parked: all };
    }));
  await callHandlers(work, todo, noTransaction);
  report(work, { todo, duplicates: 0, parked });
}

export const noTransaction: BatchContext = {
  get tx(): Tx {
    throw new Error('assertion failed: a handler with its own transaction has no tx in its context');
  },
};

async function parkFailed(work: Work, delivery: Delivery, error: unknown): Promise<void> {
  const note: ParkingNote = delivery.event
    ? { delivery, reason: 'handler-failed', detail: describeFailure(error) }
    : { delivery, ...delivery.poison };
  work.log.error(
    { err: error, ...delivery.place, event: delivery.event?.id, type: delivery.event?.type },
    'event parked: it failed and trying again will not help',
  );
  for (let attempt = 1; ; attempt++) {
    try {
      await work.database.transaction(everyTenant, (tx) => parkAll(tx, work.consumer, [note]));
      break;
    } catch (trouble) {
      await work.waitForCure(attempt, trouble);
    }
  }
  report(work, { todo: [], duplicates: 0, parked: [note] });
}

function report(work: Work, outcome: { todo: readonly Readable[]; duplicates: number; parked: readonly ParkingNote[] }): void {
  for (const one of outcome.todo) work.metrics.consumed.inc({ type: one.event.type });
  if (outcome.duplicates > 0) work.metrics.duplicates.inc(outcome.duplicates);
  for (const { reason, detail, delivery } of outcome.parked) {
    work.metrics.parked.inc({ reason });
    if (reason !== 'handler-failed' && reason !== 'behind-parked')
      work.log.error({ reason, detail, ...delivery.place }, 'message parked: it cannot be read');
  }
}

/** Poison, and what comes after it with the same key in this batch. */
function setPoisonApart(deliveries: readonly Delivery[]): { clean: Readable[]; notes: ParkingNote[] } {
  const [clean, notes]: [Readable[], ParkingNote[]] = [[], []];
  const blocked = new Set<string>();
  for (const one of deliveries)
    if (one.event === undefined) {
      blocked.add(laneOf(one));
      notes.push({ delivery: one, ...one.poison });
    } else if (blocked.has(laneOf(one))) notes.push(behindParked(one));
    else clean.push(one);
  return { clean, notes };
}

function behindParked(delivery: Delivery): ParkingNote {
  return { delivery, reason: 'behind-parked', detail: 'an earlier message of the same key is parked' };
}

/** One key of one topic has one order. */
function laneOf(one: Delivery): string {
  return lane(one.place.topic, one.key);
}

function lane(topic: string, key: string): string {
  return `${topic} ${key}`;
}

/** The events that this transaction is the first to do, each once though it may be in the batch twice. */
function takeFresh(clean: readonly Readable[], fresh: Set<string>): Readable[] {
  return clean.filter((one) => fresh.delete(one.event.id));
}

const claimStatement = {
  name: 'inbox_claim',
  // Ordered, so that two consumers of one batch queue up instead of deadlocking. The lock on a parked key waits for a replay to end.
  text: `
    with wanted as (select * from unnest($2::uuid[], $3::text[], $4::text[]) as w (event_id, topic, key)),
    parked as (
      select topic, key from parked_key where consumer = $1 and (topic, key) in (select topic, key from wanted) for share
    ),
    claimed as (
      insert into inbox (consumer, event_id)
      select $1, event_id from wanted where (topic, key) not in (select topic, key from parked) order by event_id
      on conflict do nothing returning event_id
    )
    select array(select event_id::text from claimed) as fresh, array(select topic || ' ' || key from parked) as parked`,
};

async function claim(tx: Tx, consumer: string, clean: readonly Readable[]): Promise<{ fresh: Set<string>; parked: Set<string> }> {
  if (clean.length === 0) return { fresh: new Set(), parked: new Set() };
  const [row] = await tx.query<{ fresh: string[]; parked: string[] }>(claimStatement, [
    consumer,
    clean.map((one) => one.event.id),
    ...lanesOf(clean),
  ]);
  return { fresh: new Set(row?.fresh), parked: new Set(row?.parked) };
}

const parkedAmongText = `select topic, key from parked_key where consumer = $1 and (topic, key) in (select * from unnest($2::text[], $3::text[]))`;

async function isAnyParked(tx: Tx, consumer: string, todo: readonly Readable[]): Promise<boolean> {
  return todo.length > 0 && (await tx.query({ name: 'parked_among', text: parkedAmongText }, [consumer, ...lanesOf(todo)])).length > 0;
}

/** Outside a transaction: it is asked for every batch, and nearly always answers with nothing. */
async function parkedAmong(database: Database, consumer: string, clean: readonly Readable[]): Promise<Set<string>> {
  if (clean.length === 0) return new Set();
  const { rows } = await database.pool.query<{ topic: string; key: string }>({
    name: 'parked_among',
    text: parkedAmongText,
    values: [consumer, ...lanesOf(clean)],
  });
  return new Set(rows.map((row) => lane(row.topic, row.key)));
}

async function lockParked(tx: Tx, consumer: string, clean: readonly Readable[]): Promise<Set<string>> {
  const rows = await tx.query<{ topic: string; key: string }>(`${parkedAmongText} for share`, [consumer, ...lanesOf(clean)]);
  return new Set(rows.map((row) => lane(row.topic, row.key)));
}

function lanesOf(clean: readonly Readable[]): [topics: string[], keys: string[]] {
  return [clean.map((one) => one.place.topic), clean.map((one) => one.key)];
}

export async function callHandlers(work: Pick<Work, 'metrics'>, todo: readonly Readable[], context: BatchContext): Promise<void> {
  for (const { handler, events } of callsOf(todo)) {
    const { type } = handler.contract;
    const stop = work.metrics.handlerSeconds.startTimer({ type });
    await inSpan(
      `${type} process`,
      {
        parent: continueTrace(events[0]?.traceparent),
        kind: 'consumer',
        attributes: { 'messaging.system': 'kafka', 'messaging.batch.message_count': events.length },
      },
      () => handler.call(events, context),
    );
    stop();
  }
}

/**
 * One call per handler, unless a key has events of several types: then its later type waits for the next wave, so that the order of
 * the key is kept across types.
 */
function callsOf(todo: readonly Readable[]): { handler: EventHandler; events: Received[] }[] {
  const last = new Map<string, { type: string; wave: number }>();
  const waves: Map<EventHandler, Received[]>[] = [];
  for (const one of todo) {
    const lane = laneOf(one);
    const before = last.get(lane);
    const wave = before ? before.wave + (before.type === one.event.type ? 0 : 1) : 0;
    if (before?.type !== one.event.type) last.set(lane, { type: one.event.type, wave });
    const calls = (waves[wave] ??= new Map<EventHandler, Received[]>());
    for (const handler of one.handlers) {
      const events = calls.get(handler);
      if (events) events.push(one.event);
      else calls.set(handler, [one.event]);
    }
  }
  return waves.flatMap((calls) => Array.from(calls, ([handler, events]) => ({ handler, events })));
}

/**
 * For an operator, without personal data: messages of the database quote values, so of those only code and names are kept. Messages
 * of our own errors hold none, by the rules of the house.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return 'the handler threw something that is no error';
  const { code, constraint, table, driverError } = error as {
    code?: unknown;
    constraint?: unknown;
    table?: unknown;
    driverError?: unknown;
  };
  if (driverError instanceof Error) return describeFailure(driverError);
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))
    return ['database error', code, ...[constraint, table].filter((name) => typeof name === 'string')].join(' ');
  return `${error.name}: ${error.message}`.slice(0, detailCharsMax);
}

const detailCharsMax = 300;
