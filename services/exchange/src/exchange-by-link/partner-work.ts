import type { Tx } from '@points/database';
import { parsePoints, uuidv7, type Instant, type Points } from '@points/kernel';
import { publish } from '@points/messaging';
import { instantOf } from '../clock.js';
import { connectionColumns, type ConnectionRow } from '../link-accounts/connection.js';
import { bonusOf, completedFact, endingOrderColumns, refusedFact, type EndingOrder } from '../place-exchange-order/after-issue.js';
import { comeToNothing } from '../place-exchange-order/come-to-nothing.js';
import { issueOf } from '../place-exchange-order/issue.js';
import type { RefusalView } from '../place-exchange-order/order-view.js';
import { takeBackUncommitted } from '../reverse-orders/reverse-orders.js';
import { linkOrderAfter, partnerStepOf, type LinkOrderEvent, type PartnerStep } from '../rules/link-order-state.js';
import type { OrderState } from '../rules/order-state.js';
import type { PartnerAnswer } from '../rules/partner-answer.js';
import { partnerAttemptsMax, retryDelayMs } from '../rules/retry.js';
import { announce } from '../tell-partners/announce.js';
import { makeDue } from './link-order.js';

/** One attempt to have a partner reserve, commit or cancel. */
export interface PartnerWork {
  readonly id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly state: OrderState;
  readonly step: PartnerStep;
  readonly municipality: string;
  readonly link: string;
  readonly partnerPoints: Points;
  readonly connection: ConnectionRow;
}

/** The partner's answer, or that it cannot be asked any more because the link is over. */
export type PartnerSaid = Exclude<PartnerAnswer, { kind: 'token-refused' }> | { readonly kind: 'link-ended' };

/**
 * Takes orders whose time at their partner has come, and puts their next attempt behind the lease: if this process dies now, another one
 * takes them up then. Replicas pass over each other's.
 */
export async function claimPartnerWork(tx: Tx, limit: number, leaseSeconds: number): Promise<PartnerWork[]> {
  const rows = await tx.query<WorkRow>(claim, [limit, leaseSeconds, uuidv7()]);
  return rows.flatMap((row) => {
    const step = partnerStepOf(row.state);
    // Between two states of its own: the one that moves it on makes it due anew.
    if (!step) return [];
    const { id, lease, attempts: attempt, state, tenant: municipality, link } = row;
    return [{ id, lease, attempt, state, step, municipality, link, partnerPoints: parsePoints(row.partner_points), connection: row }];
  });
}

export type PartnerRecord = OrderState | 'tried-again' | 'attempts-used-up' | 'stale';

/** Writes down what the partner said and does what follows from it, in one transaction. */
export async function recordPartnerSaid(
  tx: Tx,
  work: PartnerWork,
  said: PartnerSaid,
  at: { now: Instant; random: number },
): Promise<PartnerRecord> {
  const [order] = await tx.query<OrderRow>(lockOrder, [work.id]);
  const [row] = await tx.query<{ lease: string | null; reserve_until: Date }>(lockRow, [work.id]);
  if (order?.state !== work.state || row?.lease !== work.lease) return 'stale';
  const ended: Ended = { order, partner: work.connection.partner };
  const nowMs = Date.parse(at.now);
  switch (said.kind) {
    case 'reserved':
      if (Date.parse(said.lapsesAt) - nowMs < lapseMarginMs)
        return giveUp(tx, order, refusalOf('partner-refused', 'the partner reserves for too short a time', ended, 'lapses-too-soon'));
      await tx.write('update link_order set lapses_at = $2 where id = $1', [work.id, said.lapsesAt]);
      await publish(tx, [issueOf(toIssue(ended))]);
      return move(tx, order, 'partner-reserved');
    case 'committed':
      await tx.write('update link_order set receipt = $2 where id = $1', [work.id, said.receipt]);
      await publish(tx, bonusOf(order));
      if (order.posting === null || !order.booked_at) throw new Error('assertion failed: what is committed is issued');
      await announce(tx, [completedFact(order, order.posting, instantOf(order.booked_at))]);
      return move(tx, order, 'partner-committed', { bonus: 'pending' });
    case 'cancelled':
      if (order.refusal) await announce(tx, [refusedFact(order, order.refusal)]);
      return move(tx, order, 'partner-cancelled');
    case 'refused':
      if (work.step === 'reserve') return refuse(tx, ended, refusalOf('partner-refused', said.detail, ended, said.code));
      return work.step === 'commit'
        ? takeBack(tx, ended, refusalOf('partner-refused', said.detail, ended, said.code), said, at.now)
        : move(tx, order, 'cancel-refused', { problem: `the partner refused the cancel: ${said.code}, ${said.detail}` });
    case 'contradicted':
      return giveUp(tx, order, refusalOf('partner-refused', said.detail, ended, said.code));
    case 'link-ended':
      return giveUp(tx, order, refusalOf('link-ended', 'the partner gives no access to the account any more; link it again', ended));
    case 'failed': {
      const delayMs = retryDelayMs(work.attempt, at.random, partnerAttemptsMax);
      if (work.step === 'reserve' && (delayMs === undefined || nowMs + delayMs > row.reserve_until.getTime()))
        return giveUp(
          tx,
          order,
          refusalOf('partner-unavailable', 'the partner did not answer in time; nothing was exchanged', ended),
          said.reason,
        );
      await tx.write(postpone, [work.id, delayMs === undefined ? null : delayMs / 1_000, said.reason.slice(0, problemCharactersMax)]);
      return delayMs === undefined ? 'attempts-used-up' : 'tried-again';
    }
  }
}

/** Somebody calls an order off while its partner is asked to reserve. The order is locked. What the partner may have reserved is cancelled. */
export async function callOffReserving(tx: Tx, id: string, refusal: RefusalView): Promise<void> {
  const [order] = await tx.query<OrderRow>(lockOrder, [id]);
  if (order?.state !== 'reserving') throw new Error(`assertion failed: the order ${id} is being reserved`);
  await giveUp(tx, order, refusal);
}

/** A reservation that ends sooner is not worth the risk: the ledger may take a while, and then the partner would refuse the commit. */
export const lapseMarginMs = 60_000;
const problemCharactersMax = 300;

interface Ended {
  readonly order: OrderRow;
  readonly partner: string;
}

/** Nothing is reserved at the partner, and nothing will be: the order is over. */
async function refuse(tx: Tx, { order }: Ended, refusal: RefusalView): Promise<PartnerRecord> {
  await comeToNothing(tx, [order]);
  await announce(tx, [refusedFact(order, refusal)]);
  return move(tx, order, 'partner-refused', { refusal, bonus: 'void' });
}

/** Something may be reserved at the partner: it is cancelled, and then the order is over. */
async function giveUp(tx: Tx, order: OrderRow, refusal: RefusalView, problem?: string): Promise<PartnerRecord> {
  await comeToNothing(tx, [order]);
  return move(tx, order, 'reserve-given-up', { refusal, bonus: 'void', ...(problem !== undefined && { problem }) });
}

/** Issued here, and never to be taken there: the points are taken back from the holder. */
async function takeBack(
  tx: Tx,
  { order, partner }: Ended,
  refusal: RefusalView,
  { code, detail }: { readonly code: string; readonly detail: string },
  now: Instant,
): Promise<PartnerRecord> {
  const problem = `the partner refused the commit: ${code}, ${detail}`;
  await move(tx, order, 'commit-refused', { refusal, problem });
  const { id, reference, tenant: municipality, programme, holder, client } = order;
  await takeBackUncommitted(tx, { id, reference, municipality, programme, partner, holder, client }, problem, now);
  return 'reversing';
}

async function move(
  tx: Tx,
  order: OrderRow,
  event: LinkOrderEvent,
  change: { readonly refusal?: RefusalView; readonly bonus?: 'pending' | 'void'; readonly problem?: string } = {},
): Promise<OrderState> {
  const state = linkOrderAfter(order.state, event);
  if (!state) throw new Error(`assertion failed: an order that is ${order.state} does not hear ${event}`);
  const bonus = order.campaign === null ? null : (change.bonus ?? null);
  await tx.write(writeOrder, [order.id, state, change.refusal ? JSON.stringify(change.refusal) : null, bonus]);
  if (partnerStepOf(state)) await makeDue(tx, [order.id]);
  else await tx.write(rest, [order.id]);
  if (change.problem !== undefined)
    await tx.write('update link_order set last_problem = $2 where id = $1', [order.id, change.problem.slice(0, problemCharactersMax)]);
  return state;
}

function refusalOf(code: string, detail: string, { partner }: Ended, partnerCode?: string): RefusalView {
  return { code, detail, facts: { partner, ...(partnerCode !== undefined && { partnerCode }) } };
}

function toIssue({ order, partner }: Ended) {
  const { tenant: municipality, programme, reference, holder, client } = order;
  return { municipality, programme, reference, holder, partner, client, points: parsePoints(order.municipal_points) };
}

interface OrderRow extends EndingOrder {
  readonly state: OrderState;
  readonly posting: string | null;
  readonly booked_at: Date | null;
  readonly refusal: RefusalView | null;
}

interface WorkRow extends ConnectionRow {
  readonly id: string;
  readonly lease: string;
  readonly attempts: number;
  readonly state: OrderState;
  readonly tenant: string;
  readonly link: string;
  readonly partner_points: string;
}

const claim = {
  name: 'claim_partner_work',
  text: `
    with due as (
      select id from link_order where next_attempt_at <= now() order by next_attempt_at limit $1 for update skip locked
    )
    update link_order l
    set attempts = l.attempts + 1, next_attempt_at = now() + make_interval(secs => $2::double precision), lease = $3, updated_at = now()
    from due d, exchange_order o, partner_connection c
    where l.id = d.id and o.id = d.id and c.programme = o.programme and c.partner = o.partner
    returning l.id, l.lease, l.attempts, l.tenant, l.link, o.state, o.partner_points, ${connectionColumns}`,
};

// The order first, as whoever hears the ledger does.
const lockOrder = {
  name: 'lock_link_order',
  text: `select ${endingOrderColumns}, state, posting, booked_at, refusal from exchange_order where id = $1 for update`,
};
const lockRow = { name: 'lock_partner_work', text: 'select lease, reserve_until from link_order where id = $1 for update' };

const writeOrder = {
  name: 'move_link_order',
  text: `
    update exchange_order
    set state = $2, refusal = coalesce($3::jsonb, refusal), bonus_state = coalesce($4, bonus_state), updated_at = now() where id = $1`,
};

const rest = {
  name: 'rest_link_order',
  text: `update link_order set attempts = 0, lease = null, next_attempt_at = null, last_problem = null, updated_at = now() where id = $1`,
};

const postpone = {
  name: 'postpone_partner_work',
  text: `
    update link_order set next_attempt_at = now() + make_interval(secs => $2::double precision), last_problem = $3, updated_at = now()
    where id = $1`,
};
