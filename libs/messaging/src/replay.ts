import { everyTenant, tenants, type Database, type Tx } from '@points/database';
import type { Logger } from '@points/observability';
import { unparkIfDone } from './dead-letters.js';
import type { MessagingMetrics } from './messaging-metrics.js';
import { readMessage, type Delivery, type EventHandler } from './read-message.js';
import { callHandlers, describeFailure, isCurable, noTransaction } from './work-batch.js';

export interface ReplayerOptions {
  readonly consumer: string;
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: MessagingMetrics;
  readonly handlers: ReadonlyMap<string, readonly EventHandler[]>;
  readonly ownTopics: ReadonlySet<string>;
}

interface ParkedKey {
  readonly consumer: string;
  readonly topic: string;
  readonly key: string;
}

/** Does parked messages again once an operator has asked for it: key by key, each from its first message on, with the very handlers. */
export class Replayer {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private isStopping = false;

  constructor(private readonly options: ReplayerOptions) {}

  start(): void {
    this.timer = setInterval(() => {
      this.working ??= this.look()
        .catch((error: unknown) => this.options.log.warn({ err: error }, 'dead letters not replayed, tries again'))
        .finally(() => (this.working = undefined));
    }, lookEveryMs);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await this.working;
  }

  private async look(): Promise<void> {
    const { database, consumer } = this.options;
    const { rows: keys } = await database.pool.query<ParkedKey>({
      name: 'replay_requested',
      text: 'select consumer, topic, key from parked_key where consumer = $1 and replay_requested_at is not null order by replay_requested_at limit 100',
      values: [consumer],
    });
    if (keys.length === 0) return;
    // One replica replays at a time; the lock ends with its session, whatever ends that.
    const session = await database.session('replay');
    session.on('error', () => undefined);
    try {
      const { rows } = await session.query<{ owner: boolean }>(
        `select pg_try_advisory_lock(hashtext('replay:' || current_schema()), hashtext($1)) as owner`,
        [consumer],
      );
      if (rows[0]?.owner) for (const key of keys) await this.replayKey(key);
    } finally {
      await session.end();
    }
  }

  private async replayKey(key: ParkedKey): Promise<void> {
    while (!this.isStopping) {
      const head = await this.options.database.transaction(everyTenant, (tx) => this.headOf(tx, key));
      if (!head) return;
      try {
        await this.replayOne(head);
      } catch (error) {
        if (isCurable(error)) throw error;
        await this.giveUp(key, head, error);
        return;
      }
    }
  }

  /** The first message of the key. Without one the key is free, and later messages pass again. */
  private async headOf(tx: Tx, key: ParkedKey): Promise<Letter | undefined> {
    const [locked] = await tx.query<{ requested: boolean }>(
      'select replay_requested_at is not null as requested from parked_key where consumer = $1 and topic = $2 and key = $3 for update',
      [key.consumer, key.topic, key.key],
    );
    if (!locked?.requested || (await unparkIfDone(tx, key))) return undefined;
    const [head] = await tx.query<Letter>(
      `select id::text, topic, partition, position::text as offset, (extract(epoch from sent_at) * 1000)::bigint::text as timestamp, key, headers, payload
         from dead_letter where consumer = $1 and topic = $2 and key = $3 order by id limit 1`,
      [key.consumer, key.topic, key.key],
    );
    return head;
  }

  private async replayOne(letter: Letter): Promise<void> {
    const { database, consumer, metrics, log, ownTopics } = this.options;
    const delivery = this.readLetter(letter);
    const remove = (tx: Tx) => tx.write('delete from dead_letter where id = $1', [letter.id]);
    if (delivery.event === undefined) throw new StillUnreadable(`${delivery.poison.reason}: ${delivery.poison.detail}`);
    if (ownTopics.has(letter.topic)) {
      await callHandlers({ metrics }, [delivery], noTransaction);
      await database.transaction(everyTenant, remove);
    } else
      await database.transaction(delivery.tenant === null ? everyTenant : tenants(delivery.tenant), async (tx) => {
        const claimed = await tx.write('insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing', [
          consumer,
          delivery.event.id,
        ]);
        if (claimed > 0) await callHandlers({ metrics }, [delivery], { tx });
        else metrics.duplicates.inc();
        await remove(tx);
      });
    metrics.replayed.inc();
    log.info({ ...delivery.place, event: delivery.event.id, type: delivery.event.type }, 'dead letter replayed');
  }

  private readLetter(letter: Letter): Delivery {
    const { topic, partition, offset, key, headers, payload, timestamp } = letter;
    const message = { key: Buffer.from(key), value: payload, headers, timestamp };
    const delivery = readMessage(this.options.handlers, { topic, partition, offset }, message);
    if (typeof delivery !== 'string') return delivery;
    throw new StillUnreadable(delivery === 'unknown-type' ? 'no handler reads this type' : 'no handler is the requester');
  }

  /** The key stays parked, its first message with the new reason, until somebody asks again. */
  private async giveUp(key: ParkedKey, head: Letter, error: unknown): Promise<void> {
    const detail = error instanceof StillUnreadable ? error.message : describeFailure(error);
    this.options.log.error({ err: error, topic: head.topic, partition: head.partition, offset: head.offset }, 'dead letter failed again');
    await this.options.database.transaction(everyTenant, async (tx) => {
      await tx.write('update dead_letter set attempts = attempts + 1, detail = $2 where id = $1', [head.id, detail]);
      await tx.write('update parked_key set replay_requested_at = null where consumer = $1 and topic = $2 and key = $3', [
        key.consumer,
        key.topic,
        key.key,
      ]);
    });
  }
}

interface Letter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly payload: Buffer;
}

class StillUnreadable extends Error {}

const lookEveryMs = 1_000;
