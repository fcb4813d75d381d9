import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { points, programmeId, tenantOf, uuidv7, type Instant } from '@points/kernel';
import { publish } from '@points/messaging';
import { holderOf } from '../link-accounts/link.js';
import { reserveReference } from '../reference.js';
import { drawAllocation, type DrawnPart } from '../rules/reserve.js';
import { askPart } from './ask-part.js';
import { findAllocations } from './find-allocation.js';
import { lockHolder, readArrivals, readBases, requireReserve } from './reserve-books.js';
import type { AllocateReserve, AllocationView } from './reserve-shapes.js';

/** Splits waiting points over municipalities as their holder chose. The rest is done by facts: hold, issue, capture. @throws Problem */
export async function allocateReserve(
  tx: Tx,
  cause: Cause,
  programme: string,
  asked: AllocateReserve,
  now: Instant,
): Promise<{ readonly isNew: boolean; readonly allocation: AllocationView }> {
  await requireReserve(tx, programme);
  const holder = await holderOf(tx, asked.myKeyId);
  await lockHolder(tx, programme, holder);
  const { allocationId } = asked;
  const [known] = await tx.query<{ holder: string }>('select holder from reserve_allocation where programme = $1 and allocation_id = $2', [
    programme,
    allocationId,
  ]);
  if (known) return { isNew: false, allocation: await same(tx, programme, asked, known.holder === holder) };
  const own = asked.parts.findIndex((part) => part.programme === programme);
  if (own >= 0)
    throw problem(422, 'target-is-reserve', `part ${own + 1} names the reserve itself; name a programme of a municipality`, {
      part: own + 1,
    });
  const wanted = asked.parts.map((part) => ({
    municipality: tenantOf(programmeId(part.programme)),
    programme: part.programme,
    points: points(part.points),
  }));
  const named = await readBases(tx, programme, holder);
  const drawn = drawAllocation(wanted, await readArrivals(tx, programme, holder), { named, at: now });
  if (!drawn.ok) {
    const { code, detail, ...more } = drawn.refusal;
    throw problem(422, code, detail, 'facts' in more ? { ...more.facts } : {});
  }
  await startAllocation(tx, { programme, allocationId, holder, client: cause.client }, drawn.parts, now);
  return { isNew: true, allocation: await read(tx, programme, allocationId) };
}

export interface AllocationKey {
  readonly programme: string;
  readonly allocationId: string;
  readonly holder: string;
  readonly client: string;
  /** Of an arrival that fell due. */
  readonly arrival?: string;
}

/** Writes the parts down, takes their points from the arrivals and asks for the holds. The holder's reserve is locked. */
export async function startAllocation(tx: Tx, key: AllocationKey, parts: readonly DrawnPart[], now: Instant): Promise<void> {
  const { programme, allocationId, holder, client, arrival = null } = key;
  await tx.write(insertAllocation, [programme, allocationId, holder, arrival, now, client]);
  const rows = parts.map((part, seq) => ({
    ...part,
    ...{ id: uuidv7(), hold: uuidv7(), seq, reference: reserveReference({ programme, allocationId, seq }) },
  }));
  await tx.write(insertParts, [
    rows.map((row) => row.id),
    ...[programme, allocationId],
    rows.map((row) => row.seq),
    ...[holder, client],
    rows.map((row) => row.programme),
    rows.map((row) => row.points),
    rows.map((row) => row.reference),
    rows.map((row) => row.hold),
    now,
  ]);
  const draws = rows.flatMap((row) => row.draws.map((draw) => ({ part: row.id, ...draw })));
  await tx.write(insertDraws, [draws.map((one) => one.part), draws.map((one) => one.arrival), draws.map((one) => one.points)]);
  await publish(
    tx,
    rows.map(({ programme: target, points: of, reference, hold }) =>
      askPart({ programme, target, holder, client, points: of, reference, hold }, 'hold'),
    ),
  );
}

async function read(tx: Tx, programme: string, allocationId: string): Promise<AllocationView> {
  const [found] = await findAllocations(tx, programme, { allocationId, limit: 1 });
  if (!found) throw new Error('assertion failed: an allocation that was just written must be there');
  return found;
}

/** @throws Problem 409 */
async function same(tx: Tx, programme: string, asked: AllocateReserve, isSameHolder: boolean): Promise<AllocationView> {
  const stored = await read(tx, programme, asked.allocationId);
  const text = (parts: readonly { readonly programme: string; readonly points: number }[]) =>
    parts.map((part) => `${part.programme} ${part.points}`).join();
  const differs = [...(isSameHolder ? [] : ['myKeyId']), ...(text(stored.parts) === text(asked.parts) ? [] : ['parts'])];
  if (differs.length)
    throw problem(409, 'allocation-exists', `an allocation with this id exists with other content: ${differs.join(', ')}`, {
      errors: differs.map((field) => ({ field, reason: 'differs from the allocation that exists' })),
    });
  return stored;
}

const insertAllocation = `
  insert into reserve_allocation (programme, allocation_id, holder, arrival, requested_at, client) values ($1, $2, $3, $4, $5, $6)`;
const insertParts = `
  insert into reserve_part (id, programme, allocation_id, seq, holder, client, target, points, state, reference, hold, updated_at)
  select u.id, $2, $3, u.seq, $5, $6, u.target, u.points, 'holding', u.reference, u.hold, $11
  from unnest($1::uuid[], $4::smallint[], $7::text[], $8::bigint[], $9::text[], $10::uuid[]) as u (id, seq, target, points, reference, hold)`;
const insertDraws = `
  with drawn as (
    insert into reserve_draw (part, arrival, points) select * from unnest($1::uuid[], $2::uuid[], $3::bigint[])
    returning arrival, points)
  update reserve_arrival a set remaining = a.remaining - d.points
  from (select arrival, sum(points) as points from drawn group by arrival) d where a.id = d.arrival`;
