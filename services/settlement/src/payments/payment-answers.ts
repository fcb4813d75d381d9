import { answer, refusal, type Answer } from '@points/http';
import type { PaymentActionView, PaymentView } from './payment-shapes.js';
import type { PaymentFacts, PaymentOutcome, StoredAction } from './stored-payment.js';

export type ShownPayment = PaymentFacts & PaymentOutcome & { readonly holdUntil?: Date | undefined };

/** 201 only when the shop has the points or a hold on them: a till that looks at nothing but the status is right. */
export function answerPayment(payment: ShownPayment, headers?: Readonly<Record<string, string>>): Answer<PaymentView> {
  switch (payment.state) {
    case 'authorised':
    case 'captured':
    case 'refunded':
      return answer(201, viewOf(payment), headers);
    case 'pending':
    case 'cancelling':
      return answer(202, viewOf(payment), { ...headers, location: addressOf(payment) });
    case 'refused':
      return withHeaders(
        refusal(
          422,
          payment.refusal?.code ?? 'refused',
          payment.refusal?.detail ?? 'the ledger refused the payment',
          factsOf(payment, payment.refusal?.facts),
        ),
        headers,
      );
    case 'cancelled':
      return withHeaders(refusal(422, 'payment-cancelled', 'the payment was made and cancelled', factsOf(payment)), headers);
    case 'lapsed':
      return withHeaders(refusal(422, 'payment-lapsed', 'the hold was not captured in its time', factsOf(payment)), headers);
  }
}

export function answerAction<V extends PaymentView & { asked: PaymentActionView }>(
  payment: ShownPayment,
  action: StoredAction,
  headers?: Readonly<Record<string, string>>,
): Answer<V> {
  // The class is documentation; this is its shape.
  const view = { ...viewOf(payment), ...(action.balance !== undefined && { balance: action.balance }), asked: actionView(action) } as V;
  switch (action.state) {
    case 'done':
      return answer(201, view, headers);
    case 'pending':
      return answer(202, view, { ...headers, location: addressOf(payment) });
    case 'refused':
      return withHeaders(
        refusal(422, action.refusal?.code ?? 'refused', action.refusal?.detail ?? 'the ledger refused', {
          ...factsOf(payment, action.refusal?.facts),
          action: action.id,
        }),
        headers,
      );
  }
}

export function viewOf(payment: ShownPayment): PaymentView {
  const {
    id,
    state,
    amount,
    captured,
    refunded,
    shop,
    capture,
    balance,
    refusal: refused,
    holdUntil,
    terminal,
    receipt,
    createdAt,
  } = payment;
  return {
    payment: id,
    state,
    amount,
    captured,
    refunded,
    shop,
    capture,
    ...(balance !== undefined && { balance }),
    ...(refused && { code: refused.code, detail: refused.detail }),
    ...(holdUntil && { holdUntil: holdUntil.toISOString() }),
    ...(terminal !== undefined && { terminal }),
    ...(receipt !== undefined && { receipt }),
    createdAt: createdAt.toISOString(),
  };
}

export function actionView({ id, kind, amount, state, refusal: refused, createdAt }: StoredAction): PaymentActionView {
  return { action: id, kind, amount, state, ...(refused && { code: refused.code }), createdAt: createdAt.toISOString() };
}

function factsOf(payment: ShownPayment, facts: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { id, state, captured, refunded, balance } = payment;
  return { ...facts, payment: id, state, captured, refunded, ...(balance !== undefined && { balance }) };
}

function addressOf({ tenant, programme, id }: ShownPayment): string {
  return `/v1/municipalities/${tenant}/programmes/${programme}/payments/${id}`;
}

function withHeaders(refused: Answer<never>, headers: Readonly<Record<string, string>> = {}): Answer<never> {
  return answer(refused.status, refused.body, { ...refused.headers, ...headers });
}
