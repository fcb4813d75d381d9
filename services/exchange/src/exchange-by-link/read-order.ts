import type { Tx } from '@points/database';
import type { ExchangeOrderKey } from '../ids.js';
import { findOrder } from '../place-exchange-order/find-order.js';
import type { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { findAtPartner } from './link-order.js';

/** An order; one of a linked account with how it stands at its partner. */
export async function readOrder(tx: Tx, path: ExchangeOrderKey): Promise<ExchangeOrderView | undefined> {
  const order = await findOrder(tx, path.programme, path);
  if (order?.view.channel !== 'link') return order?.view;
  const atPartner = await findAtPartner(tx, order.id);
  return { ...order.view, ...(atPartner && { atPartner }) };
}
