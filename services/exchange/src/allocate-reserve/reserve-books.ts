import type { PostingOutcome } from '@points/contracts';
import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { lastChoiceDay, parseInstant, parsePoints, programmeId, tenantOf, uuidv7, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { arrivalState, dueAt, isChoosable, netted, type Arrival, type BaseProgramme } from '../rules/reserve.js';
import { findAllocations } from './find-allocation.js';
import { allocationsShownMax, arrivalsShownMax, type ArrivalView, type HolderReserveView } from './reserve-shapes.js';

export interface Arrived {
  readonly orderRow: string;
  readonly part: 'order' | 'bonus';
  readonly programme: string;
  readonly holder: string;
  readonly points: number;
  /** Of these: what paid a debt at once, and so does not wait. */
  readonly repaid?: number | undefined;
  readonly at: Instant;
}

/** Nothing of what was refused. */
export function arrivalOf(
  part: Arrived['part'],
  { id, programme, holder }: { readonly id: string; readonly programme: string; readonly holder: string },
  outcome: PostingOutcome,
): Arrived[] {
  if (outcome.status !== 'posted') return [];
  const { amount, repaid, effectiveAt } = outcome;
  return [{ orderRow: id, part, programme, holder, points: amount, repaid, at: parseInstant(effectiveAt) }];
}

/** Writes down what the ledger has issued in programmes that are reserves; of all others nothing. */
export async function recordArrivals(tx: Tx, arrived: readonly Arrived[]): Promise<void> {
  if (arrived.length === 0) return;
  await tx.write(insertArrivals, [
    arrived.map(() => uuidv7()),
    arrived.map((one) => one.programme),
    arrived.map((one) => one.holder),
    arrived.map((one) => one.orderRow),
    arrived.map((one) => one.part),
    arrived.map((one) => one.at),
    arrived.map((one) => one.points),
    arrived.map((one) => one.points - (one.repaid ?? 0)),
    arrived.map((one) => dueAt(one.at)),
  ]);
}

export interface TakenBack {
  readonly orderRow: string;
  readonly part: 'order' | 'bonus';
  readonly points: number;
}

/** What a partner's reversal has taken out of the reserve is not there to be given away any more. */
export async function takeFromReserve(tx: Tx, taken: readonly TakenBack[]): Promise<void> {
  if (taken.length === 0) return;
  await tx.write(lowerArrivals, [taken.map((one) => one.orderRow), taken.map((one) => one.part), taken.map((one) => one.points)]);
}

/** @throws Problem 404 */
export async function requireReserve(tx: Tx, programme: string): Promise<void> {
  const [known] = await tx.query('select 1 from reserve_programme where programme = $1', [programme]);
  if (!known) throw problem(404, 'no-reserve', 'the programme is no reserve: no points wait in it for a municipality');
}

/** What was exchanged before it was a reserve would wait in no arrival, so that only a programme without orders becomes one. @throws Problem 409 */
export async function openReserve(
  tx: Tx,
  programme: string,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<{ readonly isNew: boolean; readonly openedAt: Instant }> {
  const isNew =
    (await tx.write('insert into reserve_programme (programme, opened_by, opened_at) values ($1, $2, $3) on conflict do nothing', [
      programme,
      client,
      now,
    ])) === 1;
  const [row] = await tx.query<{ opened_at: Date }>('select opened_at from reserve_programme where programme = $1', [programme]);
  if (!row) throw new Error('assertion failed: a reserve that was just opened must be there');
  if (isNew && (await tx.query('select from exchange_order where programme = $1 limit 1', [programme])).length > 0)
    throw problem(
      409,
      'orders-came-before',
      'partner points were exchanged into this programme before; make a programme without orders the reserve',
    );
  return { isNew, openedAt: instantOf(row.opened_at) };
}

/** Names the base programme from now on; the one that holds already changes nothing. @throws Problem 422 */
export async function nameBase(
  tx: Tx,
  { programme, holder }: { readonly programme: string; readonly holder: string },
  target: string,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<BaseProgramme> {
  if (target === programme) throw problem(422, 'target-is-reserve', 'the base programme must be another one than the reserve');
  await lockHolder(tx, programme, holder);
  const known = (await readBases(tx, programme, holder)).at(-1);
  if (known?.programme === target) return known;
  await tx.write('insert into reserve_base (programme, holder, named_at, target, client) values ($1, $2, $3, $4, $5)', [
    ...[programme, holder, now, target, client],
  ]);
  await tx.write(wakeArrivals, [programme, holder, now]);
  return { municipality: tenantOf(programmeId(target)), programme: target, namedAt: now };
}

/** Everything about a holder's reserve happens one after the other. */
export async function lockHolder(tx: Tx, programme: string, holder: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`reserve ${programme} ${holder}`]);
}

/** Oldest first. */
export async function readBases(tx: Tx, programme: string, holder: string): Promise<BaseProgramme[]> {
  const rows = await tx.query<{ target: string; named_at: Date }>(
    'select target, named_at from reserve_base where programme = $1 and holder = $2 order by named_at',
    [programme, holder],
  );
  return rows.map(({ target, named_at }) => ({
    municipality: tenantOf(programmeId(target)),
    programme: target,
    namedAt: instantOf(named_at),
  }));
}

/** Those with points, the oldest first. */
export async function readArrivals(tx: Tx, programme: string, holder: string): Promise<Arrival[]> {
  const rows = await tx.query<{ id: string; arrived_at: Date; remaining: string; refused_at: Date | null }>(selectArrivals, [
    programme,
    holder,
  ]);
  return netted(
    rows.map((row) => ({
      id: row.id,
      arrivedAt: instantOf(row.arrived_at),
      remaining: parsePoints(row.remaining),
      ...(row.refused_at && { refusedAt: instantOf(row.refused_at) }),
    })),
  );
}

export async function readHolderReserve(tx: Tx, programme: string, holder: string, at: Instant): Promise<HolderReserveView> {
  const named = await readBases(tx, programme, holder);
  const arrivals = await readArrivals(tx, programme, holder);
  const about = new Map((await tx.query<AboutRow>(aboutArrivals, [arrivals.map(({ id }) => id)])).map((row) => [row.id, row]));
  const shown = arrivals.filter(({ remaining }) => remaining > 0);
  const base = named.at(-1);
  const [held] = await tx.query<{ points: string }>(underWay, [programme, holder]);
  return {
    waiting: shown.reduce((sum, one) => sum + one.remaining, 0),
    toChoose: shown.filter((one) => isChoosable(one, named, at)).reduce((sum, one) => sum + one.remaining, 0),
    underWay: parsePoints(held?.points ?? 0),
    ...(base && { base: { programme: base.programme, namedAt: base.namedAt } }),
    arrivals: shown.slice(-arrivalsShownMax).map((one): ArrivalView => {
      const { partner, order_id: orderId, points } = about.get(one.id) ?? { partner: '', order_id: '', points: '0' };
      const { arrivedAt, remaining } = one;
      return {
        partner,
        orderId,
        arrivedAt,
        points: parsePoints(points),
        remaining,
        lastDay: lastChoiceDay(arrivedAt),
        state: arrivalState(one, named, at),
      };
    }),
    allocations: await findAllocations(tx, programme, { holder, limit: allocationsShownMax }),
  };
}

interface AboutRow {
  readonly id: string;
  readonly partner: string;
  readonly order_id: string;
  readonly points: string;
}

const insertArrivals = {
  name: 'insert_reserve_arrivals',
  text: `
    insert into reserve_arrival (id, programme, holder, order_row, part, arrived_at, points, remaining, automatic_at)
    select u.id, u.programme, u.holder, u.order_row, u.part, u.at, u.points, u.remaining, u.due
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::timestamptz[])
      as u (id, programme, holder, order_row, part, at, points, remaining, due)
    join reserve_programme r on r.programme = u.programme
    on conflict on constraint reserve_arrival_once do nothing`,
};

const lowerArrivals = {
  name: 'lower_reserve_arrivals',
  text: `
    update reserve_arrival a set remaining = a.remaining - u.points
    from unnest($1::uuid[], $2::text[], $3::bigint[]) as u (order_row, part, points)
    where a.order_row = u.order_row and a.part = u.part`,
};

/** What another base programme has refused is tried with this one, at once and with all tries. */
const wakeArrivals = `
  update reserve_arrival set automatic_at = $3, refusals = 0
  where programme = $1 and holder = $2 and remaining > 0 and (automatic_at is null or refused_at is not null)`;
const selectArrivals = `
  select id, arrived_at, remaining, refused_at from reserve_arrival where programme = $1 and holder = $2 and remaining <> 0 order by arrived_at, id`;
const aboutArrivals = `
  select a.id, a.points, o.partner, o.order_id from reserve_arrival a join exchange_order o on o.id = a.order_row where a.id = any ($1)`;
const underWay = `
  select coalesce(sum(points), 0) as points from reserve_part p join reserve_allocation a using (programme, allocation_id)
  where a.programme = $1 and a.holder = $2 and p.state not in ('completed', 'refused')`;
