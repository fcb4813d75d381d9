import type { Tx } from '@points/database';
import { parsePoints, type Points } from '@points/kernel';
import type { Movement, Payment, PaymentState } from '../rules/payment.js';

/** What a caller is told of a refusal: the code is stable. */
export interface StoredRefusal {
  readonly code: string;
  readonly detail: string;
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
}

/** The part of a payment that never changes. */
export interface PaymentFacts {
  readonly id: string;
  readonly tenant: string;
  readonly programme: string;
  readonly shop: string;
  readonly holder: string;
  readonly amount: Points;
  readonly capture: 'now' | 'later';
  readonly terminal?: string;
  readonly receipt?: string;
  readonly createdAt: Date;
}

/** The part that the ledger's answers change. */
export interface PaymentOutcome {
  readonly state: PaymentState;
  readonly captured: Points;
  readonly refunded: Points;
  /** Available to the holder after the last answer. */
  readonly balance?: Points;
  readonly refusal?: StoredRefusal;
}

export interface StoredPayment extends PaymentFacts, PaymentOutcome, Payment {
  readonly client: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly holdUntil?: Date;
  /** The ledger has answered the first instruction. */
  readonly isAnswered: boolean;
}

export interface StoredMovement extends Movement {
  readonly id: string;
  readonly payment: string;
  readonly action: string;
}

export type ActionKind = 'capture' | 'refund' | 'cancellation' | 'lapse';

export interface StoredAction {
  readonly id: string;
  readonly payment: string;
  readonly kind: ActionKind;
  readonly amount: Points;
  readonly state: 'pending' | 'done' | 'refused';
  readonly refusal?: StoredRefusal;
  readonly balance?: Points;
  readonly fingerprint: string;
  readonly createdAt: Date;
}

export async function findPayment(tx: Tx, tenant: string, id: string): Promise<StoredPayment | undefined> {
  return (
    await tx.query<PaymentRow>({ name: 'find_payment', text: `${selectPayment} where p.tenant = $1 and p.id = $2` }, [tenant, id])
  ).map(readPayment)[0];
}

/** Whatever is decided about a payment is decided under this lock. */
export async function lockPayment(tx: Tx, tenant: string, id: string): Promise<StoredPayment | undefined> {
  return (
    await tx.query<PaymentRow>({ name: 'lock_payment', text: `${selectPayment} where p.tenant = $1 and p.id = $2 for update` }, [
      tenant,
      id,
    ])
  ).map(readPayment)[0];
}

/** The payments that were made with these keys, wherever there is one. */
export async function findByKeys(
  tx: Tx,
  keys: readonly { readonly tenant: string; readonly client: string; readonly key: string }[],
): Promise<StoredPayment[]> {
  const rows = await tx.query<PaymentRow>(
    {
      name: 'find_payments_by_key',
      text: `${selectPayment} join unnest($1::text[], $2::text[], $3::text[]) as k (tenant, client, key)
               on p.tenant = k.tenant and p.client = k.client and p.key = k.key`,
    },
    [keys.map((one) => one.tenant), keys.map((one) => one.client), keys.map((one) => one.key)],
  );
  return rows.map(readPayment);
}

export async function movementsOf(tx: Tx, tenant: string, payment: string): Promise<StoredMovement[]> {
  const rows = await tx.query<MovementRow>(
    {
      name: 'movements_of',
      text: `select id, payment, action, kind, amount, is_final as "isFinal", refund_of as "of", reference, state
             from payment_movement where tenant = $1 and payment = $2 order by id`,
    },
    [tenant, payment],
  );
  return rows.map(({ of, amount, ...row }) => ({ ...row, amount: parsePoints(amount), ...(of !== null && { of }) }));
}

export async function actionsOf(tx: Tx, tenant: string, payment: string): Promise<StoredAction[]> {
  return (
    await tx.query<ActionRow>({ name: 'actions_of', text: `${selectAction} where tenant = $1 and payment = $2 order by id` }, [
      tenant,
      payment,
    ])
  ).map(readAction);
}

export async function findActionByKey(
  tx: Tx,
  cause: { readonly tenant: string; readonly client: string; readonly key: string },
): Promise<StoredAction | undefined> {
  const rows = await tx.query<ActionRow>(
    { name: 'find_action_by_key', text: `${selectAction} where tenant = $1 and client = $2 and key = $3` },
    [cause.tenant, cause.client, cause.key],
  );
  return rows.map(readAction)[0];
}

interface PaymentRow {
  id: string;
  tenant: string;
  programme: string;
  shop: string;
  holder: string;
  amount: string;
  capture: 'now' | 'later';
  state: PaymentState;
  captured: string;
  refunded: string;
  holdUntil: Date | null;
  available: string | null;
  refusal: StoredRefusal | null;
  terminal: string | null;
  receipt: string | null;
  client: string;
  key: string;
  fingerprint: string;
  createdAt: Date;
  decidedAt: Date | null;
}

const selectPayment = `select p.id, p.tenant, p.programme, p.shop, p.holder, p.amount, p.capture, p.state, p.captured, p.refunded, p.hold_until as "holdUntil", p.available,
  p.refusal, p.terminal, p.receipt, p.client, p.key, p.fingerprint, p.created_at as "createdAt", p.decided_at as "decidedAt" from payment p`;

function readPayment(row: PaymentRow): StoredPayment {
  const {
    id,
    tenant,
    programme,
    shop,
    holder,
    capture,
    state,
    holdUntil,
    available,
    refusal,
    terminal,
    receipt,
    client,
    key,
    fingerprint,
    createdAt,
    decidedAt,
  } = row;
  return {
    ...{ id, tenant, programme, shop, holder, capture, state, client, key, fingerprint, createdAt },
    amount: parsePoints(row.amount),
    captured: parsePoints(row.captured),
    refunded: parsePoints(row.refunded),
    isHoldOpen: holdUntil !== null,
    isAnswered: decidedAt !== null,
    ...(holdUntil && { holdUntil }),
    ...(available !== null && { balance: parsePoints(available) }),
    ...(refusal && { refusal }),
    ...(terminal !== null && { terminal }),
    ...(receipt !== null && { receipt }),
  };
}

interface MovementRow {
  id: string;
  payment: string;
  action: string;
  kind: Movement['kind'];
  amount: string;
  isFinal: boolean;
  of: string | null;
  reference: string;
  state: Movement['state'];
}

interface ActionRow {
  id: string;
  payment: string;
  kind: ActionKind;
  amount: string;
  state: StoredAction['state'];
  refusal: StoredRefusal | null;
  available: string | null;
  fingerprint: string;
  createdAt: Date;
}

const selectAction = `select id, payment, kind, amount, state, refusal, available, fingerprint, created_at as "createdAt" from payment_action`;

function readAction({ refusal, available, amount, ...row }: ActionRow): StoredAction {
  return {
    ...row,
    amount: parsePoints(amount),
    ...(refusal && { refusal }),
    ...(available !== null && { balance: parsePoints(available) }),
  };
}
