import type { Price } from '../rules/price.js';
import type { Hit } from '../rules/screening.js';
import type { Order } from './order-row.js';
import type { OrderWish } from './place-orders.js';

/** An order about to be stored. */
export interface NewOrder {
  readonly municipality: string;
  readonly programme: string;
  readonly reference: string;
  readonly holder: string;
  readonly wish: OrderWish;
  readonly price: Price;
  readonly order: Order;
  /** The rules against fraud that it broke. */
  readonly hits: readonly Hit[];
  /** The linked account at which the partner is to reserve first. */
  readonly link?: string;
}

export function orderParameters(orders: readonly NewOrder[]): unknown[] {
  const of = <T>(pick: (one: NewOrder) => T) => orders.map(pick);
  return [
    of(({ order }) => order.id),
    of((one) => one.municipality),
    of((one) => one.programme),
    of(({ order }) => order.view.partner),
    of(({ order }) => order.view.orderId),
    of((one) => one.reference),
    of(({ order }) => order.view.myKeyId),
    of((one) => one.holder),
    of(({ order }) => order.view.partnerPoints),
    of(({ order }) => order.view.municipalPoints),
    of(({ price }) => price.rest),
    of(({ order }) => order.view.rate.version),
    of(({ order }) => order.view.acceptedAt),
    of(({ wish }) => wish.order.acceptedAt !== undefined),
    of(({ wish }) => wish.client),
    of(({ order }) => order.view.channel),
    of(({ order }) => order.view.quote ?? null),
    of(({ price }) => price.bonus?.campaign ?? null),
    of(({ price }) => price.bonus?.points ?? null),
    of(({ price }) => price.bonus?.borneBy ?? null),
    of(({ order }) => order.view.bonus?.state ?? null),
    of(({ price }) => (price.counts.length ? JSON.stringify(price.counts) : null)),
    of(({ order }) => order.view.state),
    of(({ wish }) => wish.order.origin?.address ?? null),
    of(({ wish }) => wish.order.origin?.device ?? null),
    of(({ hits }) => (hits.length ? JSON.stringify(hits) : null)),
    of(({ wish }) => wish.upload ?? null),
  ];
}

/** Fewer rows than orders: another transaction was faster. In order of reference, so that two batches queue up instead of deadlocking. */
export const insertOrders = {
  name: 'insert_orders',
  text: `
    insert into exchange_order (id, tenant, programme, partner, order_id, reference, my_key_id, holder, partner_points, municipal_points, rest,
      terms_version, accepted_at, is_history, client, channel, quote, campaign, bonus_points, bonus_borne_by, bonus_state, counts, state,
      origin_address, origin_device, screening, upload)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::bigint[],
      $10::bigint[], $11::bigint[], $12::integer[], $13::timestamptz[], $14::boolean[], $15::text[], $16::text[], $17::uuid[], $18::text[],
      $19::bigint[], $20::text[], $21::text[], $22::jsonb[], $23::text[], $24::text[], $25::text[], $26::jsonb[], $27::uuid[])
      as i (id, tenant, programme, partner, order_id, reference, my_key_id, holder, partner_points, municipal_points, rest, terms_version,
            accepted_at, is_history, client, channel, quote, campaign, bonus_points, bonus_borne_by, bonus_state, counts, state,
            origin_address, origin_device, screening, upload)
    order by reference
    on conflict do nothing`,
};
