import type { Tx } from '@points/database';
import { answer, problem, type Answer } from '@points/http';
import {
  endOfDayJst,
  jstDateOf,
  parseInstant,
  parsePoints,
  startOfDayJst,
  tenantOf,
  uuidv7,
  type Instant,
  type LocalDate,
  type ProgrammeId,
} from '@points/kernel';
import { stand } from '../programmes/put-programme.js';
import { lastDayMax, type Later, type LotsMeant } from '../rules/extend.js';
import type { Funding } from '../rules/lots.js';
import { rulesAt } from '../rules/programme.js';
import type { ExtensionDryRunView, ExtensionView, PostExtension } from './extension-bodies.js';

/** What is meant: some lots of some accounts, or of all. */
export interface Meant {
  readonly holders: readonly string[] | null;
  readonly endingFrom: LocalDate | null;
  readonly endingTo: LocalDate | null;
  readonly source: string | null;
  readonly funding: Funding | null;
  readonly lastDay: LocalDate | null;
  readonly days: number | null;
}

export interface ExtensionOrder extends Meant {
  readonly programme: ProgrammeId;
  readonly reason: string;
  readonly actor: string;
  readonly now: Instant;
}

/** What a body asks for. @throws Problem 422 `invalid-request` */
export function meantBy({ holders, endingFrom, endingTo, source, funding, lastDay, days }: PostExtension, now: Instant): Meant {
  const wrong = (field: string, reason: string) =>
    problem(422, 'invalid-request', `the body is wrong: ${field} ${reason}`, { errors: [{ field, reason }] });
  if ((lastDay === undefined) === (days === undefined)) throw wrong('lastDay', 'or days must be there, and not both');
  if (lastDay !== undefined && lastDay < jstDateOf(now)) throw wrong('lastDay', 'is over already');
  if (lastDay !== undefined && lastDay > lastDayMax) throw wrong('lastDay', `is after ${lastDayMax}`);
  if (endingFrom !== undefined && endingTo !== undefined && endingTo < endingFrom) throw wrong('endingTo', 'is before endingFrom');
  if (endingTo !== undefined && endingTo > lastDayMax) throw wrong('endingTo', `is after ${lastDayMax}`);
  return {
    holders: holders ? [...new Set(holders.map((holder) => `holder:${holder.toLowerCase()}`))].sort() : null,
    // Days were checked by the body's class.
    endingFrom: (endingFrom ?? null) as LocalDate | null,
    endingTo: (endingTo ?? null) as LocalDate | null,
    source: source ?? null,
    funding: funding ?? null,
    lastDay: (lastDay ?? null) as LocalDate | null,
    days: days ?? null,
  };
}

/** What an order would touch now. Nothing is locked and nothing written. @throws Problem 404 `unknown-programme`, 422 `programme-frozen`, `outside-period` */
export async function wouldExtend(tx: Tx, order: ExtensionOrder): Promise<ExtensionDryRunView & { needsApproval: boolean }> {
  const { programme, now, lastDay: until } = order;
  const stored = await stand(tx, programme);
  if (stored.frozen) throw problem(422, 'programme-frozen', 'the programme is frozen: lift the freeze before its lots are extended');
  const { firstDay, lastDay } = stored;
  const day = until !== null && until > jstDateOf(now) ? until : jstDateOf(now);
  if (lastDay !== null && day > lastDay) {
    throw problem(422, 'outside-period', `the programme ends with ${lastDay}: no lot can be usable on ${day}`, { day, firstDay, lastDay });
  }
  const [found] = await tx.query<{ lots: number; points: string; holders: number; alreadyLater: number }>(
    countMeant,
    meantValues(order, now),
  );
  const points = parsePoints(found?.points ?? '0');
  const { adjustmentAlone } = rulesAt(stored, now).rules;
  return {
    dryRun: true,
    lots: found?.lots ?? 0,
    points,
    holders: found?.holders ?? 0,
    alreadyLater: found?.alreadyLater ?? 0,
    ...(order.holders && { holdersAsked: order.holders.length }),
    needsApproval: adjustmentAlone !== undefined && points > adjustmentAlone,
  };
}

/**
 * Takes an order down. What one person may adjust alone, he may extend alone: an order over more points than the programme's
 * `adjustmentAlone` waits for a second person. The job carries it out (run-extensions.ts).
 */
export async function orderExtension(tx: Tx, order: ExtensionOrder): Promise<Answer<ExtensionView>> {
  const { programme, reason, actor, now, ...meant } = order;
  const expected = await wouldExtend(tx, order);
  if (expected.lots === 0) throw problem(422, 'nothing-to-extend', 'no open lot that is meant would end later than it does');
  const extension = uuidv7();
  await tx.write(insertOrder, [
    tenantOf(programme),
    programme,
    extension,
    meant.holders,
    meant.endingFrom,
    meant.endingTo,
    meant.source,
    meant.funding,
    meant.lastDay,
    meant.days,
    reason,
    actor,
    now,
    expected.lots,
    expected.points,
    expected.holders,
    expected.needsApproval,
  ]);
  return answer(202, viewOf(await found(tx, programme, extension)));
}

/** The second person's word. @throws Problem 404 `unknown-extension`, 403 `same-person`, 409 `already-approved`, `no-approval-needed` */
export async function approveExtension(
  tx: Tx,
  programme: ProgrammeId,
  extension: string,
  { actor, now }: { actor: string; now: Instant },
): Promise<Answer<ExtensionView>> {
  const row = await found(tx, programme, extension, 'for no key update of o');
  if (!row.needsApproval) throw problem(409, 'no-approval-needed', 'the extension needs no second person');
  if (row.askedBy === actor)
    throw problem(403, 'same-person', 'whoever asked for an extension cannot approve it', { askedBy: row.askedBy });
  if (row.approvedBy !== null) throw problem(409, 'already-approved', 'the extension has been approved', { approvedBy: row.approvedBy });
  await tx.write('update extension_order set approved_by = $3, approved_at = $4 where programme = $1 and extension = $2', [
    programme,
    extension,
    actor,
    now,
  ]);
  return answer(202, viewOf(await found(tx, programme, extension)));
}

export async function readExtension(tx: Tx, programme: ProgrammeId, extension: string): Promise<ExtensionView> {
  return viewOf(await found(tx, programme, extension));
}

export async function listExtensions(tx: Tx, programme: ProgrammeId): Promise<ExtensionView[]> {
  await stand(tx, programme);
  const rows = await tx.query<CountedRow>(`${counted} where o.programme = $1 order by o.extension desc limit ${extensionsListedMax}`, [
    programme,
  ]);
  return rows.map(viewOf);
}

/** An order as it is kept. */
export interface OrderRow extends Meant {
  readonly extension: string;
  readonly reason: string;
  readonly askedBy: string;
  readonly askedAt: Date;
  readonly expectedLots: number;
  readonly expectedPoints: string;
  readonly expectedHolders: number;
  readonly needsApproval: boolean;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly afterAccount: string;
  readonly finishedAt: Date | null;
}

interface CountedRow extends Omit<OrderRow, 'holders'> {
  readonly holdersAsked: number | null;
  readonly lots: number;
  readonly points: string;
  readonly touched: number;
}

async function found(tx: Tx, programme: ProgrammeId, extension: string, lock: 'for no key update of o' | '' = ''): Promise<CountedRow> {
  const [row] = await tx.query<CountedRow>(`${counted} where o.programme = $1 and o.extension = $2 ${lock}`, [programme, extension]);
  if (!row) throw problem(404, 'unknown-extension', 'the programme has no such extension');
  return row;
}

function viewOf(row: CountedRow): ExtensionView {
  const { endingFrom, endingTo, source, funding, lastDay, days, approvedBy, approvedAt, finishedAt } = row;
  return {
    extension: row.extension,
    state: finishedAt !== null ? 'done' : row.needsApproval && approvedAt === null ? 'pending-approval' : 'running',
    ...(row.holdersAsked !== null && { holdersAsked: row.holdersAsked }),
    ...(endingFrom !== null && { endingFrom }),
    ...(endingTo !== null && { endingTo }),
    ...(source !== null && { source }),
    ...(funding !== null && { funding }),
    ...(lastDay !== null && { lastDay }),
    ...(days !== null && { days }),
    reason: row.reason,
    askedBy: row.askedBy,
    askedAt: row.askedAt.toISOString(),
    ...(approvedBy !== null && { approvedBy }),
    ...(approvedAt !== null && { approvedAt: approvedAt.toISOString() }),
    expected: { lots: row.expectedLots, points: parsePoints(row.expectedPoints), holders: row.expectedHolders },
    extended: { lots: row.lots, points: parsePoints(row.points), holders: row.touched },
    ...(finishedAt !== null && { finishedAt: finishedAt.toISOString() }),
  };
}

/** The same for the door, which decides lot by lot under the account's lock. */
export function instructionOf({ extension, askedAt, ...meant }: Meant & { extension: string; askedAt: Date }): {
  kind: 'extend';
  extension: string;
  meant: LotsMeant;
  later: Later;
} {
  const { endingFrom, endingTo, source, funding, lastDay, days } = meant;
  return {
    kind: 'extend',
    extension,
    meant: {
      grantedBy: parseInstant(askedAt.toISOString()),
      ...(endingFrom !== null && { endsAfter: startOfDayJst(endingFrom) }),
      ...(endingTo !== null && { endsBy: endOfDayJst(endingTo) }),
      ...(source !== null && { source }),
      ...(funding !== null && { funding }),
    },
    later: lastDay !== null ? { lastDay } : { days: days ?? 0 },
  };
}

/** The parameters of `meantLots`, from $1; `grantedBy` is when the order was given. */
export function meantValues({ programme, ...order }: Meant & { programme: ProgrammeId; now: Instant }, grantedBy: Instant): unknown[] {
  const { holders, endingFrom, endingTo, source, funding, lastDay, now } = order;
  return [
    programme,
    now,
    grantedBy,
    holders,
    endingFrom && startOfDayJst(endingFrom),
    endingTo && endOfDayJst(endingTo),
    source,
    funding,
    lastDay && endOfDayJst(lastDay),
  ];
}

/** As the rule `extend` has it: to count, and to find the accounts that are asked for at the door. */
export const meantLots = `
  l.programme = $1 and l.open and l.expires_at > $2::timestamptz and l.granted_at <= $2::timestamptz and l.granted_at <= $3::timestamptz
  and ($4::text[] is null or l.account = any ($4))
  and ($5::timestamptz is null or l.expires_at > $5)
  and ($6::timestamptz is null or l.expires_at <= $6)
  and ($7::text is null or l.source = $7 or ($7 like '%:*' and starts_with(l.source, left($7, -1))))
  and ($8::text is null or l.funding = $8)`;

/** True of a lot whose end would move; the other ones end as late already. */
export const isMoved = `($9::timestamptz is null or l.expires_at < $9)`;

const countMeant = {
  name: 'count_meant_lots',
  text: `
    select count(*) filter (where ${isMoved})::int as lots, coalesce(sum(l.remaining) filter (where ${isMoved}), 0)::text as points,
      count(distinct l.account) filter (where ${isMoved})::int as holders, count(*) filter (where not ${isMoved})::int as "alreadyLater"
    from lot l where ${meantLots}`,
};

const insertOrder = `
  insert into extension_order (tenant, programme, extension, holders, ending_from, ending_to, source, funding, last_day, days, reason, asked_by, asked_at,
    expected_lots, expected_points, expected_holders, needs_approval)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`;

export const columns = `
    o.extension, o.ending_from::text as "endingFrom", o.ending_to::text as "endingTo", o.source, o.funding, o.last_day::text as "lastDay", o.days,
    o.reason, o.asked_by as "askedBy", o.asked_at as "askedAt", o.expected_lots as "expectedLots", o.expected_points::text as "expectedPoints",
    o.expected_holders as "expectedHolders", o.needs_approval as "needsApproval", o.approved_by as "approvedBy", o.approved_at as "approvedAt",
    o.after_account as "afterAccount", o.finished_at as "finishedAt"`;

/** What it has done so far is counted from the books, so no crash can make it wrong. */
const counted = `
  select ${columns}, cardinality(o.holders) as "holdersAsked", d.lots, d.points, d.touched
  from extension_order o
  cross join lateral (
    select count(*)::int as lots, coalesce(sum(x.points), 0)::text as points, count(distinct x.account)::int as touched
    from extension x where x.programme = o.programme and x.extension = o.extension
  ) d`;
/** The newest; an older one is read by its id. */
const extensionsListedMax = 50;
