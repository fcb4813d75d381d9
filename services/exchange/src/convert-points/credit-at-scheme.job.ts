import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, tenants } from '@points/database';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { Counter, Gauge } from 'prom-client';
import { DueWork } from '../due-work.js';
import { ExchangeConfig } from '../exchange.config.js';
import { reachOf } from '../reach-outside/request-outside.js';
import { callScheme } from './call-scheme.js';
import { claimCredits, recordAnswer, type Credit } from './credit.js';

/** Calls of one replica at the same time: slow schemes are other people's machines. */
const callsMax = 16;
const lookEveryMs = 1_000;

/** Has held points credited by their card scheme, outside of any transaction. Nudged by the fact of the hold; looks by itself too. */
@Injectable()
export class CreditAtScheme implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly attempts: Counter;
  private readonly due: DueWork<Credit>;

  constructor(
    private readonly database: Database,
    @Inject(ExchangeConfig) private readonly config: ExchangeConfig,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    this.attempts = new Counter({
      name: 'points_exchange_scheme_attempts_total',
      help: 'calls of card schemes by what came of them',
      labelNames: ['outcome'],
      registers: [registry],
    });
    const open = new Gauge({
      name: 'points_exchange_conversions_open',
      help: 'conversions that are not over, by state; waits-for-operator: attempts at the scheme used up',
      labelNames: ['state'],
      registers: [registry],
      collect: async () => {
        open.reset();
        for (const { state, count } of await this.countOpen()) open.set({ state }, count);
      },
    });
    this.due = new DueWork({
      atOnceMax: callsMax,
      lookEveryMs,
      claim: (limit) => this.database.transaction(everyTenant, (tx) => claimCredits(tx, limit)),
      attempt: (credit, stop) => this.attempt(credit, stop),
      told: (during) =>
        during === 'claim'
          ? 'could not look for conversions to credit; looks again'
          : 'what the card scheme said could not be written down',
      log,
    });
  }

  onApplicationBootstrap(): void {
    this.due.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.due.stop();
  }

  nudge(): void {
    this.due.nudge();
  }

  private async attempt(credit: Credit, stop: AbortSignal): Promise<void> {
    const started = performance.now();
    const said = await callScheme(credit, reachOf(this.config), stop);
    const record = await this.database.transaction(tenants(credit.cause.municipality), (tx) =>
      recordAnswer(tx, credit, said, Math.random()),
    );
    this.attempts.inc({ outcome: record });
    const fields = { conversion: credit.id, attempt: credit.attempt, record, ms: Math.round(performance.now() - started) };
    if (record === 'credited-late')
      this.log.error(fields, 'card scheme credited after the points were given back: a person settles it with the scheme');
    else if (said.kind !== 'failed') this.log.info(fields, 'card scheme answered');
    else if (record === 'attempts-used-up')
      this.log.error({ ...fields, reason: said.reason }, 'conversion waits for an operator: its points stay held until it is tried again');
    else if (record === 'given-back')
      this.log.error({ ...fields, reason: said.reason }, 'card scheme did not answer within its days: the points go back');
    else this.log.warn({ ...fields, reason: said.reason }, 'card scheme did not answer');
  }

  private countOpen(): Promise<{ state: string; count: number }[]> {
    return this.database.transaction(everyTenant, (tx) =>
      tx.query<{ state: string; count: number }>(
        `select case when state = 'at-scheme' and delivery = 'api' and next_attempt_at is null then 'waits-for-operator' else state end as state, count(*)::int as count
         from conversion where state not in ('completed', 'refused') group by 1`,
      ),
    );
  }
}
