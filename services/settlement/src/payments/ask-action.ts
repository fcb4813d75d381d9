import type { Tx } from '@points/database';
import { keyReused, problem } from '@points/http';
import { points, sumPoints, type Points, type Result } from '@points/kernel';
import { publish } from '@points/messaging';
import { actionsMax } from '../rules/limits.js';
import { decideCancellation, decideCapture, decideRefund, type ActionRefusal } from '../rules/payment.js';
import { referenceText } from '../rules/references.js';
import { insertMovements, requestsOf, type NewMovement } from './movements.js';
import {
  findActionByKey,
  findByKeys,
  lockPayment,
  movementsOf,
  type ActionKind,
  type StoredAction,
  type StoredMovement,
  type StoredPayment,
} from './stored-payment.js';
import type { PaymentKey } from './take-payment.js';

export type Asked =
  | { readonly kind: 'capture'; readonly amount?: Points; readonly final?: boolean }
  | { readonly kind: 'refund'; readonly amount: Points }
  | { readonly kind: 'cancellation' }
  | { readonly kind: 'lapse' };

export interface ActionAsked {
  readonly programme: string;
  readonly payment: string;
  readonly key: PaymentKey;
  readonly fingerprint: string;
  readonly asked: Asked;
  /** Id of the action, if it is new: the caller already waits for it. */
  readonly id: string;
}

export type ActionTaken = { readonly isNew: true } | { readonly isNew: false; readonly known: StoredAction };

/** Claim the key, lock the payment, decide, write and ask the ledger. @throws Problem */
export async function askAction(tx: Tx, wanted: ActionAsked, now: Date): Promise<ActionTaken> {
  const { key, asked } = wanted;
  const payment = await lockPayment(tx, key.tenant, wanted.payment);
  const known = await findActionByKey(tx, key);
  if (known) {
    if (known.fingerprint !== wanted.fingerprint) throw keyReused();
    return { isNew: false, known };
  }
  if ((await findByKeys(tx, [key])).length) throw keyReused();
  if (!payment || payment.programme !== wanted.programme) throw problem(404, 'unknown-payment', 'this programme has no such payment');

  const movements = await movementsOf(tx, key.tenant, payment.id);
  if (asked.kind !== 'cancellation' && new Set(movements.map((one) => one.action)).size >= actionsMax)
    throw problem(422, 'too-many-actions', `at most ${actionsMax} things can be asked of one payment; it can still be cancelled`);
  const decided = decide(payment, movements, asked);
  if (!decided.ok)
    throw problem(decided.refusal.code === 'payment-busy' ? 409 : 422, decided.refusal.code, decided.refusal.detail, decided.refusal.facts);
  await write(tx, wanted, payment, movements, decided.value, now);
  return { isNew: true };
}

interface Decision {
  /** What the payment is from now on, until the ledger has answered. */
  readonly isCancelling: boolean;
  readonly movements: readonly NewMovement[];
}

function decide(payment: StoredPayment, movements: readonly StoredMovement[], asked: Asked): Result<Decision, ActionRefusal> {
  const openingReference = referenceText({ kind: 'opening', payment: payment.id });
  switch (asked.kind) {
    case 'capture':
      return map(decideCapture(payment, movements, asked), (capture) => ({
        isCancelling: false,
        movements: [{ kind: 'capture', ...capture }],
      }));
    case 'refund':
      return map(decideRefund(payment, movements, { amount: asked.amount, openingReference }), (parts) => ({
        isCancelling: false,
        movements: parts.map((part) => ({ kind: 'refund', ...part })),
      }));
    case 'cancellation':
      return map(decideCancellation(payment, movements, openingReference), (cancellation) => ({
        isCancelling: true,
        movements:
          cancellation.when === 'answered'
            ? []
            : [
                ...(cancellation.release ? [{ kind: 'release' } as const] : []),
                ...cancellation.refunds.map((part) => ({ kind: 'refund', ...part }) as const),
              ],
      }));
    case 'lapse':
      return map(decideCancellation(payment, movements, openingReference), () => ({
        isCancelling: true,
        movements: [{ kind: 'release' }],
      }));
  }
}

function map<A, B, R extends ActionRefusal>(result: Result<A, R>, change: (value: A) => B): Result<B, R> {
  return result.ok ? { ok: true, value: change(result.value) } : result;
}

async function write(
  tx: Tx,
  wanted: ActionAsked,
  payment: StoredPayment,
  before: readonly StoredMovement[],
  decision: Decision,
  now: Date,
): Promise<void> {
  const { key, asked, id } = wanted;
  const claimed = await tx.write(
    {
      name: 'insert_action',
      text: `insert into payment_action (tenant, id, payment, kind, amount, state, client, key, fingerprint, created_at)
             values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9) on conflict on constraint payment_action_key_unique do nothing`,
    },
    [key.tenant, id, payment.id, asked.kind satisfies ActionKind, amountOf(decision), key.client, key.key, wanted.fingerprint, now],
  );
  // Only a request about another payment can have come first: this payment is locked.
  if (!claimed) throw keyReused();
  if (decision.isCancelling)
    await tx.write(`update payment set state = 'cancelling' where tenant = $1 and id = $2`, [key.tenant, payment.id]);
  if (decision.movements.length === 0) return;
  const made = await insertMovements(tx, payment, id, decision.movements, before);
  await publish(tx, requestsOf(payment, made, key.client));
}

/** What is asked for; a release's amount is known when the ledger has answered. */
function amountOf(decision: Decision): Points {
  return sumPoints(decision.movements.map((one) => (one.kind === 'release' ? points(0) : one.amount)));
}
