import type { PostingCompleted } from '@points/contracts';
import { tenants, type Statement } from '@points/database';
import { points } from '@points/kernel';
import type { Pool } from 'pg';
import { noticeChannel, noticeTexts, notifyAll } from '../notices/notices.js';
import { opening } from '../rules/payment.js';
import { pipelinedTransaction } from './pipelined-transaction.js';
import type { PaymentOutcome, StoredRefusal } from './stored-payment.js';

export interface AnsweredOpening {
  readonly payment: string;
  readonly answer: PostingCompleted;
}

/**
 * The hot path of the ledger's answers: first instructions of payments that nobody has touched since. One statement for all, in one
 * round trip. Answers the payments it decided, by id; the others are for `applyAnswers`, under their locks.
 */
export async function applyOpenings(
  pool: Pool,
  openings: readonly AnsweredOpening[],
  isWaitedFor: (payment: string) => boolean,
): Promise<Map<string, PaymentOutcome>> {
  const outcomes = openings.map((one) => ({ ...one, outcome: outcomeOf(one.answer) }));
  // Payments that no call in this process waits for may have one in another.
  const elsewhere = openings.map((one) => one.payment).filter((id) => !isWaitedFor(id));
  const [updated] = await pipelinedTransaction(pool, tenants(...openings.map((one) => one.answer.municipality)), [
    {
      ...updatePayments,
      values: [
        outcomes.map((one) => one.answer.municipality),
        outcomes.map((one) => one.payment),
        outcomes.map((one) => one.outcome.state),
        outcomes.map((one) => one.outcome.captured),
        outcomes.map((one) => one.outcome.balance ?? null),
        outcomes.map((one) => (one.outcome.refusal ? JSON.stringify(one.outcome.refusal) : null)),
        new Date(),
      ],
    },
    ...(elsewhere.length ? [{ ...notifyAll, values: [noticeChannel, noticeTexts('payments', elsewhere)] }] : []),
  ]);
  const byId = new Map(outcomes.map((one) => [one.payment, one.outcome]));
  const decided = new Map<string, PaymentOutcome>();
  for (const { id } of (updated?.rows ?? []) as { id: string }[]) {
    const outcome = byId.get(id);
    if (outcome) decided.set(id, outcome);
  }
  return decided;
}

/** What the answer makes of a payment that was pending. */
export function outcomeOf({ kind, outcome }: PostingCompleted): PaymentOutcome {
  const state = opening(kind === 'hold' ? 'later' : 'now', outcome.status === 'posted');
  if (outcome.status === 'refused') return { state, captured: points(0), refunded: points(0), refusal: refusalOf(outcome) };
  return { state, captured: points(state === 'captured' ? outcome.amount : 0), refunded: points(0), balance: points(outcome.available) };
}

export function refusalOf({ code, detail, facts }: Extract<PostingCompleted['outcome'], { status: 'refused' }>): StoredRefusal {
  return { code, detail, ...(facts && { facts }) };
}

const updatePayments: Statement = {
  name: 'update_opened_payments',
  text: `
    update payment p
    set state = a.state, captured = a.captured, available = a.available, refusal = a.refusal, decided_at = $7,
        hold_until = case when a.state = 'refused' then null else p.hold_until end
    from unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::jsonb[]) as a (tenant, id, state, captured, available, refusal)
    where p.tenant = a.tenant and p.id = a.id and p.state = 'pending'
    returning p.id`,
};
