import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parsePoints } from '@points/kernel';
import { orderOf, wordColumns, type WordRow } from '../ledger-answers/word.js';
import type { Decision } from '../rules/decision.js';
import type { Order } from '../rules/order.js';
import type { OrderView } from './orders.http.js';

export interface OrderKey {
  readonly municipality: string;
  readonly programme: string;
  readonly order: string;
}

/** @throws Problem 404 */
export async function readOrder(tx: Tx, { municipality, programme, order }: OrderKey): Promise<{ decision: Decision; view: OrderView }> {
  const [row] = await tx.query<OrderRow>(findOrder, [municipality, order, programme]);
  if (!row) throw problem(404, 'unknown-order', 'this programme has no such order');
  const state = orderOf(row);
  return { decision: spendOf(state), view: toView(row, state) };
}

type OrderRow = WordRow & {
  id: string;
  programme: string;
  product: string;
  quantity: number;
  points: string;
  placed_at: Date;
  cancellation: string | null;
};

const findOrder = {
  name: 'find_order',
  text: `select id, programme, product, quantity, points, placed_at, cancellation, ${wordColumns} from product_order where tenant = $1 and id = $2 and programme = $3`,
};

/** What the ledger said about the order's points, whatever came later. */
function spendOf(order: Order): Decision {
  return order.state === 'pending' || order.state === 'refused' ? order : { state: 'confirmed', posting: order.posting };
}

function toView(row: OrderRow, order: Order): OrderView {
  return {
    order: row.id,
    programme: row.programme,
    product: row.product,
    quantity: row.quantity,
    points: parsePoints(row.points),
    state: order.state,
    placedAt: row.placed_at.toISOString(),
    ...(order.state === 'refused' && { refusal: { code: order.refusal.code, detail: order.refusal.detail } }),
    ...('cancellation' in order && { cancellation: order.cancellation }),
  };
}
