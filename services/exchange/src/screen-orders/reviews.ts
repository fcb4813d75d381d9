import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parsePoints, type Instant } from '@points/kernel';
import { publish } from '@points/messaging';
import { instantOf } from '../clock.js';
import { beginReserving } from '../exchange-by-link/link-order.js';
import { endingOrderColumns, refusedFact, reviewApprovedFact, type EndingOrder } from '../place-exchange-order/after-issue.js';
import { comeToNothing } from '../place-exchange-order/come-to-nothing.js';
import { issueOf } from '../place-exchange-order/issue.js';
import { orderOf, selectOrder, type Order, type OrderRow } from '../place-exchange-order/order-row.js';
import { linkOrderAfter } from '../rules/link-order-state.js';
import type { OrderState } from '../rules/order-state.js';
import type { Hit } from '../rules/screening.js';
import { announce } from '../tell-partners/announce.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { leaveReview } from '../upload-orders/count-ends.js';
import { reviewsPageMax, type DecideReview, type ReviewsQuery, type ReviewsView } from './screening-shapes.js';

/** Oldest first: they have waited longest. */
export async function listReviews(tx: Tx, programme: string, query: ReviewsQuery): Promise<ReviewsView> {
  const limit = query.limit ?? reviewsPageMax;
  const rows = await tx.query<OrderRow & { holder: string; screening: Hit[] }>(selectReviews, [programme, query.after ?? null, limit]);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return {
    reviews: rows.map((row) => ({
      order: row.id,
      partner: row.partner,
      orderId: row.order_id,
      myKeyId: row.my_key_id,
      holder: row.holder,
      partnerPoints: parsePoints(row.partner_points),
      municipalPoints: parsePoints(row.municipal_points),
      acceptedAt: instantOf(row.accepted_at),
      hits: row.screening,
    })),
    ...(last && { next: last.id }),
  };
}

/** A person's word on an order that waits: it is asked of the ledger now, or of its partner first where an account is linked, or comes to nothing. @throws Problem */
export async function decideReview(
  tx: Tx,
  programme: string,
  id: string,
  { decision, reason }: DecideReview,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<Order> {
  const [row] = await tx.query<ReviewedRow>(lockOrder, [programme, id]);
  if (!row) throw problem(404, 'unknown-order', 'the programme has no such order');
  if (row.state !== 'in-review')
    throw problem(409, 'not-in-review', `the order waits for nobody: it is ${row.state}`, { state: row.state });
  await tx.write('insert into order_review (tenant, order_row, decision, reason, decided_by, decided_at) values ($1, $2, $3, $4, $5, $6)', [
    ...[row.tenant, id, decision, reason, client, now],
  ]);
  await leaveReview(tx, [row.upload]);
  await announce(tx, [decisionFact(row, decision, now)]);
  if (decision === 'refuse') {
    await tx.write(refuseOrder, [id, JSON.stringify(refusedInReview)]);
    await comeToNothing(tx, [row]);
  } else if (row.channel === 'link') {
    await tx.write('update exchange_order set state = $2, updated_at = now() where id = $1', [
      id,
      linkOrderAfter(row.state, 'review-approved'),
    ]);
    await beginReserving(tx, id, now);
  } else {
    await tx.write(`update exchange_order set state = 'pending', updated_at = now() where id = $1`, [id]);
    await publish(tx, [
      issueOf({
        ...{ municipality: row.tenant, programme, reference: row.reference, holder: row.holder, partner: row.partner, client: row.client },
        points: parsePoints(row.municipal_points),
      }),
    ]);
  }
  const [after] = await tx.query<OrderRow>(`${selectOrder} where o.id = $1`, [id]);
  if (!after) throw new Error('assertion failed: an order that is locked must be there');
  return orderOf(after);
}

const refusedInReview = { code: 'refused-in-review', detail: 'the municipality has looked at the order and refused it' };

/** Without the reason: it is the guards' own. */
function decisionFact(row: ReviewedRow, decision: DecideReview['decision'], now: Instant): PartnerFact {
  return decision === 'refuse' ? refusedFact(row, refusedInReview) : reviewApprovedFact(row, now);
}

interface ReviewedRow extends EndingOrder {
  readonly state: OrderState;
}

const lockOrder = `
  select ${endingOrderColumns}, state
  from exchange_order where programme = $1 and id = $2 for update`;

const refuseOrder = `
  update exchange_order set state = 'refused', refusal = $2, bonus_state = case when campaign is not null then 'void' end, updated_at = now()
  where id = $1`;

const selectReviews = `
  select r.*, o.holder, o.screening from order_in_review w
  join exchange_order o on o.id = w.id
  join (${selectOrder}) r on r.id = o.id
  where w.programme = $1 and ($2::uuid is null or w.id > $2) order by w.id limit $3`;
