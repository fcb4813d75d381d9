import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parseInstant, uuidv7, type Instant } from '@points/kernel';
import { publish } from '@points/messaging';
import { instantOf } from '../clock.js';
import { orderOf, reversalColumns, reversalOf, selectOrder, type OrderRow, type ReversalRow } from '../place-exchange-order/order-row.js';
import type { ExchangeOrderView, ReversalView } from '../place-exchange-order/order-view.js';
import { reversalsPerOrderMax } from '../reference.js';
import type { Count } from '../rules/caps.js';
import { orderAfter, type OrderState } from '../rules/order-state.js';
import { windowTrouble } from '../rules/reversal.js';
import { termsAt } from '../set-up-partners/partner.js';
import { reversalOfOrder } from './ask-reversal.js';
import type { ReversalProblemView, ReverseOrder } from './reversal-shapes.js';

/** Who asks, for which partner. */
export interface Reverser {
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
  readonly client: string;
  /** May act for every partner. */
  readonly isOnBehalf: boolean;
  /** Staff: also after the partner's own time, and where the terms give it none. */
  readonly mayBeLate: boolean;
  readonly mayBringHistory: boolean;
  readonly traceparent?: string | undefined;
}

/** A problem leaves the order as it is; the others of the batch are not hindered by it. */
export type Asked = { readonly orderId: string } & (
  { readonly id: string; readonly isNew: boolean } | { readonly problem: ReversalProblemView }
);

/**
 * Asks the ledger to take orders back, one or many in a transaction. One that is taken back already, or is about to be, is answered as
 * it stands: asking twice does nothing twice.
 * @throws Problem where the client may ask nothing of this partner at all
 */
export async function askReversals(tx: Tx, by: Reverser, orderIds: readonly string[], wish: ReverseOrder, now: Instant): Promise<Asked[]> {
  await mayAct(tx, by);
  if (wish.reversedAt !== undefined && !by.mayBringHistory)
    throw problem(403, 'scope-missing', 'reversedAt brings history in; this needs a token with the scope history:write', {
      scope: 'history:write',
    });
  const at = wish.reversedAt === undefined ? now : parseInstant(wish.reversedAt);
  const orders = await lockOrders(tx, by, orderIds);
  const wishes: NewReversal[] = [];
  const asked = orderIds.map((orderId): Asked => {
    const order = orders.get(orderId);
    if (!order) return { orderId, problem: problemOf(404, 'unknown-order', 'the partner has no such order') };
    const state = orderAfter(order.state, 'reversal-asked');
    if (state === undefined) return { orderId, problem: notIssued(order) };
    if (state === order.state) return { orderId, id: order.id, isNew: false };
    const trouble = mayReverse(order, by, at);
    if ('problem' in trouble) return { orderId, ...trouble };
    wishes.push({ id: uuidv7(), order, isLate: trouble.isLate });
    return { orderId, id: order.id, isNew: true };
  });
  if (wishes.length === 0) return asked;
  const effectiveAt = wish.reversedAt === undefined ? null : at;
  await tx.write(insertReversals, [
    ...[wishes.map((one) => one.id), wishes.map((one) => one.order.id), wishes.map((one) => one.order.asked_again)],
    ...[wishes.map((one) => one.isLate), by.municipality, by.programme, by.partner],
    ...[wish.reason, wish.note ?? null, by.client, now, effectiveAt],
  ]);
  await tx.write(beginReversals, [wishes.map((one) => one.order.id), wishes.map((one) => one.id)]);
  await publish(
    tx,
    wishes.map(({ order }) =>
      reversalOfOrder({
        ...{ municipality: by.municipality, programme: by.programme, reference: order.reference, holder: order.holder },
        ...{ part: 'order', askedAgain: order.asked_again, client: by.client, reason: wish.reason, traceparent: by.traceparent },
        ...(effectiveAt !== null && { effectiveAt }),
      }),
    ),
  );
  return asked;
}

/** An order of a linked account whose points the partner has refused for good to take. */
export interface UncommittedOrder {
  readonly id: string;
  readonly reference: string;
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
  readonly holder: string;
  readonly client: string;
}

/** The points were issued for nothing: they are taken back without anybody's wish, and whatever the terms say of time. The order is locked. */
export async function takeBackUncommitted(tx: Tx, order: UncommittedOrder, note: string, now: Instant): Promise<void> {
  const { id, municipality, programme, partner, client } = order;
  const [row] = await tx.query<{ asked_again: number }>(
    'select coalesce(max(asked_again) + 1, 0) as asked_again from order_reversal where order_row = $1',
    [id],
  );
  const askedAgain = row?.asked_again ?? 0;
  if (askedAgain >= reversalsPerOrderMax)
    throw new Error(`the ledger has refused ${reversalsPerOrderMax} times to take the order ${id} back`);
  const [reversal, reason] = [uuidv7(), 'other' as const];
  await tx.write(insertReversals, [
    ...[[reversal], [id], [askedAgain], [false], municipality, programme, partner],
    ...[reason, note.slice(0, noteCharactersMax), client, now, null],
  ]);
  await tx.write(beginReversals, [[id], [reversal]]);
  await publish(tx, [reversalOfOrder({ ...order, part: 'order', askedAgain, reason })]);
}

const noteCharactersMax = 300;

/** All wishes to take an order back, newest first. */
export async function listReversals(tx: Tx, by: Pick<Reverser, 'programme' | 'partner'>, orderId: string): Promise<ReversalView[]> {
  const rows = await tx.query<ReversalRow & { reversal_id: string }>(selectReversals, [by.programme, by.partner, orderId]);
  return rows.map(reversalOf);
}

export async function findOrders(
  tx: Tx,
  of: Pick<Reverser, 'programme' | 'partner'>,
  orderIds: readonly string[],
): Promise<Map<string, ExchangeOrderView>> {
  const rows = await tx.query<OrderRow>(selectMany, [of.programme, of.partner, orderIds]);
  return new Map(rows.map((row) => [row.order_id, orderOf(row).view]));
}

export interface ReversibleRow {
  readonly id: string;
  readonly order_id: string;
  readonly reference: string;
  readonly holder: string;
  readonly channel: string;
  readonly state: OrderState;
  readonly booked_at: Date | null;
  readonly counts: readonly Count[] | null;
  readonly tenant: string;
  readonly upload: string | null;
  readonly reversal_days: number | null;
  readonly asked_again: number;
}

interface NewReversal {
  readonly id: string;
  readonly order: ReversibleRow;
  readonly isLate: boolean;
}

export async function mayAct(tx: Tx, { programme, partner, client, isOnBehalf }: Reverser): Promise<void> {
  const [row] = await tx.query<{ clients: string[] }>(
    `select t.clients from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2`,
    [programme, partner],
  );
  if (!row) throw problem(404, 'unknown-partner', 'the programme has no such partner', { partner });
  if (!isOnBehalf && !row.clients.includes(client))
    throw problem(403, 'client-not-of-partner', 'this client may not take orders of this partner back', { partner });
}

export async function lockOrders(tx: Tx, by: Reverser, orderIds: readonly string[]): Promise<Map<string, ReversibleRow>> {
  const rows = await tx.query<ReversibleRow>(lockReversible, [by.programme, by.partner, orderIds]);
  return new Map(rows.map((row) => [row.order_id, row]));
}

function mayReverse(
  order: ReversibleRow,
  { mayBeLate }: Reverser,
  at: Instant,
): { readonly isLate: boolean } | { readonly problem: ReversalProblemView } {
  if (!order.booked_at) throw new Error('assertion failed: an issued order has its time');
  if (order.asked_again >= reversalsPerOrderMax)
    return {
      problem: problemOf(409, 'too-many-reversals', `the ledger has refused ${reversalsPerOrderMax} times to take this order back`),
    };
  const trouble = windowTrouble(order.reversal_days ?? undefined, instantOf(order.booked_at), at);
  if (!trouble || mayBeLate) return { isLate: trouble !== undefined };
  return { problem: problemOf(422, trouble.code, trouble.detail, trouble.facts) };
}

function notIssued({ state }: ReversibleRow) {
  return state === 'refused'
    ? problemOf(409, 'nothing-to-reverse', 'the order was refused: no points were issued', { state })
    : problemOf(409, 'order-under-way', 'it is not known yet whether the points are issued; ask again when the order has ended', { state });
}

function problemOf(status: number, code: string, detail: string, facts?: Readonly<Record<string, unknown>>): ReversalProblemView {
  return { status, code, detail, ...(facts && { facts }) };
}

/** Ordered, so that two batches queue up instead of deadlocking. */
const lockReversible = {
  name: 'lock_reversible_orders',
  text: `
    select o.id, o.order_id, o.reference, o.holder, o.channel, o.state, o.booked_at, o.counts, o.tenant, o.upload, t.reversal_days,
           coalesce((select asked_again + 1 from order_reversal where id = o.reversal), 0) as asked_again
    from exchange_order o
    join partner_terms t on t.programme = o.programme and t.partner = o.partner and t.version = o.terms_version
    where o.programme = $1 and o.partner = $2 and o.order_id = any ($3)
    order by o.id for update of o`,
};

const insertReversals = {
  name: 'insert_reversals',
  text: `
    insert into order_reversal (id, order_row, asked_again, is_late, tenant, programme, partner, reason, note, requested_by, requested_at, effective_at, state)
    select id, order_row, asked_again, is_late, $5, $6, $7, $8, $9, $10, $11, $12, 'asked'
    from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::boolean[]) as w (id, order_row, asked_again, is_late)`,
};

const beginReversals = {
  name: 'begin_reversals',
  text: `
    update exchange_order o set state = 'reversing', reversal = w.reversal, updated_at = now()
    from unnest($1::uuid[], $2::uuid[]) as w (id, reversal) where o.id = w.id`,
};

const selectMany = { name: 'find_orders', text: `${selectOrder} where o.programme = $1 and o.partner = $2 and o.order_id = any ($3)` };

const selectReversals = {
  name: 'select_reversals',
  text: `
    select ${reversalColumns}
    from exchange_order o join order_reversal r on r.order_row = o.id
    where o.programme = $1 and o.partner = $2 and o.order_id = $3
    order by r.asked_again desc`,
};
