import type { Tx } from '@points/database';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { answer, problem, refusal, type Answer, type Cause } from '@points/http';
import { parsePoints, type Instant } from '@points/kernel';
import { currentTraceparent } from '@points/observability';
import { instantOf } from '../clock.js';
import { findOrder } from '../place-exchange-order/find-order.js';
import type { Order } from '../place-exchange-order/order-row.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { orderReference } from '../reference.js';
import { canonicalCode, decideRedemption, wrongCodesPerHourMax, type CouponFacts } from '../rules/coupon.js';
import { codeHash } from './code-hash.js';
import type { RedeemCoupon } from './coupon-shapes.js';

export interface Redeeming {
  readonly programme: string;
  readonly body: RedeemCoupon;
  /** Of the order that it may become. */
  readonly id: string;
  readonly secret: Buffer;
  readonly now: Instant;
  /** Tells that a code was wrong, and how many were in this hour in the whole programme. */
  readonly onWrong: (inProgramme: number) => void;
}

/**
 * Redeems a code: one code is one order, whatever happens on the way. A wrong code is counted against the person, so its answer is stored
 * and not thrown; so is that of a rule against fraud. @throws Problem
 */
export async function redeemCoupon(tx: Tx, cause: Cause, { programme, body, id, secret, now, onWrong }: Redeeming): Promise<Answer<Order>> {
  const holder = await findHolder(tx, body.myKeyId);
  if (holder === undefined) throw unknownMyKeyId();
  // Locked for this person: many guesses at the same time are counted one after the other.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`coupon ${programme} ${holder}`]);
  const wrong = await wrongCodes(tx, programme, holder, now);
  if (wrong >= wrongCodesPerHourMax)
    throw problem(429, 'too-many-wrong-codes', `${wrongCodesPerHourMax} codes were wrong within this hour; try again in the next one`);

  const code = canonicalCode(body.code);
  const coupon = code === undefined ? undefined : await lockCoupon(tx, programme, codeHash(secret, code));
  const decided = decideRedemption(coupon?.facts, { holder, at: now });
  if (!decided.ok) {
    if (decided.refusal.code === 'code-unknown') {
      const inProgramme = await countWrong(tx, { municipality: cause.municipality, programme, holder, now });
      tx.afterCommit(() => onWrong(inProgramme));
    }
    const left = Math.max(0, wrongCodesPerHourMax - wrong - 1);
    return refusal(422, decided.refusal.code, decided.refusal.detail, {
      ...decided.refusal.facts,
      ...(decided.refusal.code === 'code-unknown' && { triesLeft: left }),
    });
  }
  // A decision about a coupon has one.
  if (!coupon) throw new Error('assertion failed: a redemption without a coupon');
  const orderId = `coupon-${coupon.id}-${coupon.tries}`;
  if (decided.value === 'again') {
    const before = await findOrder(tx, programme, { partner: coupon.partner, orderId });
    if (!before) throw new Error('assertion failed: a redeemed coupon has its order');
    return answer(200, before);
  }
  const tries = coupon.tries + 1;
  const order = {
    orderId: `coupon-${coupon.id}-${tries}`,
    myKeyId: body.myKeyId,
    partner: coupon.partner,
    partnerPoints: coupon.partnerPoints,
    ...(body.origin && { origin: body.origin }),
  };
  const [placed] = await placeOrders(
    tx,
    [
      {
        ...{ id, municipality: cause.municipality, programme, order, channel: 'coupon', client: cause.client },
        ...{ isOnBehalf: true, mayBringHistory: false, traceparent: currentTraceparent() },
      },
    ],
    now,
  );
  if (!placed) throw new Error('assertion failed: every wish has an end');
  if ('problem' in placed) {
    const { status, code, detail } = placed.problem;
    // Stored and not thrown: the alert to the guards is in this transaction.
    if (code === 'screened') return refusal(status, code, detail);
    throw placed.problem;
  }
  const reference = orderReference({ programme, partner: coupon.partner, orderId: order.orderId });
  await tx.write('update coupon set reference = $2, holder = $6, tries = $3, redeemed_at = $4 where programme = $5 and code_hash = $1', [
    ...[coupon.hash, reference, tries, now, programme, holder],
  ]);
  return answer(201, placed.order);
}

/** The ledger has refused these orders: whose codes they were may try again. */
export async function freeCoupons(tx: Tx, references: readonly string[]): Promise<void> {
  if (references.length === 0) return;
  await tx.write('update coupon set reference = null, holder = null, redeemed_at = null where reference = any ($1)', [references]);
}

export interface CouponPlace {
  readonly batch: string;
  readonly serial: string;
}

/** By the reference of the order: which coupon it redeemed. */
export async function couponsOf(tx: Tx, references: readonly string[]): Promise<ReadonlyMap<string, CouponPlace>> {
  if (references.length === 0) return new Map();
  const rows = await tx.query<CouponPlace & { reference: string }>(selectByReference, [references]);
  return new Map(rows.map(({ reference, batch, serial }) => [reference, { batch, serial }]));
}

const selectByReference = { name: 'coupons_by_reference', text: 'select reference, batch, serial from coupon where reference = any ($1)' };

/** Deletes counts of wrong codes that are over; answers how many. Call again while it answers the maximum. */
export function pruneGuesses(tx: Tx): Promise<number> {
  return tx.write(
    `delete from coupon_guess where ctid = any (array(select ctid from coupon_guess where hour < now() - interval '24 hours' limit $1))`,
    [guessPruneRowsMax],
  );
}

export const guessPruneRowsMax = 10_000;

interface LockedCoupon {
  readonly id: string;
  readonly hash: Buffer;
  readonly partner: string;
  readonly partnerPoints: number;
  readonly tries: number;
  readonly facts: CouponFacts;
}

async function lockCoupon(tx: Tx, programme: string, hash: Buffer): Promise<LockedCoupon | undefined> {
  const [row] = await tx.query<{
    id: string;
    partner: string;
    partner_points: string;
    tries: number;
    expires_at: Date;
    is_voided: boolean;
    redeemed_by: string | null;
  }>(selectCoupon, [programme, hash]);
  return (
    row && {
      id: row.id,
      hash,
      partner: row.partner,
      partnerPoints: parsePoints(row.partner_points),
      tries: row.tries,
      facts: {
        expiresAt: instantOf(row.expires_at),
        isVoided: row.is_voided,
        ...(row.redeemed_by !== null && { redeemedBy: row.redeemed_by }),
      },
    }
  );
}

async function wrongCodes(tx: Tx, programme: string, holder: string, now: Instant): Promise<number> {
  const [row] = await tx.query<{ wrong: number }>(
    `select wrong from coupon_guess where programme = $1 and holder = $2 and hour = date_trunc('hour', $3::timestamptz)`,
    [programme, holder, now],
  );
  return row?.wrong ?? 0;
}

async function countWrong(
  tx: Tx,
  { municipality, programme, holder, now }: { municipality: string; programme: string; holder: string; now: Instant },
): Promise<number> {
  // Those of a programme one after the other: two that do not see each other would pass over the number that raises the alarm.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`wrong coupon codes ${programme}`]);
  await tx.write(
    `insert into coupon_guess as g (tenant, programme, holder, hour, wrong) values ($1, $2, $3, date_trunc('hour', $4::timestamptz), 1)
     on conflict on constraint coupon_guess_pk do update set wrong = g.wrong + 1`,
    [municipality, programme, holder, now],
  );
  const [row] = await tx.query<{ wrong: number }>(
    `select sum(wrong)::int as wrong from coupon_guess where programme = $1 and hour = date_trunc('hour', $2::timestamptz)`,
    [programme, now],
  );
  return row?.wrong ?? 0;
}

/** To whom it belongs must stand in the locked row itself: what a statement reads of other tables is as old as its beginning, before it waited for the lock. */
const selectCoupon = {
  name: 'lock_coupon',
  text: `
    select c.id, c.partner, c.partner_points, c.tries, b.expires_at, b.voided_at is not null as is_voided, c.holder as redeemed_by
    from coupon c join coupon_batch b on b.programme = c.programme and b.partner = c.partner and b.batch = c.batch
    where c.programme = $1 and c.code_hash = $2 for update of c for share of b`,
};
