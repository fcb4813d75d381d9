import type { Tx } from '@points/database';
import type { Told } from '../ledger-answers/conclude.js';
import { writeOrderSteps } from './write-order-steps.js';

/** The ledger has decided about the points of orders. */
export function concludeOrders(tx: Tx, told: readonly Told[]): Promise<void> {
  return writeOrderSteps(
    tx,
    told.map(({ tenant, id, outcome }) => ({ tenant, order: id, event: { kind: 'spend-decided', outcome } })),
  );
}
