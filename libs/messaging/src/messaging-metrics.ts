import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface MessagingMetrics {
  readonly relayed: Counter<'topic'>;
  readonly consumed: Counter<'type'>;
  readonly duplicates: Counter<string>;
  readonly ignored: Counter<'reason'>;
  readonly parked: Counter<'reason'>;
  readonly replayed: Counter<string>;
  readonly handlerSeconds: Histogram<'type'>;
  readonly lag: Gauge<'topic' | 'partition'>;
}

/** What is measured only when somebody asks. */
export interface MessagingGauges {
  outbox(): Promise<{ readonly rows: number; readonly oldestSeconds: number } | undefined>;
  parkedKeys(): Promise<number>;
}

export function messagingMetrics(registry: Registry, gauges: MessagingGauges): MessagingMetrics {
  const registers = [registry];
  new Gauge({
    name: 'points_outbox_rows',
    help: 'Events written and not yet sent, counted up to 100,000; known where the relay of the outbox runs',
    registers,
    async collect() {
      const outbox = await gauges.outbox().catch(() => undefined);
      if (outbox) this.set(outbox.rows);
      else this.reset();
    },
  });
  new Gauge({
    name: 'points_outbox_oldest_seconds',
    help: 'Age of the oldest event not yet sent',
    registers,
    async collect() {
      const outbox = await gauges.outbox().catch(() => undefined);
      if (outbox) this.set(outbox.oldestSeconds);
      else this.reset();
    },
  });
  new Gauge({
    name: 'points_parked_keys',
    help: 'Keys whose events wait among the dead letters for an operator',
    registers,
    async collect() {
      const keys = await gauges.parkedKeys().catch(() => undefined);
      if (keys === undefined) this.reset();
      else this.set(keys);
    },
  });
  return {
    relayed: new Counter({ name: 'points_events_relayed_total', help: 'Events sent to Kafka', labelNames: ['topic'], registers }),
    consumed: new Counter({
      name: 'points_events_consumed_total',
      help: 'Events whose effect is committed',
      labelNames: ['type'],
      registers,
    }),
    duplicates: new Counter({ name: 'points_events_duplicate_total', help: 'Events delivered again and dropped', registers }),
    ignored: new Counter({
      name: 'points_events_ignored_total',
      help: 'Events not meant for this service',
      labelNames: ['reason'],
      registers,
    }),
    parked: new Counter({ name: 'points_events_parked_total', help: 'Events parked as dead letters', labelNames: ['reason'], registers }),
    replayed: new Counter({ name: 'points_events_replayed_total', help: 'Dead letters replayed with success', registers }),
    handlerSeconds: new Histogram({
      name: 'points_event_handler_seconds',
      help: 'Time of one handler call for one batch',
      labelNames: ['type'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    lag: new Gauge({
      name: 'points_consumer_lag',
      help: 'Messages of a partition not yet read, at the last batch',
      labelNames: ['topic', 'partition'],
      registers,
    }),
  };
}
