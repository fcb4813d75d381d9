import type { Tx } from '@points/database';
import { parsePoints } from '@points/kernel';
import { orderAfter, type OrderState } from '../rules/order-state.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

/**
 * Brings orders to their end by what the ledger says; answers the ids of those that ended now.
 * @throws Error when a fact has no order or contradicts it: it is parked and a person looks
 */
export async function endOrders(tx: Tx, facts: readonly PostingFact<'order'>[]): Promise<string[]> {
  if (facts.length === 0) return [];
  const rows = await tx.query<{ id: string; reference: string; state: OrderState; municipal_points: string }>(lockOrders, [
    facts.map((fact) => fact.reference),
  ]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const ended: { id: string; state: OrderState; outcome: PostingFact['outcome'] }[] = [];
  for (const { reference, outcome } of facts) {
    const order = known.get(reference);
    if (!order) throw new Error(`there is no order with the reference ${reference}`);
    const state = orderAfter(order.state, outcome.status === 'posted' ? 'issue-posted' : 'issue-refused');
    if (!state) throw new Error(`the order ${order.id} is ${order.state} and its issue is said to be ${outcome.status}`);
    if (outcome.status === 'posted' && outcome.amount !== parsePoints(order.municipal_points))
      throw new Error(`the order ${order.id} was issued with another number of points than it asked for`);
    if (state === order.state) continue;
    known.set(reference, { ...order, state });
    ended.push({ id: order.id, state, outcome });
  }
  if (ended.length)
    await tx.write(writeOrders, [
      ended.map((one) => one.id),
      ended.map((one) => one.state),
      ended.map(({ outcome }) => (outcome.status === 'posted' ? outcome.posting : null)),
      ended.map(({ outcome }) => (outcome.status === 'posted' ? outcome.effectiveAt : null)),
      ended.map(({ outcome }) => refusalOf(outcome)),
    ]);
  return ended.map((one) => one.id);
}

// Ordered, so that two consumers of one batch queue up instead of deadlocking.
const lockOrders = {
  name: 'lock_orders',
  text: 'select id, reference, state, municipal_points from exchange_order where reference = any ($1) order by id for update',
};

const writeOrders = {
  name: 'end_orders',
  text: `
    update exchange_order o
    set state = u.state, posting = u.posting, booked_at = u.booked_at, refusal = u.refusal, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::jsonb[]) as u (id, state, posting, booked_at, refusal)
    where o.id = u.id`,
};
