import { assert, type Instant } from '@points/kernel';
import { outboxInsert, outboxRows, type OutgoingEvent } from '@points/messaging';
import type { Movement } from '../rules/movement.js';
import type { AccountBook, Book, LotBook } from './book.js';
import type { AnyRequest, Completed } from './request.js';
import { array, type Send } from './wire.js';

/** A movement and whose wish it was. */
export interface Written {
  readonly programme: string;
  readonly movement: Movement;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string | null;
}

export interface NewPosting {
  readonly request: AnyRequest;
  readonly fingerprint: string;
  readonly completed: Completed;
}

/**
 * Writes all that a flush has decided with one statement of data-modifying parts, one part per table that has something to say.
 */
export async function write(
  send: Send,
  book: Book,
  movements: readonly Written[],
  postings: readonly NewPosting[],
  events: readonly OutgoingEvent[],
  recordedAt: Instant,
): Promise<void> {
  const accounts = [...book.accounts.values()].filter((one) => one.changed);
  const unlocked = accounts.find((one) => !one.exists);
  assert(unlocked === undefined, `an account that changes is locked: ${unlocked?.programme}/${unlocked?.account}`);
  const lots = accounts.flatMap((account) => account.lots.filter((lot) => lot.change !== 'none').map((lot) => ({ account, lot })));
  const holds = accounts.flatMap((account) =>
    [...account.holdChanges].flatMap(([id, change]) => {
      const hold = account.holds.get(id);
      return hold ? [{ account, hold, change }] : [];
    }),
  );
  const [madeLots, changedLots] = [lots.filter(({ lot }) => lot.change === 'made'), lots.filter(({ lot }) => lot.change === 'changed')];
  const [madeHolds, changedHolds] = [holds.filter(({ change }) => change === 'made'), holds.filter(({ change }) => change === 'changed')];
  const moreDraws = movements.flatMap(({ programme, movement }) =>
    movement.draws.slice(1).map((draw, index) => ({ programme, movement, draw, seq: index + 1 })),
  );
  const { told, others } = byMovement(movements, postings, recordedAt);

  const parts: { name: PartName; values: readonly unknown[] }[] = [];
  if (movements.length > 0)
    parts.push({
      name: 'transfer',
      values: [
        array(movements, (one) => one.programme),
        array(movements, (one) => one.movement.account),
        array(movements, (one) => one.movement.id),
        array(movements, (one) => one.movement.kind),
        array(movements, (one) => one.movement.counter),
        array(movements, (one) => one.movement.amount),
        array(movements, (one) => one.movement.signed),
        array(movements, (one) => one.movement.effectiveAt),
        array(movements, (one) => one.movement.hold),
        array(movements, (one) => one.movement.of),
        array(movements, (one) => one.reference),
        array(movements, (one) => one.actor),
        array(movements, (one) => one.reason),
        array(movements, (one) => one.movement.draws[0]?.lot),
        array(movements, (one) => one.movement.draws[0]?.amount),
        array(told, (one) => one?.kind),
        array(told, (one) => one?.fingerprint),
        array(told, (one) => one?.balance),
        array(told, (one) => one?.available),
        recordedAt,
      ],
    });
  if (moreDraws.length > 0)
    parts.push({
      name: 'moreDraws',
      values: [
        array(moreDraws, (one) => one.programme),
        array(moreDraws, (one) => one.movement.account),
        array(moreDraws, (one) => one.movement.id),
        array(moreDraws, (one) => one.seq),
        array(moreDraws, (one) => one.draw.lot),
        array(moreDraws, (one) => one.draw.amount),
      ],
    });
  const extended = movements.flatMap(({ programme, movement }) => movement.extended?.map((one) => ({ programme, movement, one })) ?? []);
  if (extended.length > 0)
    parts.push({
      name: 'extension',
      values: [
        recordedAt,
        array(extended, (row) => row.programme),
        array(extended, (row) => row.movement.account),
        array(extended, (row) => row.one.lot),
        array(extended, (row) => row.movement.id),
        array(extended, (row) => row.one.extension),
        array(extended, (row) => row.one.points),
        array(extended, (row) => row.one.from),
        array(extended, (row) => row.one.to),
        array(extended, (row) => row.movement.effectiveAt),
      ],
    });
  if (accounts.length > 0)
    parts.push({
      name: 'account',
      values: [
        ...ofAccount(accounts.map((account) => ({ account }))),
        array(accounts, (one) => one.balance),
        array(accounts, (one) => one.held),
        array(accounts, (one) => one.lapsed),
        array(accounts, (one) => one.latestAt),
        array(accounts, (one) => one.debt),
      ],
    });
  if (madeLots.length > 0)
    parts.push({
      name: 'madeLot',
      values: [
        ...ofLot(madeLots),
        array(madeLots, ({ lot }) => lot.priority),
        array(madeLots, ({ lot }) => lot.grantedAt),
        array(madeLots, ({ lot }) => list(lot.usableAt)),
        array(madeLots, ({ lot }) => lot.source),
        array(madeLots, ({ lot }) => lot.funding),
        array(madeLots, ({ lot }) => lot.ruleVersion),
        array(madeLots, ({ lot }) => lot.amount),
      ],
    });
  if (changedLots.length > 0) parts.push({ name: 'changedLot', values: ofLot(changedLots) });
  if (madeHolds.length > 0)
    parts.push({
      name: 'madeHold',
      values: [
        ...ofAccount(madeHolds),
        array(madeHolds, ({ hold }) => hold.hold),
        array(madeHolds, ({ hold }) => hold.amount),
        array(madeHolds, ({ hold }) => hold.captured),
        array(madeHolds, ({ hold }) => hold.ended),
        array(madeHolds, ({ hold }) => hold.heldAt),
        array(madeHolds, ({ hold }) => hold.expiresAt),
        array(madeHolds, ({ hold }) => list(hold.places)),
        array(madeHolds, ({ hold }) => list(hold.parts.map((part) => part.lot))),
        array(madeHolds, ({ hold }) => list(hold.parts.map((part) => part.amount))),
      ],
    });
  if (changedHolds.length > 0)
    parts.push({
      name: 'changedHold',
      values: [
        ...ofAccount(changedHolds),
        array(changedHolds, ({ hold }) => hold.hold),
        array(changedHolds, ({ hold }) => hold.captured),
        array(changedHolds, ({ hold }) => hold.ended),
      ],
    });
  if (others.length > 0) parts.push({ name: 'posting', values: ofPostings(others) });
  const counters = [...book.counters.values()].filter((one) => one.changed);
  if (counters.length > 0)
    parts.push({
      name: 'counter',
      values: [
        array(counters, (one) => one.programme),
        array(counters, (one) => one.counter.account),
        array(counters, (one) => one.counter.key),
        array(counters, (one) => one.counter.period),
        array(counters, (one) => one.tally.times),
        array(counters, (one) => one.tally.points),
      ],
    });
  if (events.length > 0) parts.push({ name: 'outbox', values: outboxRows(events).values.map((column) => list(column)) });
  if (parts.length > 0)
    await send(
      statementOf(parts.map((part) => part.name)),
      parts.flatMap((part) => part.values),
    );
}

/** What the caller of a posting was told, as far as its first movement does not say it. */
interface Told {
  readonly kind: string;
  readonly fingerprint: string;
  readonly balance: number;
  readonly available: number;
}

/**
 * Most postings say of themselves what their first movement says too: those are written from the movement's row, so that two thirds of their
 * columns travel and are read once. The others (refusals, reversals) travel as rows of their own.
 */
function byMovement(
  movements: readonly Written[],
  postings: readonly NewPosting[],
  recordedAt: Instant,
): { told: readonly (Told | undefined)[]; others: readonly NewPosting[] } {
  const told: (Told | undefined)[] = Array.from(movements, () => undefined);
  const others: NewPosting[] = [];
  // Both are in the order of the decisions.
  let next = 0;
  for (const posting of postings) {
    const { outcome, completedAt } = posting.completed;
    const { request, fingerprint } = posting;
    if (outcome.status === 'posted') while (next < movements.length && movements[next]?.movement.id !== outcome.posting) next++;
    const first = movements[next];
    const isSame =
      outcome.status === 'posted' &&
      first?.movement.id === outcome.posting &&
      first.programme === request.programme &&
      first.reference === request.reference &&
      first.movement.account === request.account &&
      first.movement.amount === outcome.amount &&
      first.movement.effectiveAt === outcome.effectiveAt &&
      completedAt === recordedAt;
    if (isSame) told[next] = { kind: request.instruction.kind, fingerprint, balance: outcome.balance, available: outcome.available };
    else others.push(posting);
  }
  return { told, others };
}

function ofAccount(rows: readonly { readonly account: AccountBook }[]): unknown[] {
  return [array(rows, ({ account }) => account.programme), array(rows, ({ account }) => account.account)];
}

function ofLot(rows: readonly { readonly account: AccountBook; readonly lot: LotBook }[]): unknown[] {
  return [
    ...ofAccount(rows),
    array(rows, ({ lot }) => lot.lot),
    array(rows, ({ lot }) => lot.expiresAt),
    array(rows, ({ lot }) => lot.remaining),
    array(rows, ({ lot }) => lot.held),
    array(rows, ({ lot }) => lot.expired),
  ];
}

function ofPostings(postings: readonly NewPosting[]): unknown[] {
  const outcome = <T>(value: (posted: Extract<Completed['outcome'], { status: 'posted' }>) => T) =>
    array(postings, ({ completed }) => (completed.outcome.status === 'posted' ? (value(completed.outcome) as string | number) : null));
  return [
    array(postings, ({ request }) => request.programme),
    array(postings, ({ request }) => request.reference),
    array(postings, ({ request }) => request.account),
    array(postings, ({ request }) => request.instruction.kind),
    array(postings, ({ fingerprint }) => fingerprint),
    outcome((posted) => posted.posting),
    outcome((posted) => posted.amount),
    outcome((posted) => posted.effectiveAt),
    outcome((posted) => posted.balance),
    outcome((posted) => posted.available),
    array(postings, ({ completed: { outcome } }) => {
      if (outcome.status === 'posted') return null;
      const { code, detail, facts } = outcome;
      return JSON.stringify({ code, detail, facts });
    }),
    array(postings, ({ completed }) => completed.completedAt),
  ];
}

/** An array inside an array: its literal is cast in the statement, because `unnest` would flatten it. */
function list(items: readonly (string | number | null)[]): string {
  return array(items, (one) => one);
}

type PartName =
  | 'transfer'
  | 'moreDraws'
  | 'account'
  | 'madeLot'
  | 'changedLot'
  | 'madeHold'
  | 'changedHold'
  | 'posting'
  | 'outbox'
  | 'counter'
  | 'extension';

/** One prepared statement per combination of parts; a day's traffic uses about ten of them. */
function statementOf(names: readonly PartName[]): { name: string; text: string } {
  // PostgreSQL cuts names at 63 bytes.
  const name = `write_${names.map((part) => Object.keys(partTexts).indexOf(part)).join('_')}`;
  let statement = statements.get(name);
  if (!statement) {
    let next = 1;
    const parts = names.map((part) => {
      const text = partTexts[part](
        (types) =>
          `unnest(${types
            .split(' ')
            .map((type) => `$${next++}::${type}[]`)
            .join(', ')})`,
        () => `$${next++}`,
      );
      if (part === 'outbox') return `outbox_written as (${outboxInsert((next += outboxParameters) - outboxParameters)})`;
      return text;
    });
    statements.set(name, (statement = { name, text: `with ${parts.join(',')}\nselect` }));
  }
  return statement;
}

const statements = new Map<string, { name: string; text: string }>();
const outboxParameters = 9;

type Unnest = (types: string) => string;
type Parameter = () => string;

const partTexts: Record<PartName, (unnest: Unnest, parameter: Parameter) => string> = {
  transfer: (unnest, parameter) => `
    movement as materialized (
      select * from ${unnest('text text uuid text text bigint bigint timestamptz uuid uuid text text text uuid bigint text text bigint bigint')}
        as m (programme, account, transfer, kind, counter, amount, signed, effective_at, hold, of, reference, actor, reason,
          lot, drawn, told_kind, fingerprint, balance, available)
    ),
    recorded as (select ${parameter()}::timestamptz as at),
    transfer_written as (
      insert into transfer (tenant, programme, account, transfer, kind, counter, amount, effective_at, recorded_at, hold, of, reference, actor, reason)
      select left(programme, 6), programme, account, transfer, kind, counter, amount, effective_at, (select at from recorded), hold, of, reference, actor, reason
      from movement
    ),
    entry_written as (
      insert into entry (tenant, programme, account, effective_at, transfer, amount)
      select left(programme, 6), programme, account, effective_at, transfer, signed from movement where counter is not null
      union all
      select left(programme, 6), programme, counter, effective_at, transfer, -signed from movement where counter is not null
    ),
    draw_written as (
      insert into draw (tenant, programme, account, transfer, seq, lot, amount)
      select left(programme, 6), programme, account, transfer, 0, lot, drawn from movement where lot is not null
    ),
    told_written as (
      insert into posting (tenant, programme, reference, account, kind, fingerprint, transfer, amount, effective_at, balance, available, completed_at)
      select left(programme, 6), programme, reference, account, told_kind, fingerprint, transfer, amount, effective_at, balance, available, (select at from recorded)
      from movement where fingerprint is not null
    )`,
  moreDraws: (unnest) => `
    more_draws_written as (
      insert into draw (tenant, programme, account, transfer, seq, lot, amount)
      select left(programme, 6), programme, account, transfer, seq, lot, amount
      from ${unnest('text text uuid smallint uuid bigint')} as d (programme, account, transfer, seq, lot, amount)
    )`,
  account: (unnest) => `
    account_changed as (
      update account a set balance = c.balance, held = c.held, lapsed = c.lapsed, latest_at = c.latest_at, debt = c.debt
      from ${unnest('text text bigint bigint bigint timestamptz bigint')} as c (programme, account, balance, held, lapsed, latest_at, debt)
      where a.programme = c.programme and a.account = c.account
    )`,
  madeLot: (unnest) => `
    lot_made as (
      insert into lot (tenant, programme, account, lot, expires_at, remaining, held, expired, priority, granted_at, usable_at, source, funding, rule_version, amount)
      select left(programme, 6), programme, account, lot, expires_at, remaining, held, expired, priority, granted_at, usable_at::text[], source, funding, rule_version, amount
      from ${unnest('text text uuid timestamptz bigint bigint bigint smallint timestamptz text text text integer bigint')}
        as l (programme, account, lot, expires_at, remaining, held, expired, priority, granted_at, usable_at, source, funding, rule_version, amount)
    )`,
  changedLot: (unnest) => `
    lot_changed as (
      update lot l set expires_at = c.expires_at, remaining = c.remaining, held = c.held, expired = c.expired
      from ${unnest('text text uuid timestamptz bigint bigint bigint')} as c (programme, account, lot, expires_at, remaining, held, expired)
      where l.programme = c.programme and l.account = c.account and l.lot = c.lot
    )`,
  madeHold: (unnest) => `
    hold_made as (
      insert into hold (tenant, programme, account, hold, amount, captured, ended, held_at, expires_at, places, lots, parts)
      select left(programme, 6), programme, account, hold, amount, captured, ended, held_at, expires_at, places::text[], lots::uuid[], parts::bigint[]
      from ${unnest('text text uuid bigint bigint boolean timestamptz timestamptz text text text')}
        as h (programme, account, hold, amount, captured, ended, held_at, expires_at, places, lots, parts)
    )`,
  changedHold: (unnest) => `
    hold_changed as (
      update hold h set captured = c.captured, ended = c.ended
      from ${unnest('text text uuid bigint boolean')} as c (programme, account, hold, captured, ended)
      where h.programme = c.programme and h.account = c.account and h.hold = c.hold
    )`,
  posting: (unnest) => `
    posting_written as (
      insert into posting (tenant, programme, reference, account, kind, fingerprint, transfer, amount, effective_at, balance, available, refusal, completed_at)
      select left(programme, 6), programme, reference, account, kind, fingerprint, transfer, amount, effective_at, balance, available, refusal, completed_at
      from ${unnest('text text text text text uuid bigint timestamptz bigint bigint json timestamptz')}
        as p (programme, reference, account, kind, fingerprint, transfer, amount, effective_at, balance, available, refusal, completed_at)
    )`,
  outbox: () => '',
  counter: (unnest) => `
    counted as (
      insert into counter (tenant, programme, account, key, period, times, points)
      select left(programme, 6), programme, account, key, period, times, points
      from ${unnest('text text text text integer bigint')} as c (programme, account, key, period, times, points)
      on conflict on constraint counter_pk do update set times = excluded.times, points = excluded.points
    )`,
  extension: (unnest, parameter) => `
    extended as (
      insert into extension (tenant, programme, account, lot, transfer, extension, points, from_end, to_end, effective_at, recorded_at)
      select left(programme, 6), programme, account, lot, transfer, extension, points, from_end, to_end, effective_at, ${parameter()}::timestamptz
      from ${unnest('text text uuid uuid uuid bigint timestamptz timestamptz timestamptz')}
        as x (programme, account, lot, transfer, extension, points, from_end, to_end, effective_at)
    )`,
};
