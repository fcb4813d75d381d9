import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, tenants } from '@points/database';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { Counter, Gauge } from 'prom-client';
import { now } from '../clock.js';
import { DueWork } from '../due-work.js';
import { ExchangeConfig } from '../exchange.config.js';
import { connectionOf, type Connection } from '../link-accounts/connection.js';
import { LinkTokens, type AccountToken } from '../link-accounts/link-tokens.js';
import { SealKeeper } from '../link-accounts/seal-keeper.js';
import { SignInAtPartner } from '../link-accounts/sign-in-at-partner.js';
import { askOutside } from '../reach-outside/ask-outside.js';
import { reachOf } from '../reach-outside/request-outside.js';
import { isSettled, orderStates } from '../rules/order-state.js';
import { readPartnerAnswer, type PartnerAnswer } from '../rules/partner-answer.js';
import { Waiting } from '../waiting.js';
import { claimPartnerWork, recordPartnerSaid, type PartnerRecord, type PartnerSaid, type PartnerWork } from './partner-work.js';

/** Calls of one replica at the same time. */
const callsMax = 32;
const lookEveryMs = 1_000;

/** Has linked partners reserve, commit and cancel, outside of any transaction. Nudged by orders and facts; looks by itself too. */
@Injectable()
export class AskPartners implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly attempts: Counter;
  private readonly due: DueWork<PartnerWork>;

  constructor(
    private readonly database: Database,
    private readonly tokens: LinkTokens,
    private readonly signIn: SignInAtPartner,
    private readonly seals: SealKeeper,
    private readonly waiting: Waiting,
    @Inject(ExchangeConfig) private readonly config: ExchangeConfig,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    this.attempts = new Counter({
      name: 'points_exchange_partner_attempts_total',
      help: 'calls of linked partners by step and by what came of them',
      labelNames: ['step', 'outcome'],
      registers: [registry],
    });
    const open = new Gauge({
      name: 'points_exchange_link_orders_open',
      help: 'orders of linked accounts that are not over, by state; waits-for-operator: attempts at the partner used up',
      labelNames: ['state'],
      registers: [registry],
      collect: async () => {
        open.reset();
        for (const { state, count } of await this.countOpen()) open.set({ state }, count);
      },
    });
    // A refresh of the token, or a new client's token, may come before a call, and a second call after it.
    const leaseSeconds = (config.PARTNER_ANSWER_MS * 4) / 1_000 + leaseMarginSeconds;
    this.due = new DueWork({
      atOnceMax: callsMax,
      lookEveryMs,
      claim: (limit) => this.database.transaction(everyTenant, (tx) => claimPartnerWork(tx, limit, leaseSeconds)),
      attempt: (work, stop) => this.attempt(work, stop),
      told: (during) =>
        during === 'claim'
          ? 'could not look for orders to ask partners about; looks again'
          : 'what the partner said could not be written down',
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

  private async attempt(work: PartnerWork, stop: AbortSignal): Promise<void> {
    const started = performance.now();
    const said = await this.ask(work, connectionOf(work.connection, this.seals.seal), stop);
    const record = await this.database.transaction(tenants(work.municipality), (tx) =>
      recordPartnerSaid(tx, work, said, { now: now(), random: Math.random() }),
    );
    this.attempts.inc({ step: work.step, outcome: record });
    if (isOrderState(record)) {
      if (isSettled(record)) this.waiting.wake([work.id]);
      this.due.nudge();
    }
    this.tell(work, said, record, Math.round(performance.now() - started));
  }

  private tell({ id: order, step, attempt }: PartnerWork, said: PartnerSaid, record: PartnerRecord, ms: number): void {
    const fields = { order, step, attempt, record, ms, ...('reason' in said && { reason: said.reason }) };
    if (record === 'reversing') this.log.error(fields, 'the partner refused to take points that are issued: they are taken back');
    else if (record === 'in-dispute') this.log.error(fields, 'order in dispute: the partner refused what has to be');
    else if (record === 'attempts-used-up')
      this.log.error(fields, 'order waits for an operator: its partner has not answered for a day; it is open until it is tried again');
    else if (said.kind === 'failed') this.log.warn(fields, 'partner did not answer');
    else this.log.info(fields, 'partner answered');
  }

  /** A refused token is replaced once: it may have ended on its way. */
  private async ask(work: PartnerWork, connection: Connection, stop: AbortSignal): Promise<PartnerSaid> {
    let refused: string | undefined;
    for (let tries = 0; tries < 2; tries++) {
      const token = await this.tokenFor(work, connection, refused);
      if (token.kind === 'ended') return { kind: 'link-ended' };
      if (token.kind === 'failed') return token;
      const said = await this.call(work, connection, token.token, stop);
      if (said.kind !== 'token-refused') return said;
      refused = token.token;
    }
    return { kind: 'failed', reason: 'the partner refuses a token that it has just given' };
  }

  /** An account's token to reserve; the service's own to end what is reserved, because that must be possible without the account too. */
  private async tokenFor(
    { step, municipality, link }: PartnerWork,
    connection: Connection,
    not: string | undefined,
  ): Promise<AccountToken> {
    if (step === 'reserve') return this.tokens.accountToken(municipality, link, connection, not);
    const answer = await this.signIn.clientToken(connection, not);
    return answer.kind === 'given' ? { kind: 'token', token: answer.tokens.accessToken } : { kind: 'failed', reason: answer.reason };
  }

  private async call(
    { id, step, partnerPoints }: PartnerWork,
    connection: Connection,
    token: string,
    stop: AbortSignal,
  ): Promise<PartnerAnswer> {
    const address = `${connection.endpoint.replace(/\/$/, '')}/reservations/${id}`;
    const withinMs = this.config.PARTNER_ANSWER_MS;
    const reach = reachOf(this.config);
    const said =
      step === 'reserve'
        ? await askOutside(address, { method: 'PUT', body: { points: partnerPoints }, token, withinMs }, reach, stop)
        : await askOutside(`${address}/${step}`, { method: 'POST', token, withinMs }, reach, stop);
    return 'failed' in said ? { kind: 'failed', reason: said.failed } : readPartnerAnswer(step, said.status, said.body);
  }

  private countOpen(): Promise<{ state: string; count: number }[]> {
    return this.database.transaction(everyTenant, (tx) =>
      tx.query<{ state: string; count: number }>(
        `select case when l.next_attempt_at is null and o.state in ('reserving', 'committing', 'cancelling') then 'waits-for-operator' else o.state end as state,
                count(*)::int as count
         from exchange_order o join link_order l on l.id = o.id
         where not l.is_over group by 1`,
      ),
    );
  }
}

const leaseMarginSeconds = 2;

function isOrderState(record: PartnerRecord): record is Exclude<PartnerRecord, 'tried-again' | 'attempts-used-up' | 'stale'> {
  return orderStates.some((state) => state === record);
}
