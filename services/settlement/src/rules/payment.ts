import { assert, done, points, refuse, sumPoints, type Points, type Refusal, type Result } from '@points/kernel';
import { capturesMax } from './limits.js';

/**
 * pending: the ledger was asked to spend or hold and has not answered. cancelling: a cancellation is under way.
 * authorised: points are held. captured: points are the shop's. refunded, cancelled, lapsed, refused: the end.
 */
export const paymentStates = ['pending', 'cancelling', 'authorised', 'captured', 'refunded', 'cancelled', 'lapsed', 'refused'] as const;
export type PaymentState = (typeof paymentStates)[number];

/** Everything else is a bug. A cancellation may leave the payment where it was, when the ledger refuses to give back. */
export const nextStates: Readonly<Record<PaymentState, readonly PaymentState[]>> = {
  pending: ['cancelling', 'authorised', 'captured', 'refused'],
  cancelling: ['authorised', 'captured', 'refunded', 'cancelled', 'lapsed', 'refused'],
  authorised: ['cancelling', 'captured', 'refunded', 'lapsed'],
  captured: ['cancelling', 'refunded'],
  refunded: [],
  cancelled: [],
  lapsed: [],
  refused: [],
};

export interface Payment {
  readonly state: PaymentState;
  readonly capture: 'now' | 'later';
  readonly amount: Points;
  readonly captured: Points;
  readonly refunded: Points;
  /** Points of this payment are held, or are about to be. */
  readonly isHoldOpen: boolean;
}

/** One instruction to the ledger after the first. */
export interface Movement {
  readonly kind: 'capture' | 'refund' | 'release';
  /** 0 for a release: the ledger knows what is left. */
  readonly amount: Points;
  /** A capture that ends the hold. */
  readonly isFinal: boolean;
  /** Of a refund: the reference under which the points were taken. */
  readonly of?: string;
  readonly reference: string;
  readonly state: 'pending' | 'posted' | 'refused';
}

export type ActionRefusal = Refusal<
  | 'payment-not-authorised'
  | 'payment-not-captured'
  | 'payment-being-cancelled'
  | 'payment-busy'
  | 'payment-ended'
  | 'too-many-captures'
  | 'capture-exceeds'
  | 'refund-exceeds'
>;

export interface Part {
  readonly of: string;
  readonly amount: Points;
}

/** The ledger's answer to the first instruction: a spend is captured at once, a hold is authorised. */
export function opening(capture: Payment['capture'], isPosted: boolean): 'captured' | 'authorised' | 'refused' {
  if (!isPosted) return 'refused';
  return capture === 'now' ? 'captured' : 'authorised';
}

/** A capture ends the hold and gives the rest back unless it says `final: false`. */
export function decideCapture(
  payment: Payment,
  movements: readonly Movement[],
  asked: { readonly amount?: Points; readonly final?: boolean },
): Result<{ readonly amount: Points; readonly isFinal: boolean; readonly n: number }, ActionRefusal> {
  if (payment.state === 'cancelling') return refuse(beingCancelled);
  if (payment.state !== 'authorised')
    return refuse({ code: 'payment-not-authorised', detail: `the payment is ${payment.state}; only an authorised one can be captured` });
  const pending = movements.filter((one) => one.state === 'pending' && one.kind !== 'refund');
  if (pending.some((one) => one.kind === 'release' || one.isFinal)) return refuse(busy);
  const captures = movements.filter((one) => one.kind === 'capture').length;
  if (captures >= capturesMax)
    return refuse({
      code: 'too-many-captures',
      detail: `a payment is captured in at most ${capturesMax} parts`,
      facts: { max: capturesMax },
    });
  const left = payment.amount - payment.captured - sumPoints(pending.map((one) => one.amount));
  const amount = asked.amount ?? points(left);
  if (amount > left || amount < 1)
    return refuse({
      code: 'capture-exceeds',
      detail: `${left} points can still be captured, ${amount} were asked for`,
      facts: { asked: amount, left },
    });
  return done({ amount, isFinal: (asked.final ?? true) || amount === left, n: captures + 1 });
}

/** Latest taking first. Refunds that the ledger has not answered yet count as made, so two that race never exceed what was captured. */
export function decideRefund(
  payment: Payment,
  movements: readonly Movement[],
  asked: { readonly amount: Points; readonly openingReference: string },
): Result<readonly Part[], ActionRefusal> {
  switch (payment.state) {
    case 'pending':
      return refuse({ code: 'payment-not-captured', detail: 'nothing is captured yet; cancel the payment instead' });
    case 'cancelling':
      return refuse(beingCancelled);
    case 'cancelled':
    case 'lapsed':
    case 'refused':
      return refuse(ended(payment));
    case 'authorised':
    case 'captured':
    case 'refunded': {
      const parts = partsOf(takingsLeft(payment, movements, asked.openingReference), asked.amount);
      const left = sumPoints(takingsLeft(payment, movements, asked.openingReference).map((one) => one.amount));
      if (!parts)
        return refuse({
          code: 'refund-exceeds',
          detail: `${left} points can still be refunded, ${asked.amount} were asked for`,
          facts: { asked: asked.amount, left },
        });
      return done(parts);
    }
  }
}

export type Cancellation =
  /** The ledger has not answered: what it answers will be undone. */
  { readonly when: 'answered' } | { readonly when: 'now'; readonly release: boolean; readonly refunds: readonly Part[] };

/** Undoes the payment: what is held is released, what was captured and not refunded is refunded. */
export function decideCancellation(
  payment: Payment,
  movements: readonly Movement[],
  openingReference: string,
): Result<Cancellation, ActionRefusal> {
  switch (payment.state) {
    case 'pending':
      return done({ when: 'answered' });
    case 'cancelling':
      return refuse(beingCancelled);
    case 'refunded':
    case 'cancelled':
    case 'lapsed':
    case 'refused':
      return refuse(ended(payment));
    case 'authorised':
    case 'captured':
      if (movements.some((one) => one.state === 'pending')) return refuse(busy);
      return done(undoing(payment, movements, openingReference));
  }
}

/** What gives everything back, of a payment whose instructions are all answered. */
export function undoing(
  payment: Payment,
  movements: readonly Movement[],
  openingReference: string,
): Extract<Cancellation, { when: 'now' }> {
  return { when: 'now', release: payment.isHoldOpen, refunds: takingsLeft(payment, movements, openingReference) };
}

/** Codes by which the ledger says that the hold is over: its points are free again, or were captured before. */
const holdIsOver: ReadonlySet<string> = new Set(['hold-ended', 'unknown-hold']);

/** What a movement's answer changes. */
export function afterMovement<P extends Payment>(
  payment: P,
  movement: Movement,
  answer: { readonly posted: true } | { readonly posted: false; readonly code: string },
): P {
  if (!answer.posted) return holdIsOver.has(answer.code) && movement.kind !== 'refund' ? { ...payment, isHoldOpen: false } : payment;
  switch (movement.kind) {
    case 'capture': {
      const captured = points(payment.captured + movement.amount);
      assert(captured <= payment.amount, 'more captured than was authorised');
      return { ...payment, captured, isHoldOpen: payment.isHoldOpen && !movement.isFinal };
    }
    case 'refund': {
      const refunded = points(payment.refunded + movement.amount);
      assert(refunded <= payment.captured, 'more refunded than was captured');
      return { ...payment, refunded };
    }
    case 'release':
      return { ...payment, isHoldOpen: false };
  }
}

/** Where a payment stands once nothing about its cancellation is open any more. */
export function restingState(payment: Payment, cause: 'capture' | 'refund' | 'cancellation' | 'lapse'): PaymentState {
  if (payment.isHoldOpen) return 'authorised';
  if (payment.captured === 0) return cause === 'cancellation' ? 'cancelled' : 'lapsed';
  if (payment.refunded < payment.captured) return 'captured';
  return cause === 'cancellation' ? 'cancelled' : 'refunded';
}

function takingsLeft(payment: Payment, movements: readonly Movement[], openingReference: string): Part[] {
  const takings =
    payment.capture === 'now'
      ? payment.captured > 0
        ? [{ of: openingReference, amount: payment.captured }]
        : []
      : movements
          .filter((one) => one.kind === 'capture' && one.state === 'posted')
          .map((one) => ({ of: one.reference, amount: one.amount }));
  const refunds = movements.filter((one) => one.kind === 'refund' && one.state !== 'refused');
  return takings
    .map(({ of, amount }) => ({ of, amount: points(amount - sumPoints(refunds.filter((one) => one.of === of).map((one) => one.amount))) }))
    .filter(({ amount }) => amount > 0)
    .reverse();
}

function partsOf(takings: readonly Part[], amount: Points): Part[] | undefined {
  const parts: Part[] = [];
  let left: number = amount;
  for (const taking of takings) {
    if (left === 0) break;
    const part = points(Math.min(left, taking.amount));
    parts.push({ of: taking.of, amount: part });
    left -= part;
  }
  return left === 0 ? parts : undefined;
}

const beingCancelled = { code: 'payment-being-cancelled', detail: 'the payment is being cancelled' } as const;
const busy = { code: 'payment-busy', detail: 'a movement of this payment is not answered yet; ask again shortly' } as const;

function ended(payment: Payment) {
  return {
    code: 'payment-ended',
    detail: `the payment is ${payment.state}: there is nothing left to give back`,
    facts: { state: payment.state },
  } as const;
}
