import type { Tx } from '@points/database';
import { parsePoints } from '@points/kernel';
import { publish } from '@points/messaging';
import { instantOf } from '../clock.js';
import { comeToNothing } from '../place-exchange-order/come-to-nothing.js';
import { bonusIssueOf } from '../place-exchange-order/issue.js';
import type { BonusState } from '../place-exchange-order/order.js';
import type { Bearer } from '../rules/campaign.js';
import type { Channel } from '../rules/channel.js';
import type { Count } from '../rules/caps.js';
import { orderAfter, type OrderState } from '../rules/order-state.js';
import { announce } from '../tell-partners/announce.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

/**
 * Brings orders on by what the ledger says of their issue; answers the ids of those that moved. An issued order's bonus is asked for now;
 * a refused order gives back what caps and campaigns had counted of it, and its coupon code.
 * @throws Error when a fact has no order or contradicts it: it is parked and a person looks
 */
export async function endOrders(tx: Tx, facts: readonly PostingFact<'order'>[]): Promise<string[]> {
  if (facts.length === 0) return [];
  const rows = await tx.query<OrderRow>(lockOrders, [facts.map((fact) => fact.reference)]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved: Moved[] = [];
  for (const { reference, outcome } of facts) {
    const order = known.get(reference);
    if (!order) throw new Error(`there is no order with the reference ${reference}`);
    const state = orderAfter(order.state, outcome.status === 'posted' ? 'issue-posted' : 'issue-refused');
    if (!state) throw new Error(`the order ${order.id} is ${order.state} and its issue is said to be ${outcome.status}`);
    if (outcome.status === 'posted' && outcome.amount !== parsePoints(order.municipal_points))
      throw new Error(`the order ${order.id} was issued with another number of points than it asked for`);
    if (state === order.state) continue;
    known.set(reference, { ...order, state });
    moved.push({ order, state, outcome });
  }
  if (moved.length === 0) return [];
  await tx.write(writeOrders, [
    moved.map(({ order }) => order.id),
    moved.map((one) => one.state),
    moved.map(({ outcome }) => (outcome.status === 'posted' ? outcome.posting : null)),
    moved.map(({ outcome }) => (outcome.status === 'posted' ? outcome.effectiveAt : null)),
    moved.map(({ outcome }) => refusalOf(outcome)),
    moved.map(bonusStateOf),
  ]);
  await publish(
    tx,
    moved.filter(({ outcome }) => outcome.status === 'posted').flatMap(({ order }) => bonusOf(order)),
  );
  await comeToNothing(
    tx,
    moved.filter(({ outcome }) => outcome.status === 'refused').map(({ order }) => order),
  );
  await announce(tx, moved.flatMap(partnerFactsOf));
  return moved.map(({ order }) => order.id);
}

interface Moved {
  readonly order: OrderRow;
  readonly state: OrderState;
  readonly outcome: PostingFact['outcome'];
}

interface OrderRow {
  readonly id: string;
  readonly reference: string;
  readonly tenant: string;
  readonly programme: string;
  readonly partner: string;
  readonly order_id: string;
  readonly holder: string;
  readonly client: string;
  readonly channel: Channel;
  readonly state: OrderState;
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly accepted_at: Date;
  readonly is_history: boolean;
  readonly campaign: string | null;
  readonly bonus_points: string | null;
  readonly bonus_borne_by: Bearer | null;
  readonly counts: readonly Count[] | null;
}

function bonusStateOf({ order, outcome }: Moved): BonusState | null {
  if (order.campaign === null) return null;
  return outcome.status === 'posted' ? 'pending' : 'void';
}

function bonusOf(order: OrderRow) {
  const { tenant: municipality, programme, reference, holder, client, campaign, bonus_points: given, bonus_borne_by: borneBy } = order;
  if (campaign === null || given === null || borneBy === null) return [];
  const effectiveAt = order.is_history ? { effectiveAt: instantOf(order.accepted_at) } : {};
  return [
    bonusIssueOf({ municipality, programme, reference, holder, campaign, points: parsePoints(given), borneBy, client, ...effectiveAt }),
  ];
}

/** Of an order that is over. Without the facts of a refusal: they are for whoever asks for the order. */
function partnerFactsOf({ order, state, outcome }: Moved): PartnerFact[] {
  const { tenant: municipality, programme, partner } = order;
  const about = {
    orderId: order.order_id,
    channel: order.channel,
    partnerPoints: parsePoints(order.partner_points),
    municipalPoints: parsePoints(order.municipal_points),
  };
  if (state === 'completed' && outcome.status === 'posted') {
    const { posting, effectiveAt: bookedAt } = outcome;
    return [{ municipality, programme, partner, type: 'exchange-order.completed', data: { ...about, bookedAt, posting } }];
  }
  if (state === 'refused' && outcome.status === 'refused') {
    const { code, detail } = outcome;
    return [{ municipality, programme, partner, type: 'exchange-order.refused', data: { ...about, code, detail } }];
  }
  return [];
}

// Ordered, so that two consumers of one batch queue up instead of deadlocking.
const lockOrders = {
  name: 'lock_orders',
  text: `
    select id, reference, tenant, programme, partner, order_id, holder, client, channel, state, partner_points, municipal_points, accepted_at,
           is_history, campaign, bonus_points, bonus_borne_by, counts
    from exchange_order where reference = any ($1) order by id for update`,
};

const writeOrders = {
  name: 'end_orders',
  text: `
    update exchange_order o
    set state = u.state, posting = u.posting, booked_at = u.booked_at, refusal = u.refusal, bonus_state = u.bonus_state, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::jsonb[], $6::text[])
      as u (id, state, posting, booked_at, refusal, bonus_state)
    where o.id = u.id`,
};
