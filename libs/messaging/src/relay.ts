import { everyTenant, type Database } from '@points/database';
import type { Logger } from '@points/observability';
import { CompressionTypes, Partitioners, type Kafka, type Message, type Producer } from 'kafkajs';
import type { Client } from 'pg';
import type { BrokerWatch } from './broker-watch.js';
import { clientRetry } from './kafka-client.js';
import { headersOf, type OutboxRow } from './cloud-events.js';
import type { MessagingMetrics } from './messaging-metrics.js';
import { relays } from './outbox.js';

export interface OutboxRelayOptions {
  readonly service: string;
  readonly kafka: Kafka;
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: Pick<MessagingMetrics, 'relayed'>;
  readonly watch: BrokerWatch;
  readonly topicPrefix?: string;
  /** More than one lets several replicas send at a time; all replicas must be told the same number. */
  readonly shards?: number;
}

/** Sends what the outbox holds: one owner per shard, held by a session's advisory lock, and one send in flight. */
export class OutboxRelay {
  private readonly shards: ShardRelay[];
  private readonly wake = () => this.nudge();

  constructor(options: OutboxRelayOptions) {
    const count = options.shards ?? 1;
    this.shards = Array.from({ length: count }, (_, shard) => new ShardRelay(options, shard, count));
  }

  start(): void {
    relays.add(this.wake);
    for (const shard of this.shards) shard.start();
  }

  nudge(): void {
    for (const shard of this.shards) shard.nudge();
  }

  /** `owner` of at least one shard, or standing by for another process; `stuck` when sending has failed for a while. */
  state(): 'owner' | 'standby' | 'stuck' | 'stopped' {
    const states = this.shards.map((shard) => shard.state);
    return (['stuck', 'owner', 'standby'] as const).find((one) => states.includes(one)) ?? 'stopped';
  }

  /** Depth and age of what waits, as far as this process owns it. */
  async waiting(): Promise<{ rows: number; oldestSeconds: number } | undefined> {
    const known = (await Promise.all(this.shards.map((shard) => shard.waiting()))).filter((one) => one !== undefined);
    if (known.length === 0) return undefined;
    return { rows: known.reduce((sum, one) => sum + one.rows, 0), oldestSeconds: Math.max(...known.map((one) => one.oldestSeconds)) };
  }

  /** Sends what is there, for at most `flushMsMax`, and gives the shards up. */
  async stop(): Promise<void> {
    relays.delete(this.wake);
    await Promise.all(this.shards.map((shard) => shard.stop()));
  }
}

/** Measured (stack.md §11): one send of up to 1,000 at a time keeps 64 callers busy, and a larger read adds nothing. */
const relayBatchMax = 1_000;
/** A partition's part of a send must fit the broker's message.max.bytes, 1 MiB by default. */
const sendBytesMax = 800_000;
/** Attributes as headers, per message. */
const headerBytes = 400;
/** For rows whose process could not notify: it was killed, or its standby session was away. */
const pollMs = 250;
const standbyPollMs = 500;
const backoffMsMax = 500;
const stuckAfterMs = 15_000;
const flushMsMax = 2_500;

class ShardRelay {
  state: 'owner' | 'standby' | 'stuck' | 'stopped' = 'stopped';
  private session: Client | undefined;
  private producer: Producer | undefined;
  private channel = '';
  private running: Promise<void> | undefined;
  private deadline = Infinity;
  private isNudged = false;
  private wake: (() => void) | undefined;
  private notifying = false;
  private failingSince: number | undefined;

  constructor(
    private readonly options: OutboxRelayOptions,
    private readonly shard: number,
    private readonly shards: number,
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  nudge(): void {
    this.isNudged = true;
    // A nudge does not make a standby the owner.
    if (this.state === 'standby' && !this.isStopping()) this.notifyOwner();
    else this.wake?.();
  }

  async stop(): Promise<void> {
    this.deadline = Date.now() + flushMsMax;
    this.nudge();
    // A send in flight to a broker that is away gives up after its own retries; nobody waits for that.
    const late = setTimeout(() => void this.producer?.disconnect().catch(() => undefined), flushMsMax);
    await Promise.race([this.running, new Promise((resolve) => setTimeout(resolve, flushMsMax + 500).unref())]);
    clearTimeout(late);
    await this.session?.end().catch(() => undefined);
    this.state = 'stopped';
  }

  async waiting(): Promise<{ rows: number; oldestSeconds: number } | undefined> {
    if (!this.session || this.state === 'standby') return undefined;
    // Not over the session: it is reading and deleting, and a count of a full outbox would hold up what is to be sent.
    const rows = await this.options.database.transaction(everyTenant, (tx) =>
      tx.query<{ rows: number; seconds: number | null }>(
        `select count(*)::int as rows, extract(epoch from clock_timestamp() - min(created_at))::float8 as seconds
           from (select created_at from outbox where slot % $1 = $2 order by id limit 100000) as waiting`,
        [this.shards, this.shard],
      ),
    );
    return { rows: rows[0]?.rows ?? 0, oldestSeconds: rows[0]?.seconds ?? 0 };
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.isStopping();) {
      try {
        await this.ownAndSend(() => (failures = 0));
      } catch (error) {
        this.options.log.warn({ err: error, shard: this.shard }, 'outbox relay lost its database session');
        this.noteFailure();
        await this.pause(backoff(++failures));
      } finally {
        await this.session?.end().catch(() => undefined);
        this.session = undefined;
      }
    }
    await this.producer?.disconnect().catch(() => undefined);
    this.producer = undefined;
  }

  private isStopping(): boolean {
    return this.deadline !== Infinity;
  }

  /** Everything happens over the session that holds the lock: when it is lost, so is the right to send and to delete. */
  private async ownAndSend(onReached: () => void): Promise<void> {
    const session = await this.openSession();
    onReached();
    while (!this.isStopping()) {
      if (await this.tryLock(session)) break;
      this.state = 'standby';
      await this.rest(standbyPollMs);
    }
    if (this.isStopping()) return;
    this.state = 'owner';
    await session.query(`listen ${session.escapeIdentifier(this.channel)}`);
    this.options.log.info({ shard: this.shard, shards: this.shards }, 'outbox relay owns its shard');
    let rows = await this.read(session);
    while (Date.now() < this.deadline) {
      if (rows.length === 0) {
        if (this.isStopping()) return;
        await this.rest(pollMs);
        rows = await this.read(session);
      } else if (await this.send(rows)) {
        for (const row of rows) this.options.metrics.relayed.inc({ topic: row.topic });
        rows = await this.read(session, rows);
        if (this.failingSince !== undefined) this.options.log.info({ shard: this.shard }, 'outbox relay sends again');
        this.failingSince = undefined;
        this.state = 'owner';
      }
    }
  }

  private async openSession(): Promise<Client> {
    const session = await this.options.database.session(`relay-${this.shard}`);
    this.session = session;
    session.on('error', (error) => {
      this.options.log.warn({ err: error, shard: this.shard }, 'outbox relay lost its database session');
      this.wake?.();
    });
    session.on('notification', () => {
      this.isNudged = true;
      this.wake?.();
    });
    const { rows } = await session.query<{ schema: string }>(
      `select current_schema() as schema,
         set_config('app.tenant', '*', false),
         -- A delete that a crash forgets is a second send, which readers drop: no need to wait for the disk.
         set_config('synchronous_commit', 'off', false),
         -- The table is nearly always empty and sometimes not: what the planner remembers of it is never right.
         set_config('enable_seqscan', 'off', false),
         set_config('enable_bitmapscan', 'off', false),
         -- The lock of a machine that vanished without a goodbye is free after about 16 s.
         set_config('tcp_keepalives_idle', '10', false),
         set_config('tcp_keepalives_interval', '2', false),
         set_config('tcp_keepalives_count', '3', false)`,
    );
    this.channel = `outbox_${rows[0]?.schema}_${this.shard}`;
    return session;
  }

  private async tryLock(session: Client): Promise<boolean> {
    const { rows } = await session.query<{ owner: boolean }>(
      `select pg_try_advisory_lock(hashtext('outbox:' || current_schema()), $1) as owner`,
      [this.shard],
    );
    return rows[0]?.owner === true;
  }

  /**
   * No cursor: ids commit out of order, and a row that is still there was not sent. The rows just sent go in the same round trip; the
   * statement does not see its own deletes, hence the second condition.
   */
  private async read(session: Client, sent: readonly OutboxRow[] = []): Promise<OutboxRow[]> {
    this.isNudged = false;
    const { rows } = await session.query<OutboxRow>({
      name: 'outbox_relay',
      text: `with sent as (delete from outbox where id = any($3::bigint[]))
             select id, topic, key, type, event_id, tenant, requester, traceparent, payload, created_at
               from outbox where slot % $1 = $2 and id <> all($3::bigint[]) order by id limit ${relayBatchMax}`,
      values: [this.shards, this.shard, sent.map((row) => row.id)],
    });
    return withinBytes(rows);
  }

  private async send(rows: readonly OutboxRow[]): Promise<boolean> {
    const { service, topicPrefix = '', watch, log } = this.options;
    const byTopic = new Map<string, Message[]>();
    for (const row of rows) {
      const message: Message = { key: row.key, value: row.payload, headers: headersOf(row, `/services/${service}`) };
      const known = byTopic.get(row.topic);
      if (known) known.push(message);
      else byTopic.set(row.topic, [message]);
    }
    try {
      const producer = this.producer ?? (await this.connect());
      await producer.sendBatch({
        acks: -1,
        compression: CompressionTypes.None,
        topicMessages: Array.from(byTopic, ([topic, messages]) => ({ topic: `${topicPrefix}${topic}`, messages })),
      });
      return true;
    } catch (error) {
      watch.failed();
      this.noteFailure();
      log.warn(
        { err: error, shard: this.shard, rows: rows.length, topics: [...byTopic.keys()] },
        'outbox relay could not send, tries again',
      );
      // After a failed send the client's state is not to be trusted: a new producer begins with new connections.
      await this.producer?.disconnect().catch(() => undefined);
      this.producer = undefined;
      await this.pause(backoff(3));
      return false;
    }
  }

  private async connect(): Promise<Producer> {
    const producer = this.options.kafka.producer({
      // kafkajs's idempotent producer loses its sequence after an error; readers drop what comes twice.
      idempotent: false,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { ...clientRetry, retries: 3 },
    });
    producer.on(producer.events.REQUEST, this.options.watch.answered);
    // Known before it is connected, so that a stop can end the attempt.
    this.producer = producer;
    await producer.connect();
    return producer;
  }

  private noteFailure(): void {
    this.failingSince ??= Date.now();
    if (Date.now() - this.failingSince >= stuckAfterMs) this.state = 'stuck';
  }

  /** The owner lives in another process: its session is told, at most one telling at a time. */
  private notifyOwner(): void {
    if (this.notifying || !this.session) return;
    this.notifying = true;
    this.session
      .query('select pg_notify($1, $2)', [this.channel, ''])
      .catch(() => undefined)
      .finally(() => (this.notifying = false));
  }

  /** Until the next nudge, or `ms`. */
  private rest(ms: number): Promise<void> {
    if (this.state !== 'standby' && this.isNudged) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }

  /** A wait that nudges do not shorten. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

function withinBytes(rows: OutboxRow[]): OutboxRow[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += headerBytes + row.key.length + Buffer.byteLength(row.payload)) > sendBytesMax);
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

function backoff(failures: number): number {
  return Math.min(backoffMsMax, 50 * 2 ** failures) * (0.5 + Math.random() / 2);
}
