import type { Tx } from '@points/database';
import { freeCoupons } from '../redeem-coupons/redeem-coupon.js';
import type { Count } from '../rules/caps.js';
import { countEnds } from '../upload-orders/count-ends.js';
import { writeCounts } from './counters.js';

export interface LostOrder {
  readonly programme: string;
  readonly reference: string;
  readonly channel: string;
  readonly counts: readonly Count[] | null;
  readonly tenant: string;
  /** The file that it came in, which waits for its end. */
  readonly upload: string | null;
}

/**
 * These orders are refused for good: what caps and campaigns had counted of them is given back, and so are their
 * coupon codes; the files that they came in are told.
 */
export async function comeToNothing(tx: Tx, orders: readonly LostOrder[]): Promise<void> {
  await Promise.all([
    writeCounts(
      tx,
      orders.flatMap(({ counts, programme }) => (counts ?? []).map((one) => ({ ...one, programme, amount: -one.amount }))),
    ),
    freeCoupons(
      tx,
      orders.flatMap(({ channel, reference }) => (channel === 'coupon' ? [reference] : [])),
    ),
    countEnds(
      tx,
      orders.map(({ tenant, upload }) => ({ tenant, upload, isPosted: false })),
    ),
  ]);
}
