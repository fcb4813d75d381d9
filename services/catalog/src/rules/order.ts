import { refuse, done, type Result } from '@points/kernel';
import type { LedgerRefusal, Outcome } from './decision.js';

/**
 * An order for a product. Its stock is taken from `pending` on, and given back on the way to `refused` or `cancelled`.
 *
 *     pending ─► confirmed ─► cancelling ─► cancelled
 *        └─► refused    ▲─────────┘ the ledger refused the refund
 */
export type Order =
  | { readonly state: 'pending' }
  | { readonly state: 'refused'; readonly refusal: LedgerRefusal }
  | { readonly state: 'confirmed'; readonly posting: string }
  | { readonly state: 'cancelling'; readonly posting: string; readonly cancellation: string }
  | { readonly state: 'cancelled'; readonly posting: string; readonly cancellation: string };

export type OrderState = Order['state'];

export type OrderEvent =
  | { readonly kind: 'spend-decided'; readonly outcome: Outcome }
  | { readonly kind: 'cancel-asked'; readonly cancellation: string }
  | { readonly kind: 'refund-decided'; readonly cancellation: string; readonly outcome: Outcome };

export interface Step {
  readonly order: Order;
  /** True when what the order had taken of the stock is free again. */
  readonly givesStockBack: boolean;
}

export type CancelRefusal = {
  readonly code: 'order-pending' | 'order-refused' | 'order-cancelling' | 'order-cancelled';
  readonly detail: string;
};

/** Facts of the ledger come at least once: one that was heard before leaves the order as it is. Only a wish to cancel can be refused. */
export function nextOrder(order: Order, event: OrderEvent): Result<Step, CancelRefusal> {
  switch (event.kind) {
    case 'spend-decided':
      if (order.state !== 'pending') return unchanged(order);
      return 'posted' in event.outcome
        ? step({ state: 'confirmed', posting: event.outcome.posted }, false)
        : step({ state: 'refused', refusal: event.outcome.refused }, true);
    case 'cancel-asked':
      if (order.state !== 'confirmed') return refuse({ code: `order-${order.state}`, detail: cancelHelp[order.state] });
      return step({ state: 'cancelling', posting: order.posting, cancellation: event.cancellation }, false);
    case 'refund-decided':
      if (order.state !== 'cancelling' || order.cancellation !== event.cancellation) return unchanged(order);
      return 'posted' in event.outcome
        ? step({ ...order, state: 'cancelled' }, true)
        : step({ state: 'confirmed', posting: order.posting }, false);
  }
}

function unchanged(order: Order): Result<Step, never> {
  return step(order, false);
}

function step(order: Order, givesStockBack: boolean): Result<Step, never> {
  return done({ order, givesStockBack });
}

const cancelHelp = {
  pending: 'the order is not decided yet; read it, and cancel it once it is confirmed',
  refused: 'the order was refused: nothing was spent, there is nothing to cancel',
  cancelling: 'the order is being cancelled; read it to see what comes of it',
  cancelled: 'the order is cancelled already',
} as const;
