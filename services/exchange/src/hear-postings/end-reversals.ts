import type { Tx } from '@points/database';
import { takeFromReserve } from '../allocate-reserve/reserve-books.js';
import { parsePoints, type Instant } from '@points/kernel';
import { publish, type OutgoingEvent } from '@points/messaging';
import { instantOf } from '../clock.js';
import { writeCounts } from '../place-exchange-order/counters.js';
import type { BonusState } from '../place-exchange-order/order-view.js';
import { reversalOfOrder } from '../reverse-orders/ask-reversal.js';
import type { Count } from '../rules/caps.js';
import type { Channel } from '../rules/channel.js';
import { linkOrderAfter } from '../rules/link-order-state.js';
import { orderAfter, type OrderState } from '../rules/order-state.js';
import { countsGivenBack, type ReversalReason, type ReversalState } from '../rules/reversal.js';
import { announce } from '../tell-partners/announce.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

/**
 * Brings reversals on by what the ledger says: first the order's own points, then its bonus; answers the ids of the orders for which it
 * is over. The own points come first because they were granted first and are used first: a bonus is whole as long as they are.
 * @throws Error when a fact has no reversal or contradicts it: it is parked and a person looks
 */
export async function endReversals(tx: Tx, facts: readonly PostingFact<'reversal'>[]): Promise<string[]> {
  if (facts.length === 0) return [];
  const rows = await tx.query<Row>(lockReversals, [facts.map((one) => one.reference), facts.map((one) => one.askedAgain)]);
  const known = new Map(rows.map((row) => [keyOf(row.reference, row.asked_again), row]));
  const next: OutgoingEvent[] = [];
  const moved = new Map<string, Row>();
  for (const fact of facts) {
    const key = keyOf(fact.reference, fact.askedAgain);
    const before = known.get(key);
    if (!before) throw new Error(`there is no reversal ${fact.askedAgain} of an order with the reference ${fact.reference}`);
    const after = fact.part === 'order' ? afterOwn(before, fact.outcome) : afterBonus(before, fact.outcome);
    if (after === before) continue;
    if (after.state === 'bonus-asked') next.push(bonusReversal(after));
    known.set(key, after);
    moved.set(key, after);
  }
  const all = [...moved.values()];
  if (all.length === 0) return [];
  await writeRows(tx, all);
  await takeFromReserve(
    tx,
    all.flatMap(({ order_row: orderRow, own, bonus }) => [
      ...(own ? [{ orderRow, part: 'order' as const, points: own.taken }] : []),
      ...(bonus ? [{ orderRow, part: 'bonus' as const, points: bonus.taken }] : []),
    ]),
  );
  await publish(tx, next);
  const ended = all.filter((one) => one.state === 'reversed');
  await writeCounts(
    tx,
    ended.flatMap((one) => givenBack(one).map((count) => ({ ...count, programme: one.programme }))),
  );
  const over = all.filter((one) => one.state !== 'bonus-asked');
  await announce(tx, over.map(partnerFactOf));
  return over.map((one) => one.order_row);
}

interface Taken {
  readonly posting: string;
  readonly taken: number;
  readonly owed: number;
  readonly at: string;
}

interface Row {
  readonly id: string;
  readonly order_row: string;
  readonly reference: string;
  readonly asked_again: number;
  readonly tenant: string;
  readonly programme: string;
  readonly partner: string;
  readonly order_id: string;
  readonly channel: Channel;
  readonly partner_points: string;
  readonly holder: string;
  readonly requested_by: string;
  readonly reason: ReversalReason;
  readonly effective_at: Date | null;
  readonly state: ReversalState;
  readonly order_state: OrderState;
  /** Of a linked account, and its partner has refused to take its points: refused here too, two parties contradict each other. */
  readonly is_uncommitted: boolean;
  readonly municipal_points: string;
  readonly bonus_points: string | null;
  readonly bonus_state: BonusState | null;
  readonly counts: readonly Count[] | null;
  /** Of the own points, where they were taken back in a step before. */
  readonly posting: string | null;
  readonly taken_points: string | null;
  readonly owed_points: string | null;
  readonly reversed_at: Date | null;
  readonly own?: Taken;
  readonly refusal?: string | null;
  readonly bonus?: Taken;
  readonly bonusRefusal?: string | null;
}

type Outcome = PostingFact['outcome'];

function afterOwn(row: Row, outcome: Outcome): Row {
  const isBefore = row.state === 'asked';
  if (!isBefore && (row.state === 'refused') === (outcome.status === 'refused')) return row;
  const event = outcome.status === 'refused' ? 'reversal-refused' : 'reversal-ended';
  const orderState = isBefore ? (row.is_uncommitted ? linkOrderAfter : orderAfter)(row.order_state, event) : undefined;
  if (!orderState)
    throw new Error(`the reversal ${row.id} is ${row.state}, its order ${row.order_state}, and is said to be ${outcome.status}`);
  if (outcome.status === 'refused') return { ...row, state: 'refused', order_state: orderState, refusal: refusalOf(outcome) };
  const own = takenOf(row, outcome, row.municipal_points);
  // The ledger has one order per holder: an issue of the bonus that is under way is there before its reversal.
  const isBonusThere = row.bonus_state === 'posted' || row.bonus_state === 'pending';
  if (isBonusThere) return { ...row, state: 'bonus-asked', own };
  const bonus_state = row.bonus_state === 'waiting' ? 'void' : row.bonus_state;
  return { ...row, state: 'reversed', order_state: orderState, bonus_state, own };
}

function afterBonus(row: Row, outcome: Outcome): Row {
  if (row.state === 'reversed') return row;
  const orderState = row.state === 'bonus-asked' ? orderAfter(row.order_state, 'reversal-ended') : undefined;
  if (!orderState) throw new Error(`the reversal ${row.id} is ${row.state} and that of its bonus is said to be ${outcome.status}`);
  const ended = { ...row, state: 'reversed' as const, order_state: orderState };
  // Of a bonus that was never issued there is nothing to say.
  if (outcome.status === 'refused') return row.bonus_state === 'refused' ? ended : { ...ended, bonusRefusal: refusalOf(outcome) };
  return { ...ended, bonus_state: 'reversed', bonus: takenOf(row, outcome, row.bonus_points ?? '0') };
}

function takenOf(row: Row, { posting, amount, owed = 0, effectiveAt }: Extract<Outcome, { status: 'posted' }>, issued: string): Taken {
  // Less where some had expired.
  if (amount + owed > parsePoints(issued)) throw new Error(`the reversal ${row.id} took more points back than were issued`);
  return { posting, taken: amount, owed, at: effectiveAt };
}

function givenBack(row: Row): Count[] {
  // An instant of the ledger.
  return countsGivenBack(row.counts ?? [], {
    at: ownOf(row).at as Instant,
    isBonusTaken: row.bonus_state === 'reversed' || row.bonus_state === 'void',
  });
}

function ownOf({ own, posting, taken_points: taken, owed_points: owed, reversed_at: at }: Row): Taken {
  if (own) return own;
  if (posting === null || taken === null || owed === null || !at) throw new Error('assertion failed: what is reversed has been taken back');
  return { posting, taken: parsePoints(taken), owed: parsePoints(owed), at: instantOf(at) };
}

/** Of a reversal that is over. Without the facts of a refusal: they are for whoever asks for the order. */
function partnerFactOf(row: Row): PartnerFact {
  const { tenant: municipality, programme, partner, order_id: orderId, channel, reason } = row;
  const points = { partnerPoints: parsePoints(row.partner_points), municipalPoints: parsePoints(row.municipal_points) };
  const about = { municipality, programme, partner };
  if (row.state === 'refused') {
    // Written by `refusalOf`, a few lines up the road.
    const { code, detail } = JSON.parse(row.refusal ?? '{}') as { code: string; detail: string };
    return { ...about, type: 'exchange-order.reversal-refused', data: { orderId, channel, ...points, reason, code, detail } };
  }
  const { taken, owed, at } = ownOf(row);
  return {
    ...about,
    type: 'exchange-order.reversed',
    data: { orderId, channel, ...points, reason, takenBack: taken, owed, reversedAt: at },
  };
}

function bonusReversal(row: Row): OutgoingEvent {
  const { tenant: municipality, programme, reference, holder, asked_again: askedAgain, requested_by: client, reason, effective_at } = row;
  const effectiveAt = effective_at ? { effectiveAt: instantOf(effective_at) } : {};
  return reversalOfOrder({ municipality, programme, reference, holder, part: 'bonus', askedAgain, client, reason, ...effectiveAt });
}

async function writeRows(tx: Tx, rows: readonly Row[]): Promise<void> {
  const of = <T>(pick: (row: Row) => T | null | undefined) => rows.map((row) => pick(row) ?? null);
  await tx.write(writeReversals, [
    ...[of((row) => row.id), of((row) => row.state)],
    ...[of((row) => row.own?.posting), of((row) => row.own?.taken), of((row) => row.own?.owed), of((row) => row.own?.at)],
    ...[of((row) => row.refusal)],
    ...[of((row) => row.bonus?.posting), of((row) => row.bonus?.taken), of((row) => row.bonus?.owed), of((row) => row.bonus?.at)],
    ...[of((row) => row.bonusRefusal)],
  ]);
  await tx.write(writeOrders, [of((row) => row.order_row), of((row) => row.order_state), of((row) => row.bonus_state)]);
}

function keyOf(reference: string, askedAgain: number): string {
  return `${reference} ${askedAgain}`;
}

// Ordered, so that two consumers of one batch queue up instead of deadlocking.
const lockReversals = {
  name: 'lock_reversals',
  text: `
    select r.id, r.order_row, o.reference, r.asked_again, o.tenant, o.programme, o.partner, o.order_id, o.channel, o.partner_points, o.holder, r.requested_by, r.reason, r.effective_at, r.state,
           o.state as order_state, coalesce(l.receipt is null and o.channel = 'link', false) as is_uncommitted, o.municipal_points, o.bonus_points, o.bonus_state, o.counts, r.posting, r.taken_points, r.owed_points,
           r.reversed_at
    from unnest($1::text[], $2::integer[]) as w (reference, asked_again)
    join exchange_order o on o.reference = w.reference
    join order_reversal r on r.order_row = o.id and r.asked_again = w.asked_again
    left join link_order l on l.id = o.id
    order by o.id for update of o, r`,
};

const writeReversals = {
  name: 'end_reversals',
  text: `
    update order_reversal r
    set state = u.state, posting = coalesce(r.posting, u.posting), taken_points = coalesce(r.taken_points, u.taken), owed_points = coalesce(r.owed_points, u.owed),
        reversed_at = coalesce(r.reversed_at, u.reversed_at), refusal = u.refusal, bonus_posting = u.bonus_posting, bonus_taken_points = u.bonus_taken,
        bonus_owed_points = u.bonus_owed, bonus_reversed_at = u.bonus_reversed_at, bonus_refusal = u.bonus_refusal,
        ended_at = case when u.state in ('reversed', 'refused') then now() end
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::jsonb[], $8::uuid[], $9::bigint[], $10::bigint[],
                $11::timestamptz[], $12::jsonb[])
      as u (id, state, posting, taken, owed, reversed_at, refusal, bonus_posting, bonus_taken, bonus_owed, bonus_reversed_at, bonus_refusal)
    where r.id = u.id`,
};

const writeOrders = {
  name: 'end_reversed_orders',
  text: `
    update exchange_order o set state = u.state, bonus_state = u.bonus_state, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::text[]) as u (id, state, bonus_state) where o.id = u.id`,
};
