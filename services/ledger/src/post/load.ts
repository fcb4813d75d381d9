import type { PostingOutcome } from '@points/contracts';
import { assert, parsePoints, points, type Instant, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { QueryArrayResult } from 'pg';
import { budgetAccount, type Counter } from '../rules/limits.js';
import type { Funding, Lot, Part } from '../rules/lots.js';
import type { ClosedYear, Programme, RuleVersion } from '../rules/programme.js';
import { Book, counterKey } from './book.js';
import { array, instantOf, type Send } from './wire.js';

/** What a flush touches. Accounts are in the order in which they are locked: two flushes over the same accounts queue up instead of deadlocking. */
export interface Wanted {
  readonly programmes: readonly string[];
  readonly accounts: readonly Keyed[];
  /** Accounts that may be new and will receive points. */
  readonly opening: readonly Keyed[];
  readonly holds: readonly (Keyed & { readonly hold: string })[];
  readonly references: readonly { readonly programme: string; readonly reference: string }[];
  /** Postings that are to be refunded. */
  readonly refunds: readonly (Keyed & { readonly reference: string })[];
  /** Grants that are to be taken back. */
  readonly reversals?: readonly (Keyed & { readonly reference: string })[];
}

export interface Keyed {
  readonly programme: string;
  readonly account: string;
}

/**
 * An account came into being while a flush waited for the lock of another one: its row was not there to be locked, and what it got with its
 * first grant is there already. Whoever looks again finds both.
 */
export class AccountAppeared extends Error {}

/**
 * Locks the accounts and reads everything a flush decides on. All statements are sent at once; each sees what was committed by
 * the time the locks were granted. @throws AccountAppeared
 */
export async function load(send: Send, wanted: Wanted, now: Instant): Promise<Book> {
  const { accounts, holds, references, refunds, opening, reversals = [] } = wanted;
  const pairs = [array(accounts, (one) => one.programme), array(accounts, (one) => one.account)];
  const refundKeys = [array(refunds, (one) => one.programme), array(refunds, (one) => one.account), array(refunds, (one) => one.reference)];
  const reversalKeys = [
    array(reversals, (one) => one.programme),
    array(reversals, (one) => one.account),
    array(reversals, (one) => one.reference),
  ];
  const [, programmeRows, accountRows, lotRows, holdRows, postingRows, refundableRows, refundedLotRows, reversibleRows] = await Promise.all(
    [
      opening.length > 0
        ? send(openAccounts, [array(opening, (one) => one.programme), array(opening, (one) => one.account), now])
        : undefined,
      send(readProgrammes, [array(wanted.programmes, (one) => one)]),
      send(lockAccounts, pairs),
      send(readOpenLots, pairs),
      holds.length > 0
        ? send(readHolds, [array(holds, (one) => one.programme), array(holds, (one) => one.account), array(holds, (one) => one.hold)])
        : undefined,
      send(readPostings, [array(references, (one) => one.programme), array(references, (one) => one.reference)]),
      refunds.length > 0 ? send(readRefundables, refundKeys) : undefined,
      refunds.length > 0 ? send(readRefundedLots, refundKeys) : undefined,
      reversals.length > 0 ? send(readReversibles, reversalKeys) : undefined,
    ],
  );

  const book = new Book();
  for (const row of programmeRows.rows) book.programmes.set(text(row[0]), programmeOf(row));
  for (const [i, balance, held, lapsed, latestAt, frozen, debt] of accountRows.rows) {
    const one = at(accounts, i);
    const account = book.account(one.programme, one.account);
    account.exists = true;
    account.balance = parsePoints(text(balance));
    account.held = parsePoints(text(held));
    account.lapsed = parsePoints(text(lapsed));
    account.latestAt = instantOf(latestAt);
    account.frozen = frozen === true;
    account.debt = parsePoints(text(debt));
  }
  addLots(book, accounts, lotRows);
  if (refundedLotRows) addLots(book, refunds, refundedLotRows);
  for (const [i, amount, captured, ended, heldAt, expiresAt, places, lots, parts] of holdRows?.rows ?? []) {
    const one = at(holds, i);
    // Lists of a hold come as JSON text.
    const [ids, amounts] = [JSON.parse(text(lots)) as string[], JSON.parse(text(parts)) as number[]];
    book.account(one.programme, one.account).holds.set(one.hold, {
      hold: one.hold,
      heldAt: instantOf(heldAt),
      expiresAt: expiresAt === null ? null : instantOf(expiresAt),
      amount: parsePoints(text(amount)),
      captured: parsePoints(text(captured)),
      ended: ended === true,
      places: JSON.parse(text(places)) as string[],
      parts: ids.map((lot, part): Part => ({ lot, amount: points(amounts[part] ?? 0) })),
    });
  }
  for (const [i, fingerprint, transfer, amount, effectiveAt, balance, available, refusal, completedAt, owed, repaid] of postingRows.rows) {
    const one = at(references, i);
    // The row's constraint keeps the two shapes apart; a refusal was written by this code.
    const outcome: PostingOutcome =
      refusal === null
        ? {
            status: 'posted',
            posting: text(transfer),
            amount: parsePoints(text(amount)),
            ...(owed !== null && { owed: parsePoints(text(owed)) }),
            ...(repaid !== null && { repaid: parsePoints(text(repaid)) }),
            effectiveAt: instantOf(effectiveAt),
            balance: parsePoints(text(balance)),
            available: parsePoints(text(available)),
          }
        : { status: 'refused', ...(JSON.parse(text(refusal)) as Omit<Extract<PostingOutcome, { status: 'refused' }>, 'status'>) };
    book.postings.set(`${one.programme}/${one.reference}`, {
      fingerprint: text(fingerprint),
      completed: { outcome, completedAt: instantOf(completedAt), repeated: true },
    });
  }
  for (const [i, transfer, to, effectiveAt, amount, refunded, lots, parts] of refundableRows?.rows ?? []) {
    const one = at(refunds, i);
    const [ids, amounts] = [JSON.parse(text(lots)) as string[], JSON.parse(text(parts)) as number[]];
    book.refundables.set(`${one.programme}/${one.reference}`, {
      account: one.account,
      refundable: {
        transfer: text(transfer),
        to: text(to),
        effectiveAt: instantOf(effectiveAt),
        amount: parsePoints(text(amount)),
        refunded: parsePoints(text(refunded)),
        parts: ids.map((lot, part): Part => ({ lot, amount: points(amounts[part] ?? 0) })),
      },
    });
  }
  if (reversibleRows) {
    book.reversibles = new Map();
    for (const [i, transfer, effectiveAt, counter, reversed, ...columns] of reversibleRows.rows) {
      const one = at(reversals, i);
      const lot = lotOf([i, ...columns]);
      book.account(one.programme, one.account).addLot(lot);
      const reversible = {
        transfer: text(transfer),
        effectiveAt: instantOf(effectiveAt),
        source: text(counter).slice('issued:'.length),
        lot: lot.lot,
        reversed: reversed === true,
      };
      book.reversibles.set(`${one.programme}/${one.reference}`, { account: one.account, reversible });
    }
  }
  for (const { account, exists, lots } of book.accounts.values())
    if (!exists && lots.length > 0) throw new AccountAppeared(`lots of ${account} are there and its account was not`);
  return book;
}

/**
 * What the limits of the flush's programmes have counted. A budget's row is locked, because holders share it; it is made here, so that
 * there is a row to lock. Budgets come after all accounts, in one order: flushes queue up for them and cannot deadlock.
 */
export async function loadCounters(send: Send, book: Book, wanted: readonly WantedCounter[]): Promise<void> {
  const budgets = wanted.filter((one) => one.writes && one.counter.account === budgetAccount);
  const [, { rows }] = await Promise.all([
    budgets.length > 0 ? send(openBudgets, counterValues(budgets)) : undefined,
    send(readCounters, counterValues(wanted)),
  ]);
  for (const [i, times, sum] of rows) {
    const { programme, counter } = at(wanted, i);
    const tally = { times: Number(times), points: parsePoints(text(sum)) };
    book.counters.set(counterKey(programme, counter), { programme, counter, tally, changed: false });
  }
}

export interface WantedCounter {
  readonly programme: string;
  readonly counter: Counter;
  /** False for a dry run, which leaves nothing behind. */
  readonly writes: boolean;
}

function counterValues(counters: readonly WantedCounter[]): string[] {
  return [
    array(counters, (one) => one.programme),
    array(counters, (one) => one.counter.account),
    array(counters, (one) => one.counter.key),
    array(counters, (one) => one.counter.period),
  ];
}

/** Lots that expiry has emptied, for accounts that would otherwise be refused without being told why. */
export async function loadLapsedLots(send: Send, book: Book, accounts: readonly Keyed[]): Promise<void> {
  addLots(book, accounts, await send(readLapsedLots, [array(accounts, (one) => one.programme), array(accounts, (one) => one.account)]));
  for (const one of accounts) book.account(one.programme, one.account).knowsLapsedLots = true;
}

function addLots(book: Book, accounts: readonly Keyed[], { rows }: QueryArrayResult): void {
  for (const row of rows) {
    const one = at(accounts, row[0]);
    book.account(one.programme, one.account).addLot(lotOf(row));
  }
}

function lotOf(row: unknown[]): Lot {
  const [, lot, priority, grantedAt, expiresAt, usableAt, source, funding, ruleVersion, amount, remaining, held, expired] = row;
  return {
    lot: text(lot),
    priority: Number(priority),
    grantedAt: instantOf(grantedAt),
    expiresAt: expiresAt === null ? null : instantOf(expiresAt),
    usableAt: usableAt === null ? none : (JSON.parse(text(usableAt)) as string[]),
    source: text(source),
    // A constraint of the column.
    funding: text(funding) as Funding,
    ruleVersion: Number(ruleVersion),
    amount: parsePoints(text(amount)),
    remaining: parsePoints(text(remaining)),
    held: parsePoints(text(held)),
    expired: parsePoints(text(expired)),
  };
}

const none: readonly string[] = [];

function programmeOf([programme, firstDay, lastDay, historyOpen, frozen, versions, lastGrantDay, closedYears]: unknown[]): Programme {
  return {
    // Checked when it was stored, as everything in this row.
    programme: text(programme) as ProgrammeId,
    firstDay: text(firstDay) as LocalDate,
    lastDay: lastDay === null ? null : (text(lastDay) as LocalDate),
    historyOpen: historyOpen === true,
    frozen: frozen === true,
    versions: versionsOf(text(versions)),
    lastGrantDay: lastGrantDay === null ? null : (text(lastGrantDay) as LocalDate),
    // Written by the statement in the form of its fields.
    ...(closedYears !== null && { closedYears: JSON.parse(text(closedYears)) as ClosedYear[] }),
  };
}

/** Parsed once per text: the rules of a programme change a few times in its life. */
function versionsOf(json: string): readonly RuleVersion[] {
  let versions = parsedVersions.get(json);
  if (!versions) {
    if (parsedVersions.size >= parsedVersionsMax) parsedVersions.clear();
    parsedVersions.set(json, (versions = JSON.parse(json) as RuleVersion[]));
  }
  return versions;
}

const parsedVersions = new Map<string, readonly RuleVersion[]>();
/** One per programme and version that is in use; a thousand municipalities with one programme each. */
const parsedVersionsMax = 2_000;

function at<T>(list: readonly T[], ordinality: unknown): T {
  const one = list[Number(ordinality) - 1];
  assert(one !== undefined, 'a row comes back with the number it was asked by');
  return one;
}

function text(value: unknown): string {
  assert(typeof value === 'string', 'the column is not null and comes as text');
  return value;
}

/** Most lots have no tags, and making JSON of nothing costs as much as reading the row. */
const lotColumns = `l.lot, l.priority, l.granted_at, l.expires_at,
      case when l.usable_at <> '{}' then array_to_json(l.usable_at)::text end, l.source, l.funding, l.rule_version, l.amount, l.remaining, l.held, l.expired`;

const openAccounts = {
  name: 'open_accounts',
  text: `
    insert into account (tenant, programme, account, latest_at)
    select p.tenant, programme, w.account, $3::timestamptz from unnest($1::text[], $2::text[]) as w (programme, account) join programme p using (programme)
    order by programme, w.account
    on conflict do nothing`,
};

const instantText = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const readProgrammes = {
  name: 'read_programmes',
  text: `
    select programme, first_day::text, last_day::text, history_open, frozen,
      (select json_agg(json_build_object('version', version, 'validFrom', valid_from, 'rules', rules) order by version)::text
       from programme_rule r where r.programme = p.programme),
      last_grant_day::text,
      (select json_agg(json_build_object('fiscalYear', c.fiscal_year, 'from', ${instantText('c.from_at')}, 'to', ${instantText('c.to_at')}, 'closedFrom', ${instantText('c.closed_from')}))::text
       from closed_period c where c.programme = p.programme)
    from programme p where programme = any ($1::text[])`,
};

const lockAccounts = {
  name: 'lock_accounts',
  text: `
    select w.i, a.balance, a.held, a.lapsed, a.latest_at, a.frozen, a.debt
    from unnest($1::text[], $2::text[]) with ordinality as w (programme, account, i)
    join account a on a.programme = w.programme and a.account = w.account
    order by a.programme, a.account
    for no key update of a`,
};

const readOpenLots = {
  name: 'read_open_lots',
  text: `
    select w.i, ${lotColumns}
    from unnest($1::text[], $2::text[]) with ordinality as w (programme, account, i)
    join lot l on l.programme = w.programme and l.account = w.account and l.open`,
};

const readLapsedLots = {
  name: 'read_lapsed_lots',
  text: `
    select w.i, ${lotColumns}
    from unnest($1::text[], $2::text[]) with ordinality as w (programme, account, i)
    join lot l on l.programme = w.programme and l.account = w.account and not l.open and l.expired > 0`,
};

const readHolds = {
  name: 'read_holds',
  text: `
    select w.i, h.amount, h.captured, h.ended, h.held_at, h.expires_at,
      array_to_json(h.places)::text, array_to_json(h.lots)::text, array_to_json(h.parts)::text
    from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality as w (programme, account, hold, i)
    join hold h on h.programme = w.programme and h.account = w.account and h.hold = w.hold`,
};

const readPostings = {
  name: 'read_postings',
  text: `
    select w.i, p.fingerprint, p.transfer, p.amount, p.effective_at, p.balance, p.available, p.refusal::text, p.completed_at,
      case when p.kind = 'reverse' then (
        select coalesce(sum(o.amount), 0)::bigint from transfer o
        where o.programme = p.programme and o.account = p.account and o.effective_at = p.effective_at and o.reference = p.reference and o.kind = 'owe'
      ) end,
      case when p.kind = 'issue' then (
        select o.amount from transfer o
        where o.programme = p.programme and o.account = p.account and o.effective_at = p.effective_at and o.reference = p.reference and o.kind = 'repay'
      ) end
    from unnest($1::text[], $2::text[]) with ordinality as w (programme, reference, i)
    join posting p on p.programme = w.programme and p.reference = w.reference`,
};

const refundedTransfer = `
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (programme, account, reference, i)
    join posting p on p.programme = w.programme and p.reference = w.reference and p.account = w.account
    join transfer t on t.programme = p.programme and t.account = p.account and t.effective_at = p.effective_at and t.transfer = p.transfer
      and t.kind in ('spend', 'convert', 'donate')`;

const readRefundables = {
  name: 'read_refundables',
  text: `
    select w.i, t.transfer, t.counter, t.effective_at, t.amount,
      (select coalesce(sum(r.amount), 0)::bigint from transfer r
       where r.programme = t.programme and r.account = t.account and r.of = t.transfer and r.kind = 'refund'),
      (select json_agg(d.lot order by d.seq)::text from draw d where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer),
      (select json_agg(-d.amount order by d.seq)::text from draw d where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer)
    ${refundedTransfer}`,
};

const readRefundedLots = {
  name: 'read_refunded_lots',
  text: `
    select w.i, ${lotColumns}
    ${refundedTransfer}
    join draw d on d.programme = t.programme and d.account = t.account and d.transfer = t.transfer
    join lot l on l.programme = d.programme and l.account = d.account and l.lot = d.lot`,
};

const readReversibles = {
  name: 'read_reversibles',
  text: `
    select w.i, t.transfer, t.effective_at, t.counter,
      exists (select from transfer r where r.programme = t.programme and r.account = t.account and r.of = t.transfer and r.kind in ('reverse', 'owe')),
      ${lotColumns}
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as w (programme, account, reference, i)
    join posting p on p.programme = w.programme and p.reference = w.reference and p.account = w.account and p.kind = 'issue'
    join transfer t on t.programme = p.programme and t.account = p.account and t.effective_at = p.effective_at and t.transfer = p.transfer
    join draw d on d.programme = t.programme and d.account = t.account and d.transfer = t.transfer and d.seq = 0
    join lot l on l.programme = d.programme and l.account = d.account and l.lot = d.lot`,
};

const openBudgets = {
  name: 'open_budgets',
  text: `
    insert into counter (tenant, programme, account, key, period, times, points)
    select left(w.programme, 6), w.programme, w.account, w.key, w.period, 0, 0
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (programme, account, key, period)
    order by w.programme, w.account, w.key, w.period
    on conflict do nothing`,
};

const readCounters = {
  name: 'read_counters',
  text: `
    select w.i, c.times, c.points
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as w (programme, account, key, period, i)
    join counter c on c.programme = w.programme and c.account = w.account and c.key = w.key and c.period = w.period
    order by c.programme, c.account, c.key, c.period
    for no key update of c`,
};
