import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, tenants } from '@points/database';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { Counter, Gauge } from 'prom-client';
import { ExchangeConfig } from '../exchange.config.js';
import { senders } from './announce.js';
import { claimDeliveries, recordSent, type Delivery } from './delivery.js';
import { sendWebhook } from './send-webhook.js';

/** Calls of one replica at the same time. Endpoints that fail share a part of their own, so that their timeouts hold up nobody else. */
const callsMax = 64;
const failingCallsMax = 16;
/** Of one endpoint: enough for 80 webhooks a second at 100 ms each, and no storm. One that fails is asked one by one. */
const callsOfEndpointMax = 8;
const callsOfFailingMax = 1;
/** Also how soon a webhook is found whose nudge was lost with a process, or that another replica announced. */
const lookEveryMs = 1_000;

/** Sends webhooks outside of any transaction. Nudged where something is announced; looks by itself too. */
@Injectable()
export class DeliverWebhooks implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly running = new Map<Promise<void>, Delivery>();
  private readonly stop = new AbortController();
  private readonly attempts: Counter;
  private readonly disabled: Counter;
  private readonly nudged = () => this.nudge();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isAskedAgain = false;

  constructor(
    private readonly database: Database,
    private readonly config: ExchangeConfig,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    this.attempts = new Counter({
      name: 'points_exchange_webhook_attempts_total',
      help: 'webhooks sent, by what came of them',
      labelNames: ['outcome'],
      registers: [registry],
    });
    this.disabled = new Counter({
      name: 'points_exchange_webhook_endpoints_disabled_total',
      help: 'endpoints to which nothing is sent any more, by reason',
      labelNames: ['reason'],
      registers: [registry],
    });
    const overdue = new Gauge({
      name: 'points_exchange_webhooks_overdue_seconds',
      help: 'age of the oldest webhook whose attempt is due and not begun; 0 when there is none',
      registers: [registry],
      collect: async () => {
        overdue.set(await this.overdueSeconds());
      },
    });
  }

  onApplicationBootstrap(): void {
    senders.add(this.nudged);
    this.timer = setInterval(() => this.nudge(), lookEveryMs);
    this.nudge();
  }

  async onModuleDestroy(): Promise<void> {
    senders.delete(this.nudged);
    clearInterval(this.timer);
    this.timer = undefined;
    this.stop.abort();
    await this.looking;
    await Promise.all(this.running.keys());
  }

  /** Something is due, or a call has ended and makes room. */
  nudge(): void {
    if (!this.timer) return;
    if (this.looking) {
      this.isAskedAgain = true;
      return;
    }
    this.looking = this.look().finally(() => {
      this.looking = undefined;
      if (!this.isAskedAgain) return;
      this.isAskedAgain = false;
      this.nudge();
    });
  }

  private async look(): Promise<void> {
    try {
      for (const failing of [false, true]) {
        const inRoom = [...this.running.values()].filter((one) => one.isEndpointFailing === failing).length;
        const calls = (failing ? failingCallsMax : callsMax - failingCallsMax) - inRoom;
        if (calls <= 0) continue;
        const room = { calls, perEndpoint: failing ? callsOfFailingMax : callsOfEndpointMax, busy: this.busy(), failing };
        const deliveries = await this.database.transaction(everyTenant, (tx) => claimDeliveries(tx, room));
        for (const delivery of deliveries) this.begin(delivery);
      }
    } catch (error) {
      this.log.warn({ err: error }, 'could not look for webhooks to send; looks again');
    }
  }

  private busy(): ReadonlyMap<string, number> {
    const busy = new Map<string, number>();
    for (const { endpointId } of this.running.values()) busy.set(endpointId, (busy.get(endpointId) ?? 0) + 1);
    return busy;
  }

  private begin(delivery: Delivery): void {
    const call = this.attempt(delivery)
      // Nothing is lost: when the lease is over it is sent again.
      .catch((error: unknown) => this.log.warn({ err: error, event: delivery.eventId }, 'what came of a webhook could not be written down'))
      .finally(() => {
        this.running.delete(call);
        this.nudge();
      });
    this.running.set(call, delivery);
  }

  private async attempt(delivery: Delivery): Promise<void> {
    const started = performance.now();
    const sent = await sendWebhook(delivery.request, {
      allowPrivate: this.config.WEBHOOK_ALLOW_PRIVATE === 'true',
      stop: this.stop.signal,
    });
    const durationMs = performance.now() - started;
    const { outcome, disabled } = await this.database.transaction(tenants(delivery.municipality), (tx) =>
      recordSent(tx, delivery, sent, { durationMs, random: Math.random() }),
    );
    this.attempts.inc({ outcome });
    const fields = { event: delivery.eventId, type: delivery.type, attempt: delivery.attempt, outcome, status: sent.status };
    if (outcome === 'delivered') this.log.info({ ...fields, ms: Math.round(durationMs) }, 'webhook delivered');
    else this.log.warn({ ...fields, reason: sent.problem, ms: Math.round(durationMs) }, 'webhook not delivered');
    if (!disabled) return;
    this.disabled.inc({ reason: disabled.reason });
    this.log.error({ ...disabled, municipality: delivery.municipality }, 'webhook endpoint disabled: the partner must set it active again');
  }

  private async overdueSeconds(): Promise<number> {
    const [row] = await this.database.transaction(everyTenant, (tx) =>
      tx.query<{ seconds: number }>(
        `select coalesce(extract(epoch from now() - min(d.next_attempt_at)), 0)::float8 as seconds
         from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint_id
         where d.next_attempt_at < now() and (e.state = 'active' or d.is_ping)`,
      ),
    );
    return row?.seconds ?? 0;
  }
}
