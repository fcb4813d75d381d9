import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { parseInstant, parsePoints, uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { canonicalCode } from '../rules/coupon.js';
import type { PartnerKind } from '../rules/channel.js';
import { termsAt } from '../set-up-partners/partner.js';
import { codeHash } from './code-hash.js';
import {
  batchesListedMax,
  couponsPageMax,
  couponStates,
  type AddCoupons,
  type AddedCouponsView,
  type CouponBatchPath,
  type CouponBatchView,
  type CouponsQuery,
  type CouponState,
  type CouponsView,
  type NewCoupon,
  type PutCouponBatch,
} from './coupon-shapes.js';

type BatchKey = Pick<CouponBatchPath, 'municipality' | 'programme' | 'partner' | 'batch'>;

/** Makes a batch, or changes its name and its end while nobody can have been told another one: an end is only ever put off. @throws Problem */
export async function putBatch(
  tx: Tx,
  key: BatchKey,
  body: PutCouponBatch,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<{ readonly isNew: boolean; readonly batch: CouponBatchView }> {
  const expiresAt = parseInstant(body.expiresAt);
  const isNew =
    (await tx.write(insertBatch, [key.municipality, key.programme, key.partner, key.batch, body.name, expiresAt, client, now])) === 1;
  if (isNew && expiresAt <= now) throw endsTooEarly('lies in the past');
  if (!isNew) {
    const [row] = await tx.query<{ expires_at: Date; voided_at: Date | null }>(lockBatch, [key.programme, key.partner, key.batch]);
    if (!row) throw new Error('assertion failed: a batch that was in the way must be there');
    if (row.voided_at) throw batchVoid();
    if (expiresAt < instantOf(row.expires_at)) throw endsTooEarly('is before the end that was set; codes that are out keep their time');
    await tx.write('update coupon_batch set name = $4, expires_at = $5 where programme = $1 and partner = $2 and batch = $3', [
      ...[key.programme, key.partner, key.batch, body.name, expiresAt],
    ]);
  }
  return { isNew, batch: await readBatch(tx, key, now) };
}

/** All or none: the errors name each wrong entry. A code that is there with the same content is no error. @throws Problem */
export async function addCoupons(tx: Tx, key: BatchKey, { coupons }: AddCoupons, secret: Buffer): Promise<AddedCouponsView> {
  const [batch] = await tx.query<{ voided_at: Date | null; lot: string }>(lockBatchWithLot, [key.programme, key.partner, key.batch]);
  if (!batch) throw unknownBatch();
  if (batch.voided_at) throw batchVoid();
  const lot = parsePoints(batch.lot);
  const errors = [...wrongEntries(coupons, lot)];
  if (errors.length) throw wrongCoupons(errors);

  // Checked above: every code has its form.
  const hashes = coupons.map(({ code }) => codeHash(secret, canonicalCode(code) ?? ''));
  const values = [coupons.map(() => uuidv7()), coupons.map(({ serial }) => serial), hashes, coupons.map((one) => one.partnerPoints)];
  const added = await tx.write(insertCoupons, [key.municipality, key.programme, key.partner, key.batch, ...values]);
  if (added === coupons.length) return { added, known: 0 };
  const same = await tx.query<{ serial: string }>(sameCoupons, [key.programme, key.partner, key.batch, ...values.slice(1)]);
  const known = new Set(same.map(({ serial }) => serial));
  const taken = coupons.flatMap(({ serial }, index) =>
    known.has(serial) ? [] : [{ field: `coupons.${index}`, reason: 'its serial or its code is taken by another coupon' }],
  );
  if (taken.length) throw wrongCoupons(taken);
  return { added, known: coupons.length - added };
}

/** For good: no code of it can be redeemed any more. What was redeemed stays. @throws Problem */
export async function voidBatch(
  tx: Tx,
  key: BatchKey,
  reason: string,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<CouponBatchView> {
  const [row] = await tx.query<{ voided_at: Date | null }>(lockBatch, [key.programme, key.partner, key.batch]);
  if (!row) throw unknownBatch();
  if (row.voided_at) throw batchVoid();
  await tx.write(
    'update coupon_batch set voided_by = $4, voided_at = $5, void_reason = $6 where programme = $1 and partner = $2 and batch = $3',
    [key.programme, key.partner, key.batch, client, now, reason],
  );
  return readBatch(tx, key, now);
}

export async function readBatch(tx: Tx, key: BatchKey, now: Instant): Promise<CouponBatchView> {
  const [row] = await tx.query<BatchRow>(`${selectBatches} and b.batch = $4`, [key.programme, key.partner, now, key.batch]);
  if (!row) throw unknownBatch();
  return batchView(row);
}

/** Newest first. */
export async function listBatches(tx: Tx, key: Omit<BatchKey, 'batch'>, now: Instant): Promise<CouponBatchView[]> {
  const rows = await tx.query<BatchRow>(`${selectBatches} order by b.made_at desc, b.batch limit ${batchesListedMax}`, [
    key.programme,
    key.partner,
    now,
  ]);
  return rows.map(batchView);
}

/** In order of serial: which codes are still out, without the codes. */
export async function listCoupons(tx: Tx, key: BatchKey, query: CouponsQuery, now: Instant): Promise<CouponsView> {
  const limit = query.limit ?? couponsPageMax;
  const rows = await tx.query<{ serial: string; state: CouponState; partner_points: string; redeemed_at: Date | null }>(pageOfCoupons, [
    ...[key.programme, key.partner, now, key.batch, query.after ?? '', query.state ?? null, limit],
  ]);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return {
    coupons: rows.map((row) => ({
      serial: row.serial,
      state: row.state,
      partnerPoints: parsePoints(row.partner_points),
      ...(row.redeemed_at && { redeemedAt: instantOf(row.redeemed_at) }),
    })),
    ...(last && { next: last.serial }),
  };
}

/** The partner's own clients, and the staff that may act for all. @throws Problem */
export async function requireCouponPartner(tx: Tx, key: Omit<BatchKey, 'batch'>, cause: Cause): Promise<void> {
  const [row] = await tx.query<{ kind: PartnerKind; clients: string[] }>(
    `select p.kind, t.clients from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2`,
    [key.programme, key.partner],
  );
  if (!row) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  if (!cause.scopes.has('exchange:on-behalf') && !row.clients.includes(cause.client))
    throw problem(403, 'client-not-of-partner', 'this client may not act for this partner', { partner: key.partner });
  if (row.kind !== 'coupon-code')
    throw problem(422, 'wrong-channel', `the partner is of the kind ${row.kind}: it has no coupon codes`, { kind: row.kind });
}

function* wrongEntries(coupons: readonly NewCoupon[], lot: number): Iterable<{ field: string; reason: string }> {
  const [serials, codes] = [new Set<string>(), new Set<string>()];
  for (const [index, { serial, code, partnerPoints }] of coupons.entries()) {
    const canonical = canonicalCode(code);
    if (canonical === undefined) yield { field: `coupons.${index}.code`, reason: 'must be 12 to 32 letters and digits' };
    else if (codes.has(canonical)) yield { field: `coupons.${index}.code`, reason: 'stands twice in this request' };
    if (serials.has(serial)) yield { field: `coupons.${index}.serial`, reason: 'stands twice in this request' };
    if (partnerPoints % lot !== 0) yield { field: `coupons.${index}.partnerPoints`, reason: `must be whole lots of ${lot}` };
    serials.add(serial);
    if (canonical !== undefined) codes.add(canonical);
  }
}

interface BatchRow {
  readonly batch: string;
  readonly name: string;
  readonly expires_at: Date;
  readonly made_by: string;
  readonly made_at: Date;
  readonly voided_by: string | null;
  readonly voided_at: Date | null;
  readonly void_reason: string | null;
  readonly counts: readonly { readonly state: CouponState; readonly codes: number; readonly points: string }[] | null;
}

function batchView(row: BatchRow): CouponBatchView {
  return {
    batch: row.batch,
    name: row.name,
    expiresAt: instantOf(row.expires_at),
    madeBy: row.made_by,
    madeAt: instantOf(row.made_at),
    ...(row.voided_by !== null && { voidedBy: row.voided_by }),
    ...(row.voided_at && { voidedAt: instantOf(row.voided_at) }),
    ...(row.void_reason !== null && { voidReason: row.void_reason }),
    counts: couponStates.map((state) => {
      const found = row.counts?.find((one) => one.state === state);
      return { state, codes: found?.codes ?? 0, partnerPoints: parsePoints(found?.points ?? '0') };
    }),
  };
}

const errorsShownMax = 100;

function wrongCoupons(errors: readonly { field: string; reason: string }[]) {
  return problem(422, 'invalid-request', `${errors.length} coupons are wrong; none was added`, { errors: errors.slice(0, errorsShownMax) });
}

function endsTooEarly(reason: string) {
  return problem(422, 'invalid-request', `the body is wrong: expiresAt ${reason}`, { errors: [{ field: 'expiresAt', reason }] });
}

function batchVoid() {
  return problem(409, 'batch-void', 'the batch was withdrawn');
}

function unknownBatch() {
  return problem(404, 'unknown-batch', 'the partner has no such batch of coupons');
}

/** Of `coupon c` with its batch `b`; $3 is now. */
const couponState = `
  case when c.reference is not null then 'redeemed' when b.voided_at is not null then 'void' when b.expires_at <= $3 then 'expired' else 'unused' end`;

const selectBatches = `
  select b.batch, b.name, b.expires_at, b.made_by, b.made_at, b.voided_by, b.voided_at, b.void_reason,
    (select json_agg(s) from (
       select ${couponState} as state, count(*)::int as codes, sum(c.partner_points)::text as points
       from coupon c where c.programme = b.programme and c.partner = b.partner and c.batch = b.batch group by 1
     ) s) as counts
  from coupon_batch b where b.programme = $1 and b.partner = $2`;

const pageOfCoupons = `
  select c.serial, ${couponState} as state, c.partner_points, c.redeemed_at
  from coupon c join coupon_batch b on b.programme = c.programme and b.partner = c.partner and b.batch = c.batch
  where c.programme = $1 and c.partner = $2 and c.batch = $4 and c.serial > $5 collate "C" and ($6::text is null or ${couponState} = $6)
  order by c.serial collate "C" limit $7`;

const lockBatch = 'select expires_at, voided_at from coupon_batch where programme = $1 and partner = $2 and batch = $3 for update';

const lockBatchWithLot = `
  select b.voided_at, t.lot_partner_points as lot from coupon_batch b
  join partner p on p.programme = b.programme and p.partner = b.partner ${termsAt('now()')}
  where b.programme = $1 and b.partner = $2 and b.batch = $3 for update of b`;

const insertBatch = `
  insert into coupon_batch (tenant, programme, partner, batch, name, expires_at, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict on constraint coupon_batch_pk do nothing`;

const insertCoupons = {
  name: 'insert_coupons',
  text: `
    insert into coupon (tenant, programme, partner, batch, id, serial, code_hash, partner_points)
    select $1, $2, $3, $4, * from unnest($5::uuid[], $6::text[], $7::bytea[], $8::bigint[]) as i (id, serial, code_hash, partner_points)
    order by code_hash
    on conflict do nothing`,
};

const sameCoupons = `
  select c.serial from unnest($4::text[], $5::bytea[], $6::bigint[]) as w (serial, code_hash, partner_points)
  join coupon c on c.programme = $1 and c.partner = $2 and c.batch = $3 and c.serial = w.serial and c.code_hash = w.code_hash
    and c.partner_points = w.partner_points`;
