import type { Statement, Tx } from '@points/database';
import { type CsvTable, cursorOf, problem, readCursor, utc } from '@points/http';
import { jstDateOf, parsePoints, startOfDayJst, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { isRolledUp, pendingKeys } from '../roll-up/pending.js';

export interface AccountBalance {
  /** The sum of its entries: what a merchant, a scheme or a fund has received; below zero for `issued:…`. */
  readonly balance: Points;
  readonly entries: number;
}

/** A system account has no row of its own: it is the sum of its entries up to and with the instant. */
export async function accountBalanceAt(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  at: Instant,
  knownAt: Instant | null,
): Promise<AccountBalance> {
  const [row] = await tx.query<{ balance: string; entries: string }>(...(await sumStatement(tx, programme, account, at, knownAt)));
  return { balance: parsePoints(row?.balance ?? '0'), entries: parsePoints(row?.entries ?? '0') };
}

/** From the sums of its days and months and what they do not know yet; with `knownAt`, or where that is too much, entry by entry. */
async function sumStatement(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  at: Instant,
  knownAt: Instant | null,
): Promise<[Statement, unknown[]]> {
  if (knownAt !== null) return [sumOfKnownEntries, [programme, account, at, knownAt]];
  if (!(await isRolledUp(tx, programme))) return [sumOfEntries, [programme, account, at]];
  const day = jstDateOf(at);
  return [sumOfRolledEntries, [programme, account, at, startOfDayJst(day), `${day.slice(0, 7)}-01`, day]];
}

export interface AccountLine {
  readonly posting: string;
  readonly kind: string;
  /** The change of this account. */
  readonly change: Points;
  readonly holder: string;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string | null;
}

export interface AccountPage {
  readonly lines: readonly AccountLine[];
  readonly next: string | null;
}

/** The entries behind the balance, newest first. */
export async function accountHistoryOf(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  page: { from?: Instant | undefined; before?: Instant | undefined; after?: string | undefined; limit: number },
): Promise<AccountPage> {
  const [at, id] = readCursor(page.after, 'instant', 'uuid');
  const rows = await tx.query<Omit<AccountLine, 'change'> & { change: string }>(readEntries, [
    programme,
    account,
    at,
    id,
    page.limit + 1,
    page.from ?? null,
    page.before ?? null,
  ]);
  const lines = rows.slice(0, page.limit).map((row): AccountLine => ({ ...row, change: parsePoints(row.change) }));
  const last = lines.at(-1);
  return { lines, next: rows.length > page.limit && last ? cursorOf(last.effectiveAt, last.posting) : null };
}

export function accountTable({ lines }: AccountPage): CsvTable {
  return {
    header: ['effectiveAt', 'kind', 'change', 'holder', 'reason', 'actor', 'reference', 'recordedAt', 'posting'],
    rows: lines.map((one) => [
      one.effectiveAt,
      one.kind,
      one.change,
      one.holder,
      one.reason,
      one.actor,
      one.reference,
      one.recordedAt,
      one.posting,
    ]),
  };
}

/** @throws Problem 422 `not-a-system-account`: a holder has a balance with lots, at an address of its own. */
export function systemAccount(account: string): string {
  if (!account.startsWith('holder:')) return account;
  throw problem(422, 'not-a-system-account', 'this is a holder’s account; ask for …/holders/<holder>/balance or /history');
}

const sumOfEntries = {
  name: 'sum_of_entries',
  text: `
    select coalesce(sum(amount), 0) as balance, count(*) as entries
    from entry where programme = $1 and account = $2 and effective_at <= $3::timestamptz`,
};

/** The instant's month and day are the first that the sums have not whole. */
const sumOfRolledEntries = {
  name: 'sum_of_rolled_entries',
  text: `
    select coalesce(sum(amount), 0) as balance, coalesce(sum(entries), 0) as entries
    from (
      select points as amount, entries from account_roll_up where programme = $1 and account = $2 and grain = 'month' and first_day < $5::date
      union all
      select points, entries from account_roll_up where programme = $1 and account = $2 and grain = 'day' and first_day >= $5::date and first_day < $6::date
      union all
      select amount, 1 from entry where programme = $1 and account = $2 and effective_at >= $4::timestamptz and effective_at <= $3::timestamptz
      union all
      select e.amount, 1
      from (${pendingKeys}) k
      cross join lateral (
        select amount from entry where programme = $1 and account = $2 and effective_at = k.effective_at and transfer = k.transfer offset 0
      ) e
      where k.effective_at < $4::timestamptz
    ) part`,
};

/** An entry does not say when it was recorded; its transfer does, found by `transfer_by_time`. */
const withTransfer = `
    from entry e join transfer t on t.programme = e.programme and t.effective_at = e.effective_at and t.transfer = e.transfer
    where e.programme = $1 and e.account = $2`;

const sumOfKnownEntries = {
  name: 'sum_of_known_entries',
  text: `
    select coalesce(sum(e.amount), 0) as balance, count(*) as entries ${withTransfer}
      and e.effective_at <= $3::timestamptz and t.recorded_at <= $4::timestamptz`,
};

const readEntries = {
  name: 'read_entries',
  text: `
    select e.transfer as posting, t.kind, e.amount as change, substr(t.account, 8) as holder, ${utc('e.effective_at')} as "effectiveAt",
      ${utc('t.recorded_at')} as "recordedAt", t.reference, t.actor, t.reason
    ${withTransfer} and ($3::timestamptz is null or (e.effective_at, e.transfer) < ($3::timestamptz, $4::uuid))
      and ($6::timestamptz is null or e.effective_at >= $6) and ($7::timestamptz is null or e.effective_at < $7)
    order by e.effective_at desc, e.transfer desc
    limit $5`,
};
