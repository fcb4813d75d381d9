import type { Tx } from '@points/database';
import { cursorOf, readCursor, type CsvTable } from '@points/http';
import type { Instant } from '@points/kernel';
import { orderOf, selectOrder, type OrderRow } from '../place-exchange-order/order-row.js';
import type { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import type { OrderState } from '../rules/order-state.js';
import { firstIdOf } from '../ids.js';

export interface OrdersPage {
  readonly orders: ExchangeOrderView[];
  /** Send it as `after` for the next page; absent after the last. */
  readonly next?: string;
}

export interface OrdersFilter {
  readonly states?: readonly OrderState[];
  /** Placed here from this instant on. */
  readonly from?: Instant;
  /** Placed here before this instant. */
  readonly to?: Instant;
}

/**
 * Orders that one page looks at. A state that few orders have is looked for among so many; then the page ends, and `next` goes on from
 * there. An index on the state would have every order's end write all indexes of the table instead of none.
 */
export const ordersLookedAtMax = 20_000;

/** Newest first, by the time at which they were placed here: that is in their ids. Pages are cut by key, so new orders move nothing. */
export async function listOrders(
  tx: Tx,
  { programme, partner }: { readonly programme: string; readonly partner: string },
  page: OrdersFilter & { readonly after?: string; readonly limit: number },
): Promise<OrdersPage> {
  const [after] = readCursor(page.after, 'uuid');
  const { states, limit } = page;
  const bounds = [programme, partner, after, page.from ? firstIdOf(page.from) : null, page.to ? firstIdOf(page.to) : null];
  const rows = await tx.query<OrderRow>(selectPage, [...bounds, states ?? null, limit + 1]);
  const shown = rows.slice(0, limit).map(orderOf);
  const last = shown.at(-1);
  const orders = shown.map((one) => one.view);
  if (rows.length > limit && last) return { orders, next: cursorOf(last.id) };
  if (!states) return { orders };
  const [end] = await tx.query<{ id: string }>(selectLastLookedAt, bounds);
  return { orders, ...(end && { next: cursorOf(end.id) }) };
}

export function ordersTable({ orders }: OrdersPage): CsvTable {
  return {
    header: [
      ...['orderId', 'partner', 'state', 'myKeyId', 'partnerPoints', 'municipalPoints', 'rateNumerator', 'rateDenominator', 'channel'],
      ...['campaign', 'bonusPoints', 'bonusState', 'acceptedAt', 'bookedAt', 'posting', 'refusal', 'refusalDetail'],
    ],
    rows: orders.map((one) => [
      ...[one.orderId, one.partner, one.state, one.myKeyId, one.partnerPoints, one.municipalPoints, one.rate.numerator],
      ...[one.rate.denominator, one.channel, one.bonus?.campaign, one.bonus?.points, one.bonus?.state, one.acceptedAt, one.bookedAt],
      ...[one.posting, one.refusal?.code, one.refusal?.detail],
    ]),
  };
}

const ofPartner = `
  from exchange_order
  where programme = $1 and partner = $2 and ($3::uuid is null or id < $3) and ($4::uuid is null or id >= $4) and ($5::uuid is null or id < $5)
  order by id desc`;

const selectPage = {
  name: 'orders_page',
  text: `
    with looked_at as materialized (select id, state ${ofPartner} limit ${ordersLookedAtMax}),
    page as (select id from looked_at where $6::text[] is null or state = any ($6) order by id desc limit $7)
    ${selectOrder} where o.id in (select id from page) order by o.id desc`,
};

/** Absent when there are no more orders than one page looks at. */
const selectLastLookedAt = { name: 'orders_page_end', text: `select id ${ofPartner} offset ${ordersLookedAtMax - 1} limit 1` };
