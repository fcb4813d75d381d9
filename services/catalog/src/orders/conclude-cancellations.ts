import type { Tx } from '@points/database';
import { conclude, type Told } from '../ledger-answers/conclude.js';
import { writeOrderSteps } from './write-order-steps.js';

/**
 * The ledger has decided about the refunds of cancellations. Cancelling locks the order first and then writes the cancellation, which
 * nobody else knows before its commit: the other way round here meets no lock of it.
 */
export async function concludeCancellations(tx: Tx, told: readonly Told[]): Promise<void> {
  const changed = await conclude(tx, 'cancellation', told);
  if (changed.length === 0) return;
  const rows = await tx.query<{ id: string; product_order: string }>(ordersOfCancellations, [
    changed.map((one) => one.tenant),
    changed.map((one) => one.id),
  ]);
  const orderOf = new Map(rows.map((row) => [row.id, row.product_order]));
  await writeOrderSteps(
    tx,
    changed.map(({ tenant, id, outcome }) => ({
      tenant,
      order: orderOf.get(id) ?? '',
      event: { kind: 'refund-decided', cancellation: id, outcome },
    })),
  );
}

const ordersOfCancellations = {
  name: 'orders_of_cancellations',
  text: 'select id, product_order from cancellation where (tenant, id) in (select * from unnest($1::text[], $2::uuid[]))',
};
