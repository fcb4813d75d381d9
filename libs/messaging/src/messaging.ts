import type { Contract } from '@points/contracts';
import type { Database } from '@points/database';
import type { Logger } from '@points/observability';
import type { Kafka } from 'kafkajs';
import type { Registry } from 'prom-client';
import { BrokerWatch } from './broker-watch.js';
import { kafkaClient } from './kafka-client.js';
import { KafkaStrategy, type ConsumerState } from './kafka-strategy.js';
import { messagingMetrics } from './messaging-metrics.js';
import { OutboxRelay } from './relay.js';

export interface MessagingOptions {
  readonly service: string;
  readonly brokers: readonly string[];
  readonly database: Database;
  readonly log: Logger;
  readonly registry: Registry;
  /** The contracts that the service reads; none for a service that only tells. */
  readonly contracts?: readonly Contract[];
  /** Tests and installations that share a cluster have their own. */
  readonly topicPrefix?: string;
  readonly shards?: number;
  readonly onFatal?: (error: Error) => void;
}

export interface MessagingHealth {
  readonly broker: boolean;
  readonly consumer: ConsumerState;
  readonly relay: 'owner' | 'standby' | 'stuck' | 'stopped';
}

/**
 * A service's part in the exchange of facts. `strategy` goes to Nest (`connectMicroservice({ strategy })`) and starts with Nest's
 * microservices; `start` starts the relay; `stop` ends both, within 5 s.
 */
export class Messaging {
  readonly strategy: KafkaStrategy;
  readonly relay: OutboxRelay;
  private readonly watch: BrokerWatch;

  constructor(options: MessagingOptions) {
    const { service, brokers, database, log, registry, topicPrefix = '' } = options;
    const kafka: Kafka = kafkaClient(service, brokers, log);
    this.watch = new BrokerWatch(service, brokers, log);
    const metrics = messagingMetrics(registry, {
      outbox: () => this.relay.waiting(),
      parkedKeys: async () =>
        (await database.pool.query<{ keys: number }>('select count(*)::int as keys from parked_key')).rows[0]?.keys ?? 0,
    });
    const shared = { service, kafka, database, log, metrics, topicPrefix, watch: this.watch };
    this.relay = new OutboxRelay({ ...shared, ...(options.shards !== undefined && { shards: options.shards }) });
    this.strategy = new KafkaStrategy({ ...shared, contracts: options.contracts ?? [], onFatal: options.onFatal ?? endProcess });
  }

  start(): void {
    this.watch.start();
    this.relay.start();
  }

  health(): MessagingHealth {
    return { broker: this.watch.isAnswering(), consumer: this.strategy.state(), relay: this.relay.state() };
  }

  async stop(): Promise<void> {
    await this.strategy.close();
    await Promise.all([this.relay.stop(), this.watch.stop()]);
  }
}

/** A consumer that is gone for good leaves a service that looks alive and does nothing; whoever supervises it starts it anew. */
function endProcess(): void {
  process.exitCode = 1;
  process.kill(process.pid, 'SIGTERM');
}
