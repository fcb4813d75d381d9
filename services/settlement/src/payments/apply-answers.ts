import type { PostingCompleted } from '@points/contracts';
import type { Tx } from '@points/database';
import { assert, points, sumPoints } from '@points/kernel';
import { publish } from '@points/messaging';
import { notify } from '../notices/notices.js';
import { afterMovement, nextStates, restingState, undoing, type PaymentState } from '../rules/payment.js';
import { referenceText } from '../rules/references.js';
import { outcomeOf, refusalOf } from './apply-openings.js';
import { insertMovements, requestsOf, type NewMovement } from './movements.js';
import { actionsOf, lockPayment, movementsOf, type StoredAction, type StoredMovement, type StoredPayment } from './stored-payment.js';

export interface AnsweredMovement {
  readonly payment: string;
  readonly answer: PostingCompleted;
  readonly isOpening: boolean;
}

/** Whom to wake once the transaction has committed. */
export interface Applied {
  readonly payments: StoredPayment[];
  readonly actions: string[];
}

/** Answers of the ledger to captures, refunds and releases, and to first instructions whose cancellation was asked for meanwhile. */
export async function applyAnswers(tx: Tx, answers: readonly AnsweredMovement[], now: Date): Promise<Applied> {
  const applied: Applied = { payments: [], actions: [] };
  const byPayment = Map.groupBy(answers, (one) => `${one.answer.municipality} ${one.payment}`);
  // In order, so that two batches over the same payments queue up instead of deadlocking.
  for (const [, mine] of [...byPayment].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = mine;
    if (first) await applyToPayment(tx, first.answer.municipality, mine, now, applied);
  }
  await notify(
    tx,
    'payments',
    applied.payments.map((one) => one.id),
  );
  await notify(tx, 'actions', applied.actions);
  return applied;
}

async function applyToPayment(tx: Tx, tenant: string, answers: readonly AnsweredMovement[], now: Date, applied: Applied): Promise<void> {
  const stored = await lockPayment(tx, tenant, answers[0]?.payment ?? '');
  if (!stored) throw new Error('an answer of the ledger is about a payment that is not known');
  let payment = stored;
  let movements = await movementsOf(tx, tenant, payment.id);
  const actions = (await actionsOf(tx, tenant, payment.id)).filter((one) => one.state === 'pending');

  for (const { answer, isOpening } of answers) {
    if (isOpening) {
      if (payment.isAnswered) continue; // Told twice.
      payment = openedWhileCancelling(payment, answer);
      const cancellation = actions.find((one) => one.kind === 'cancellation');
      if (payment.state !== 'cancelling') {
        if (cancellation) await endAction(tx, tenant, cancellation, movements, payment, now, applied);
        continue;
      }
      assert(cancellation !== undefined, 'a payment is being cancelled by nothing');
      movements = [...movements, ...(await undo(tx, payment, movements, cancellation))];
      continue;
    }
    const movement = movements.find((one) => one.reference === answer.reference);
    if (!movement) throw new Error('an answer of the ledger is about a movement that is not known');
    if (movement.state !== 'pending') continue; // Told twice.
    const { outcome } = answer;
    payment = {
      ...afterMovement(payment, movement, outcome.status === 'posted' ? { posted: true } : { posted: false, code: outcome.code }),
      ...(outcome.status === 'posted' && { balance: points(outcome.available) }),
    };
    const answered: StoredMovement = {
      ...movement,
      state: outcome.status,
      ...(movement.kind === 'release' && outcome.status === 'posted' && { amount: points(outcome.amount) }),
    };
    movements = movements.map((one) => (one === movement ? answered : one));
    await tx.write(`update payment_movement set state = $3, code = $4 where tenant = $1 and id = $2`, [
      tenant,
      movement.id,
      outcome.status,
      outcome.status === 'refused' ? outcome.code : null,
    ]);
    const action = actions.find((one) => one.id === movement.action);
    if (!action) continue;
    if (movements.some((one) => one.action === action.id && one.state === 'pending')) continue;
    payment = { ...payment, state: restingState(payment, action.kind) };
    const refusal = outcome.status === 'refused' ? refusalOf(outcome) : undefined;
    await endAction(tx, tenant, action, movements, payment, now, applied, refusal);
  }
  await save(tx, stored, payment, now);
  if (payment.state !== stored.state && payment.state !== 'cancelling') applied.payments.push(payment);
}

/** The first instruction's answer, for a payment that is pending or being cancelled. */
function openedWhileCancelling(payment: StoredPayment, answer: PostingCompleted): StoredPayment {
  const opened = outcomeOf(answer);
  return {
    ...payment,
    ...opened,
    state: opened.state !== 'refused' && payment.state === 'cancelling' ? 'cancelling' : opened.state,
    isAnswered: true,
    isHoldOpen: opened.state === 'authorised',
  };
}

/** The points arrived although the till had given up: they go back. */
async function undo(
  tx: Tx,
  payment: StoredPayment,
  movements: readonly StoredMovement[],
  cancellation: StoredAction,
): Promise<StoredMovement[]> {
  const { release, refunds } = undoing(payment, movements, referenceText({ kind: 'opening', payment: payment.id }));
  const made = await insertMovements(
    tx,
    payment,
    cancellation.id,
    [
      ...(release ? [{ kind: 'release' } satisfies NewMovement] : []),
      ...refunds.map((one) => ({ kind: 'refund', ...one }) satisfies NewMovement),
    ],
    movements,
  );
  await publish(tx, requestsOf(payment, made, 'settlement'));
  return made;
}

async function endAction(
  tx: Tx,
  tenant: string,
  action: StoredAction,
  movements: readonly StoredMovement[],
  payment: StoredPayment,
  now: Date,
  applied: Applied,
  refusal?: ReturnType<typeof refusalOf>,
): Promise<void> {
  const mine = movements.filter((one) => one.action === action.id);
  // A release that is refused because the hold is over has nothing more to release: the cancellation is done.
  const isRefused = mine.some((one) => one.state === 'refused' && !(one.kind === 'release' && !payment.isHoldOpen));
  const amount =
    action.kind === 'capture' || action.kind === 'refund'
      ? action.amount
      : sumPoints(mine.filter((one) => one.state === 'posted').map((one) => one.amount));
  await tx.write(
    `update payment_action set state = $3, amount = $4, available = $5, refusal = $6, decided_at = $7 where tenant = $1 and id = $2 and state = 'pending'`,
    [
      tenant,
      action.id,
      isRefused ? 'refused' : 'done',
      amount,
      payment.balance ?? null,
      isRefused && refusal ? JSON.stringify(refusal) : null,
      now,
    ],
  );
  applied.actions.push(action.id);
}

async function save(tx: Tx, before: StoredPayment, after: StoredPayment, now: Date): Promise<void> {
  if (after === before) return;
  assertStep(before.state, after.state);
  await tx.write(
    {
      name: 'save_payment',
      text: `update payment set state = $3, captured = $4, refunded = $5, hold_until = case when $6 then hold_until end, available = $7, refusal = $8,
               decided_at = coalesce(decided_at, $9)
             where tenant = $1 and id = $2`,
    },
    [
      after.tenant,
      after.id,
      after.state,
      after.captured,
      after.refunded,
      after.isHoldOpen,
      after.balance ?? null,
      after.refusal ? JSON.stringify(after.refusal) : null,
      now,
    ],
  );
}

function assertStep(from: PaymentState, to: PaymentState): void {
  // One batch may carry several answers, so a step over one state in between is seen too.
  const reachable = new Set([from, ...nextStates[from], ...nextStates[from].flatMap((one) => nextStates[one])]);
  assert(reachable.has(to), `a payment cannot go from ${from} to ${to}`);
}
