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
 * A partner's system may ask for its own orders only, as long as the terms name it; a client that no partner of the municipality ever
 * named (its staff) sees all of the programme. Order ids can be guessed, and what a company's customers exchange is its own business.
 */
export async function maySeeOrdersOf(tx: Tx, programme: string, partner: string, client: string): Promise<boolean> {
  const [row] = await tx.query<{ is_own: boolean; is_of_partner: boolean }>(selectClient, [programme, partner, client]);
  return row !== undefined && (row.is_own || !row.is_of_partner);
}

const findOrderById = { name: 'find_order', text: `${selectOrder} where o.programme = $1 and o.partner = $2 and o.order_id = $3` };

/** In any programme, and under terms that hold no more, too: who was a partner's system once does not become staff. */
const selectClient = {
  name: 'client_of_partner',
  text: `
    select exists (select from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2 and $3 = any (t.clients)) as is_own,
           exists (select from partner_terms where $3 = any (clients)) as is_of_partner`,
};
