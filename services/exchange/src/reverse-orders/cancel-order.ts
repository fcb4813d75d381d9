import type { Tx } from '@points/database';
import type { Instant } from '@points/kernel';
import { callOffReserving } from '../exchange-by-link/partner-work.js';
import { endingOrderColumns, refusedFact, type EndingOrder } from '../place-exchange-order/after-issue.js';
import { comeToNothing } from '../place-exchange-order/come-to-nothing.js';
import { linkOrderAfter } from '../rules/link-order-state.js';
import { orderAfter } from '../rules/order-state.js';
import { announce } from '../tell-partners/announce.js';
import { leaveReview } from '../upload-orders/count-ends.js';
import type { ReverseOrder } from './reversal-shapes.js';
import { askReversals, lockOrders, mayAct, type Asked, type ReversibleRow, type Reverser } from './reverse-orders.js';

/**
 * Calls an order off: one that waits for a person is over at once; one that a linked partner is asked to reserve is cancelled there,
 * whatever the partner has done by then; one that is issued is taken back. While the ledger is asked to issue, or the partner to take, it
 * must be known first what they say.
 * @throws Problem
 */
export async function cancelOrder(tx: Tx, by: Reverser, orderId: string, wish: ReverseOrder, now: Instant): Promise<Asked> {
  await mayAct(tx, by);
  const order = (await lockOrders(tx, by, [orderId])).get(orderId);
  const state = order && (order.channel === 'link' ? linkOrderAfter : orderAfter)(order.state, 'cancel-asked');
  if (order && state !== undefined) {
    const isNew = state !== order.state;
    if (isNew) await callOff(tx, by, order, wish);
    return { orderId, id: order.id, isNew };
  }
  const [asked] = await askReversals(tx, by, [orderId], wish, now);
  if (!asked) throw new Error('assertion failed: one order has one answer');
  return asked;
}

async function callOff(tx: Tx, { client, programme }: Reverser, order: ReversibleRow, { reason }: ReverseOrder): Promise<void> {
  const refusal = { code: 'cancelled', detail: 'the order was called off before its points were issued', facts: { reason, by: client } };
  if (order.state === 'reserving') return callOffReserving(tx, order.id, refusal);
  const [called] = await tx.query<EndingOrder>(cancelWaiting, [order.id, JSON.stringify(refusal)]);
  if (!called) throw new Error('assertion failed: an order that is locked must be there');
  await announce(tx, [refusedFact(called, refusal)]);
  await leaveReview(tx, [order.upload]);
  await comeToNothing(tx, [{ ...order, programme }]);
}

const cancelWaiting = {
  name: 'cancel_waiting_order',
  text: `
    update exchange_order set state = 'refused', refusal = $2, updated_at = now(),
                              bonus_state = case when bonus_state is not null then 'void' end
    where id = $1 returning ${endingOrderColumns}`,
};
