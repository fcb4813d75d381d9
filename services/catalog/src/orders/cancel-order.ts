import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { assert, parsePoints, uuidv7 } from '@points/kernel';
import { askLedger, referenceOf } from '../ledger-answers/ask-ledger.js';
import { decisionOf, orderOf, wordColumns, type WordRow } from '../ledger-answers/word.js';
import type { Decision } from '../rules/decision.js';
import { nextOrder } from '../rules/order.js';
import type { OrderView } from './orders.http.js';
import { readOrder, type OrderKey } from './read-order.js';

/** An order of which a cancellation has been asked for. */
export type Cancelling = OrderView & { readonly cancellation: string };

/**
 * Asks the ledger to give back the whole. A refund that the ledger refuses leaves the order confirmed; another try is a cancellation
 * of its own, because a reference is answered once for ever.
 * @throws Problem 404, 409
 */
export async function cancelOrder(tx: Tx, key: OrderKey & { readonly client: string }): Promise<Cancelling> {
  const { municipality, programme, order, client } = key;
  const [row] = await tx.query<LockedOrder>(lockOrder, [municipality, order, programme]);
  if (!row) throw problem(404, 'unknown-order', 'this programme has no such order');
  const next = nextOrder(orderOf(row), { kind: 'cancel-asked', cancellation: uuidv7() });
  if (!next.ok) throw problem(409, next.refusal.code, next.refusal.detail);
  const { order: after } = next.value;
  assert(after.state === 'cancelling', 'an order that may be cancelled is being cancelled');

  await tx.write(`update product_order set state = $3, cancellation = $4 where tenant = $1 and id = $2`, [
    municipality,
    order,
    after.state,
    after.cancellation,
  ]);
  await tx.write(`insert into cancellation (tenant, id, product_order, client, state) values ($1, $2, $3, $4, 'pending')`, [
    municipality,
    after.cancellation,
    order,
    client,
  ]);
  await askLedger(tx, {
    matter: 'cancellation',
    id: after.cancellation,
    municipality,
    programme,
    holder: row.holder,
    client,
    instruction: { kind: 'refund', of: referenceOf('order', order), amount: parsePoints(row.points) },
  });
  return { ...(await readOrder(tx, key)).view, cancellation: after.cancellation };
}

/** What became of a cancellation, with its order as it is now. @throws Problem 404 */
export async function readCancellation(
  tx: Tx,
  key: OrderKey & { readonly cancellation: string },
): Promise<{ decision: Decision; view: OrderView }> {
  const { view } = await readOrder(tx, key);
  const [row] = await tx.query<WordRow>(findCancellation, [key.municipality, key.cancellation]);
  assert(row !== undefined, 'a cancellation that was answered is there');
  return { decision: decisionOf(row), view };
}

type LockedOrder = WordRow & { cancellation: string | null; holder: string; points: string };

const lockOrder = {
  name: 'lock_order',
  text: `select ${wordColumns}, cancellation, holder, points from product_order where tenant = $1 and id = $2 and programme = $3 for update`,
};
const findCancellation = { name: 'find_cancellation', text: `select ${wordColumns} from cancellation where tenant = $1 and id = $2` };
