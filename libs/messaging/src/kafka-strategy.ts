import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import type { Contract } from '@points/contracts';
import type { Database } from '@points/database';
import type { Logger } from '@points/observability';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { isObservable, lastValueFrom } from 'rxjs';
import type { BrokerWatch } from './broker-watch.js';
import { clientRetry } from './kafka-client.js';
import type { MessagingMetrics } from './messaging-metrics.js';
import type { OnEventExtras } from './on-event.js';
import { readMessage, type Delivery, type EventHandler } from './read-message.js';
import { Replayer } from './replay.js';
import { workBatch, type Work } from './work-batch.js';

export interface KafkaStrategyOptions {
  /** Name of the service, of its consumer group and of its rows in the inbox. */
  readonly service: string;
  readonly kafka: Kafka;
  readonly database: Database;
  readonly log: Logger;
  readonly metrics: MessagingMetrics;
  readonly watch: BrokerWatch;
  /** What the service says it reads: the start fails when a handler is missing or one too many. */
  readonly contracts: readonly Contract[];
  readonly topicPrefix?: string;
  /** The consumer is gone for good. The process is to end, so that somebody starts it anew. */
  readonly onFatal: (error: Error) => void;
}

export type ConsumerState = 'starting' | 'running' | 'stuck' | 'stopped';

/**
 * Nest's way to declare handlers, without Nest's Kafka server: that one repeats a failing message for ever and drops what it does not
 * know. This one joins what arrives together into one transaction, tells trouble from poison, and never blocks on the latter.
 */
export class KafkaStrategy extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  private readonly handlers = new Map<string, EventHandler[]>();
  private readonly ownTopics = new Set<string>();
  private readonly txTopics = new Set<string>();
  private readonly replayer: Replayer;
  private consumer: Consumer | undefined;
  private connecting: Promise<void> | undefined;
  private phase: 'starting' | 'running' | 'stopped' = 'starting';
  private isClosing = false;
  private waiting: { payload: EachBatchPayload; resolve: () => void; reject: (error: unknown) => void }[] = [];
  private flushing: Promise<void> | undefined;
  private toCommit: EachBatchPayload | undefined;
  private commitTimer: NodeJS.Timeout | undefined;
  private committing: Promise<void> = Promise.resolve();
  private aliveAt = Date.now();
  private troubledSince: number | undefined;
  private readonly onJoined: (() => void)[] = [];

  constructor(private readonly options: KafkaStrategyOptions) {
    super();
    this.replayer = new Replayer({ ...options, consumer: options.service, handlers: this.handlers, ownTopics: this.ownTopics });
  }

  /** Nest calls this for every method with `@OnEvent`. */
  override addHandler(pattern: unknown, callback: NestHandler, isEventHandler = false, extras: Partial<OnEventExtras> = {}): void {
    const { contract, requester, transaction } = extras;
    if (!isEventHandler || !contract) throw new Error(`the handler of ${String(pattern)} must be declared with @OnEvent(contract)`);
    const handler: EventHandler = {
      contract,
      ...(requester !== undefined && { requester }),
      async call(events, context) {
        const result = await callback(events, context);
        if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
      },
    };
    this.handlers.set(contract.type, [...(this.handlers.get(contract.type) ?? []), handler]);
    (transaction === 'own' ? this.ownTopics : this.txTopics).add(contract.topic);
    // Nest's own list of handlers, for those who inspect it.
    this.messageHandlers.set(contract.type, callback);
  }

  /** Answers at once: a broker that is away delays the consumer, not the service's HTTP. `state` and `joined` tell. */
  listen(callback: () => void): void {
    this.checkHandlers();
    if (this.handlers.size === 0) this.phase = 'running';
    else {
      this.connecting = this.connectUntilClosed();
      this.replayer.start();
    }
    callback();
  }

  /** Resolves when the consumer has been given its partitions. */
  joined(): Promise<void> {
    return this.phase === 'running' ? Promise.resolve() : new Promise((resolve) => this.onJoined.push(resolve));
  }

  /** A service that reads nothing counts as running. */
  state(): ConsumerState {
    if (this.phase === 'stopped') return 'stopped';
    if (this.handlers.size > 0 && Date.now() - Math.min(this.aliveAt, this.troubledSince ?? Infinity) > stuckAfterMs) return 'stuck';
    return this.phase;
  }

  /** Stops reading, finishes the batch in hand, leaves the group. */
  async close(): Promise<void> {
    this.isClosing = true;
    await Promise.race([this.leave(), new Promise((resolve) => setTimeout(resolve, closeMsMax).unref())]);
    this.phase = 'stopped';
  }

  override on(): never {
    throw new Error('the messages of Kafka arrive at @OnEvent handlers');
  }

  override unwrap<T>(): T {
    return this.consumer as T;
  }

  private async leave(): Promise<void> {
    await this.replayer.stop();
    await this.connecting;
    await this.flushing?.catch(() => undefined);
    // Before the group is left: afterwards nobody takes it.
    await this.commit();
    // Answers only after the fetch in hand, which takes up to fetchWaitMs.
    await this.consumer?.stop().catch((error: unknown) => this.options.log.warn({ err: error }, 'consumer did not stop cleanly'));
    await this.consumer?.disconnect().catch(() => undefined);
  }

  private checkHandlers(): void {
    const said = new Set(this.options.contracts.map((one) => one.type));
    const problems = [
      ...[...said].filter((type) => !this.handlers.has(type)).map((type) => `${type} is said to be read, and has no handler`),
      ...[...this.handlers.keys()].filter((type) => !said.has(type)).map((type) => `${type} has a handler, and is not said to be read`),
      // The order of a topic's keys could not be kept between two ways to work.
      ...[...this.ownTopics]
        .filter((topic) => this.txTopics.has(topic))
        .map((topic) => `the handlers of ${topic} differ in who opens the transaction`),
    ];
    if (problems.length) throw new Error(`the event handlers of ${this.options.service} do not fit: ${problems.join('; ')}`);
  }

  private async connectUntilClosed(): Promise<void> {
    for (let failures = 0; !this.isClosing;) {
      const consumer = this.newConsumer();
      try {
        await consumer.connect();
        await consumer.subscribe({ topics: this.topics(), fromBeginning: true });
        this.consumer = consumer;
        await consumer.run({
          // Offsets are committed once for all partitions of a flush, and nobody waits for it: the inbox knows what is done.
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: partitionsTogetherMax,
          eachBatch: (payload) => this.join(payload),
        });
        return;
      } catch (error) {
        this.options.watch.failed();
        this.options.log.warn({ err: error, topics: this.topics() }, 'consumer could not connect, tries again');
        await consumer.disconnect().catch(() => undefined);
        await this.rest(Math.min(connectBackoffMsMax, 200 * 2 ** ++failures) * (0.5 + Math.random() / 2));
      }
    }
  }

  private topics(): string[] {
    return [...this.ownTopics, ...this.txTopics].map((topic) => `${this.options.topicPrefix ?? ''}${topic}`);
  }

  private newConsumer(): Consumer {
    const { kafka, service, topicPrefix = '', watch, log } = this.options;
    const consumer = kafka.consumer({
      groupId: `${topicPrefix}${service}`,
      minBytes: 1,
      maxWaitTimeInMs: fetchWaitMs,
      maxBytesPerPartition,
      sessionTimeout: 6_000,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: 6_000,
      allowAutoTopicCreation: false,
      retry: { ...clientRetry },
    });
    const { REQUEST, GROUP_JOIN, CRASH } = consumer.events;
    consumer.on(REQUEST, ({ payload }) => {
      watch.answered();
      if (payload.apiName === 'Fetch') this.aliveAt = Date.now();
    });
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.phase = 'running';
      this.aliveAt = Date.now();
      log.info({ partitions: payload.memberAssignment }, 'consumer reads its partitions');
      for (const resolve of this.onJoined.splice(0)) resolve();
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      watch.failed();
      if (this.isClosing) return;
      this.phase = restart ? 'starting' : 'stopped';
      if (restart) return;
      log.fatal({ err: error }, 'consumer ended for good');
      this.options.onFatal(error);
    });
    return consumer;
  }

  /** All partitions of one fetch arrive in one turn of the event loop: they are worked off together. */
  private join(payload: EachBatchPayload): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ payload, resolve, reject });
      if (this.flushing) return;
      this.flushing = Promise.resolve().then(async () => {
        while (this.waiting.length > 0) await this.flush(this.waiting.splice(0));
        this.flushing = undefined;
      });
    });
  }

  private async flush(parts: typeof this.waiting): Promise<void> {
    const [first] = parts;
    if (!first) return;
    // A handler may take longer than the session lasts. What a beat finds out, the next one of kafkajs finds too.
    const beat = setInterval(() => void first.payload.heartbeat().catch(() => undefined), heartbeatMs);
    try {
      await workBatch(this.workFor(first.payload), this.read(parts.map((part) => part.payload)));
      this.aliveAt = Date.now();
      this.troubledSince = undefined;
      for (const { payload } of parts) payload.resolveOffset(payload.batch.lastOffset());
      this.commitSoon(first.payload);
      for (const part of parts) part.resolve();
    } catch (error) {
      for (const part of parts) part.reject(error);
    } finally {
      clearInterval(beat);
    }
  }

  private read(payloads: readonly EachBatchPayload[]): Delivery[] {
    const { topicPrefix = '', metrics } = this.options;
    const deliveries: Delivery[] = [];
    for (const { batch } of payloads) {
      const topic = batch.topic.slice(topicPrefix.length);
      metrics.lag.set({ topic, partition: batch.partition }, Number(batch.offsetLag()));
      for (const message of batch.messages) {
        const delivery = readMessage(this.handlers, { topic, partition: batch.partition, offset: message.offset }, message);
        if (typeof delivery === 'string') metrics.ignored.inc({ reason: delivery });
        else deliveries.push(delivery);
      }
    }
    return deliveries;
  }

  private workFor(payload: EachBatchPayload): Work {
    const { service, database, log, metrics } = this.options;
    return {
      consumer: service,
      database,
      log,
      metrics,
      ownTopics: this.ownTopics,
      waitForCure: async (attempt, error) => {
        if (this.isClosing || !payload.isRunning()) throw error;
        this.troubledSince ??= Date.now();
        log.warn({ err: error, attempt }, 'batch tried again');
        await this.rest(Math.min(cureBackoffMsMax, 50 * 2 ** attempt) * (0.5 + Math.random() / 2));
        // Throws when the group has moved on: then the partitions are somebody else's, and so is the batch.
        await payload.heartbeat();
      },
    };
  }

  /**
   * Once in a while for all that was resolved, and nobody waits for it: what a crash leaves uncommitted is delivered again and dropped
   * by the inbox.
   */
  private commitSoon(payload: EachBatchPayload): void {
    this.toCommit = payload;
    if (this.isClosing) void this.commit();
    else this.commitTimer ??= setTimeout(() => void this.commit(), commitEveryMs);
  }

  private commit(): Promise<void> {
    clearTimeout(this.commitTimer);
    this.commitTimer = undefined;
    const payload = this.toCommit;
    this.toCommit = undefined;
    if (!payload) return this.committing;
    this.committing = this.committing.then(async () => {
      try {
        const offsets = payload.uncommittedOffsets();
        if (offsets.topics.length > 0) await payload.commitOffsetsIfNecessary(offsets);
      } catch (error) {
        // The next heartbeat meets the same trouble, and kafkajs acts on it.
        this.options.log.debug({ err: error }, 'offsets not committed');
      }
    });
    return this.committing;
  }

  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

type NestHandler = (events: unknown, context?: unknown) => Promise<unknown>;

/** Above the partitions of all topics a service reads (4 each): all of a fetch must arrive together. */
const partitionsTogetherMax = 128;
/** A real broker answers a waiting fetch as soon as there is a message; this bounds how long a stop waits. */
const fetchWaitMs = 500;
/** About 500 events per partition: a transaction stays short, and a fetch still holds what 256 callers ask at a time. */
const maxBytesPerPartition = 262_144;
const heartbeatMs = 1_000;
const commitEveryMs = 200;
const cureBackoffMsMax = 2_000;
const connectBackoffMsMax = 3_000;
/** Longer than a broker's restart (stack.md §9: 10.5 s). */
const stuckAfterMs = 30_000;
const closeMsMax = 2_000;
