import type { Tx } from '@points/database';
import { parseInstant, parsePoints } from '@points/kernel';
import { publish } from '@points/messaging';
import { arrivalOf, recordArrivals } from '../allocate-reserve/reserve-books.js';
import { makeDue } from '../exchange-by-link/link-order.js';
import {
  bonusOf,
  completedFact,
  couponRedeemedFact,
  endingOrderColumns,
  refusedFact,
  type EndingOrder,
} from '../place-exchange-order/after-issue.js';
import { comeToNothing } from '../place-exchange-order/come-to-nothing.js';
import type { OrderEnd } from '../place-exchange-order/order-row.js';
import type { BonusState } from '../place-exchange-order/order-view.js';
import { couponsOf, type CouponPlace } from '../redeem-coupons/redeem-coupon.js';
import { linkOrderAfter, partnerStepOf } from '../rules/link-order-state.js';
import { isSettled, orderAfter, type OrderState } from '../rules/order-state.js';
import { announce } from '../tell-partners/announce.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { countEnds } from '../upload-orders/count-ends.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

export interface EndedOrders {
  /** By id: how those ended that are over now. */
  readonly over: ReadonlyMap<string, OrderEnd>;
  /** True when a linked partner has something to commit or to cancel. */
  readonly isPartnerDue: boolean;
}

/**
 * Brings orders on by what the ledger says of their issue. An issued order's bonus is asked for now; a refused order gives back what caps
 * and campaigns had counted of it, and its coupon code. An order of a linked account goes on to its partner, and its bonus waits for the
 * commit.
 * @throws Error when a fact has no order or contradicts it: it is parked and a person looks
 */
export async function endOrders(tx: Tx, facts: readonly PostingFact<'order'>[]): Promise<EndedOrders> {
  if (facts.length === 0) return nothingMoved;
  const rows = await tx.query<OrderRow>(lockOrders, [facts.map((fact) => fact.reference)]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved: Moved[] = [];
  for (const { reference, outcome } of facts) {
    const order = known.get(reference);
    if (!order) throw new Error(`there is no order with the reference ${reference}`);
    const after = order.channel === 'link' ? linkOrderAfter : orderAfter;
    const state = after(order.state, outcome.status === 'posted' ? 'issue-posted' : 'issue-refused');
    if (!state) throw new Error(`the order ${order.id} is ${order.state} and its issue is said to be ${outcome.status}`);
    if (outcome.status === 'posted' && outcome.amount !== parsePoints(order.municipal_points))
      throw new Error(`the order ${order.id} was issued with another number of points than it asked for`);
    if (state === order.state) continue;
    known.set(reference, { ...order, state });
    moved.push({ order, state, outcome });
  }
  if (moved.length === 0) return nothingMoved;
  const coupons = await couponsOf(
    tx,
    moved.flatMap(({ order: { channel, reference }, state }) => (channel === 'coupon' && state === 'completed' ? [reference] : [])),
  );
  const due = moved.filter(({ state }) => partnerStepOf(state)).map(({ order }) => order.id);
  // One round trip, in this order.
  await Promise.all([
    tx.write(writeOrders, [
      moved.map(({ order }) => order.id),
      moved.map((one) => one.state),
      moved.map(({ outcome }) => (outcome.status === 'posted' ? outcome.posting : null)),
      moved.map(({ outcome }) => (outcome.status === 'posted' ? outcome.effectiveAt : null)),
      moved.map(({ outcome }) => refusalOf(outcome)),
      moved.map(bonusStateOf),
    ]),
    recordArrivals(
      tx,
      moved.flatMap(({ order, outcome }) => (order.is_of_reserve ? arrivalOf('order', order, outcome) : [])),
    ),
    publish(
      tx,
      moved.filter(({ state }) => state === 'completed').flatMap(({ order }) => bonusOf(order)),
    ),
    comeToNothing(
      tx,
      moved.filter(({ outcome }) => outcome.status === 'refused').map(({ order }) => order),
    ),
    announce(
      tx,
      moved.flatMap((one) => partnerFactsOf(one, coupons.get(one.order.reference))),
    ),
    countEnds(
      tx,
      moved.flatMap(({ order: { tenant, upload }, outcome }) => (outcome.status === 'posted' ? [{ tenant, upload, isPosted: true }] : [])),
    ),
    makeDue(tx, due),
  ]);
  const over = new Map(
    moved.flatMap((one) => {
      const end = endOf(one);
      return end ? [[one.order.id, end] as const] : [];
    }),
  );
  return { over, isPartnerDue: due.length > 0 };
}

const nothingMoved: EndedOrders = { over: new Map(), isPartnerDue: false };

interface Moved {
  readonly order: OrderRow;
  readonly state: OrderState;
  readonly outcome: PostingFact['outcome'];
}

interface OrderRow extends EndingOrder {
  readonly state: OrderState;
  readonly is_of_reserve: boolean;
}

function endOf(one: Moved): OrderEnd | undefined {
  const { state, outcome } = one;
  if (!isSettled(state)) return undefined;
  const bonusState = bonusStateOf(one);
  if (outcome.status === 'posted')
    return { state, posting: outcome.posting, bookedAt: parseInstant(outcome.effectiveAt), ...(bonusState && { bonusState }) };
  const { code, detail, facts } = outcome;
  return { state, refusal: { code, detail, ...(facts && { facts }) }, ...(bonusState && { bonusState }) };
}

function bonusStateOf({ order, state, outcome }: Moved): BonusState | null {
  if (order.campaign === null) return null;
  if (outcome.status === 'refused') return 'void';
  return state === 'completed' ? 'pending' : 'waiting';
}

/** Of an order that is over, unless it is history: nobody waits for the news of years ago. Without the facts of a refusal: they are for whoever asks for the order. */
function partnerFactsOf({ order, state, outcome }: Moved, coupon: CouponPlace | undefined): PartnerFact[] {
  if (order.is_history) return [];
  if (state === 'completed' && outcome.status === 'posted') {
    const { posting, effectiveAt: bookedAt } = outcome;
    return [completedFact(order, posting, bookedAt), ...(coupon ? [couponRedeemedFact(order, coupon, { posting, bookedAt })] : [])];
  }
  return state === 'refused' && outcome.status === 'refused' ? [refusedFact(order, outcome)] : [];
}

// Ordered, so that two consumers of one batch queue up instead of deadlocking.
const lockOrders = {
  name: 'lock_orders',
  text: `
    select ${endingOrderColumns}, state, programme in (select programme from reserve_programme) as is_of_reserve
    from exchange_order where reference = any ($1) order by id for update`,
};

const writeOrders = {
  name: 'end_orders',
  text: `
    with ended as (
      update exchange_order o
      set state = u.state, posting = u.posting, booked_at = u.booked_at, refusal = u.refusal, bonus_state = u.bonus_state, updated_at = now()
      from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::jsonb[], $6::text[])
        as u (id, state, posting, booked_at, refusal, bonus_state)
      where o.id = u.id
      returning o.id, o.tenant, o.programme, o.partner, o.booked_at)
    insert into order_booking (id, tenant, programme, partner, booked_at)
    select id, tenant, programme, partner, booked_at from ended where booked_at is not null`,
};
