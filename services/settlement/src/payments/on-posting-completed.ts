import { Controller, Inject, type OnApplicationShutdown } from '@nestjs/common';
import { postingCompletedV1, type PostingCompleted } from '@points/contracts';
import { Database, tenants } from '@points/database';
import { OnEvent, type Received } from '@points/messaging';
import type { Pool } from 'pg';
import { paymentOfReference } from '../rules/references.js';
import { applyAnswers, type AnsweredMovement } from './apply-answers.js';
import { applyOpenings, type AnsweredOpening } from './apply-openings.js';
import { WaitingCalls } from './waiting-calls.js';

/** The consumer works off one batch at a time. */
const poolMax = 1;

/**
 * Own transactions and no inbox: a first instruction is answered where the payment is pending, a movement where the movement is, so
 * an event that comes twice changes nothing the second time. That saves a row and three index entries per payment.
 */
@Controller()
export class OnPostingCompleted implements OnApplicationShutdown {
  private readonly pool: Pool;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(WaitingCalls) private readonly calls: WaitingCalls,
  ) {
    this.pool = database.pipelined(poolMax);
  }

  @OnEvent(postingCompletedV1, { requester: 'settlement', transaction: 'own' })
  async onCompleted(events: Received<PostingCompleted>[]): Promise<void> {
    const [openings, others] = sortOut(events.map((one) => one.data));
    if (openings.length) {
      const decided = await applyOpenings(this.pool, openings, (id) => this.calls.isWaiting(id));
      for (const [id, outcome] of decided) this.calls.wakePayment(id, outcome);
      for (const one of openings) if (!decided.has(one.payment)) others.push({ ...one, isOpening: true });
    }
    if (others.length) {
      const { payments, actions } = await this.database.transaction(tenants(...others.map((one) => one.answer.municipality)), (tx) =>
        applyAnswers(tx, others, new Date()),
      );
      for (const payment of payments) this.calls.wakePayment(payment.id, payment);
      for (const action of actions) this.calls.wakeAction(action);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}

/** The first answer of each payment, and the rest in their order. */
function sortOut(answers: readonly PostingCompleted[]): [AnsweredOpening[], AnsweredMovement[]] {
  const [openings, others] = [new Map<string, AnsweredOpening>(), [] as AnsweredMovement[]];
  for (const answer of answers) {
    const found = paymentOfReference(answer.reference);
    if (!found) throw new Error('an answer of the ledger names settlement as its requester and no payment as its reference');
    const { payment, isOpening } = found;
    if (isOpening && !openings.has(payment)) openings.set(payment, { payment, answer });
    else others.push({ payment, answer, isOpening });
  }
  return [[...openings.values()], others];
}
