import type { Tx } from '@points/database';
import { termsAt } from '../set-up-partners/partner.js';
import { orderOf, selectOrder, type Order, type OrderRow } from './order-row.js';

export async function findOrder(
  tx: Tx,
  programme: string,
  { partner, orderId }: { readonly partner: string; readonly orderId: string },
): Promise<Order | undefined> {
  const [row] = await tx.query<OrderRow>(findOrderById, [programme, partner, orderId]);
  return row && orderOf(row);
}

/**
 * A partner's system may ask for its own orders only; a client that is no partner's (the municipality's staff) sees all of the
 * programme. Order ids can be guessed, and what a company's customers exchange is its own business.
 */
export async function maySeeOrdersOf(tx: Tx, programme: string, partner: string, client: string): Promise<boolean> {
  const partners = await tx.query<{ partner: string }>(partnersOfClient, [programme, client]);
  return partners.length === 0 || partners.some((one) => one.partner === partner);
}

const findOrderById = { name: 'find_order', text: `${selectOrder} where o.programme = $1 and o.partner = $2 and o.order_id = $3` };

const partnersOfClient = {
  name: 'partners_of_client',
  text: `select p.partner from partner p ${termsAt('now()')} where p.programme = $1 and $2 = any (t.clients)`,
};
