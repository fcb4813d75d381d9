import type { Tx } from '@points/database';
import { type CsvTable, cursorOf, readCursor, utc } from '@points/http';
import { parsePoints, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { endAsOf } from '../extend-lots/end-as-of.js';
import { ageBuckets, ageBucketSince, bookLines, lapses, postedLines, readWide } from './book-lines.js';

/** What open points are kept apart by: `age` is days since the grant, `ending` the month in which they end, or never. */
export type OutstandingDimension = 'source' | 'funding' | 'age' | 'ending' | 'cohort';

export interface OutstandingRow {
  readonly source?: string;
  readonly funding?: string;
  readonly age?: string;
  readonly ending?: string;
  readonly cohort?: string;
  /** What the municipality owes: points that holders still have, those on hold with them. */
  readonly points: Points;
  readonly lots: number;
  readonly holders: number;
}

export interface Outstanding {
  readonly rows: readonly OutstandingRow[];
  readonly total: OutstandingRow;
}

/** What holders had when the instant came, lot by lot, added up. */
export async function outstanding(
  tx: Tx,
  programme: ProgrammeId,
  at: Instant,
  knownAt: Instant | null,
  by: readonly OutstandingDimension[],
): Promise<Outstanding> {
  const cells = await readWide(tx, () => tx.query<OutstandingCell>(sumsBy(by, knownAt !== null), [programme, at, knownAt]));
  const rows = cells.map(({ points, lots, holders, isTotal, ...labels }) => {
    const named = Object.fromEntries(by.map((one) => [one, labels[one]]));
    return { isTotal, row: { ...(isTotal ? {} : named), points: parsePoints(points), lots, holders } };
  });
  const total = rows.find(({ isTotal }) => isTotal)?.row ?? { points: parsePoints(0), lots: 0, holders: 0 };
  const parts = by.length === 0 ? [total] : rows.flatMap(({ isTotal, row }) => (isTotal ? [] : [row]));
  const rank = (row: OutstandingRow) =>
    by.map((one) => (one === 'age' ? String(ageBuckets.indexOf(row.age as (typeof ageBuckets)[number])) : row[one])).join('\u0000');
  return { rows: parts.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)), total };
}

export interface OutstandingLot {
  readonly holder: string;
  readonly lot: string;
  readonly source: string;
  readonly funding: string;
  readonly grantedAt: Instant;
  readonly expiresAt: Instant | null;
  readonly points: Points;
}

export interface OutstandingLots {
  readonly lines: readonly OutstandingLot[];
  readonly next: string | null;
}

/** The lots behind a figure, by holder. */
export async function outstandingLots(
  tx: Tx,
  programme: ProgrammeId,
  at: Instant,
  knownAt: Instant | null,
  page: { row: Partial<Record<OutstandingDimension, string | undefined>>; after?: string | undefined; limit: number },
): Promise<OutstandingLots> {
  const [account, lot] = readCursor(page.after, 'account', 'uuid');
  const { source = null, funding = null, age = null, ending = null, cohort = null } = page.row;
  const rows = await tx.query<Omit<OutstandingLot, 'points' | 'holder'> & { points: string; account: string }>(
    knownAt === null ? readLots : readKnownLots,
    [programme, at, knownAt, source, funding, age, ending, cohort, account, lot, page.limit + 1],
  );
  const lines = rows.slice(0, page.limit).map(({ account: of, points, ...row }): OutstandingLot => ({
    ...row,
    holder: of.slice('holder:'.length),
    points: parsePoints(points),
  }));
  const last = rows[page.limit - 1];
  return { lines, next: rows.length > page.limit && last ? cursorOf(last.account, last.lot) : null };
}

export function outstandingTable(by: readonly OutstandingDimension[]): (answer: Outstanding) => CsvTable {
  return ({ rows }) => ({
    header: [...by, 'points', 'lots', 'holders'],
    rows: rows.map((row) => [...by.map((one) => row[one]), row.points, row.lots, row.holders]),
  });
}

export function outstandingLotsTable({ lines }: OutstandingLots): CsvTable {
  return {
    header: ['holder', 'points', 'source', 'funding', 'grantedAt', 'expiresAt', 'lot'],
    rows: lines.map((one) => [one.holder, one.points, one.source, one.funding, one.grantedAt, one.expiresAt, one.lot]),
  };
}

interface OutstandingCell extends Record<OutstandingDimension, string | null> {
  readonly isTotal: boolean;
  readonly points: string;
  readonly lots: number;
  readonly holders: number;
}

const lotColumns = `l.account, l.lot, l.source, l.funding, l.granted_at, ${endAsOf({ lot: 'l', at: '$2', known: '$3' })} as expires_at`;
const knownRange = { to: '$2', known: '$3', isKnown: true, isWide: true };

/** Each lot with what it had at $2, forwards from what was known at $3. */
const knownLotsAt = `
      select ${lotColumns}, s.points
      from (
        select account, lot, sum(amount)::bigint as points from (${bookLines(knownRange)}) line group by account, lot having sum(amount) <> 0
      ) s
      join lot l on l.programme = $1 and l.account = s.account and l.lot = s.lot`;

/**
 * The same backwards from what it has left now. Nearly all lots are as they are now, and are read once, as they lie. Only those that
 * something has happened to since, or that are over and not posted yet, are looked up, each by its key.
 */
const changedSince = `
      with changed as materialized (
        select account, lot, sum(amount)::bigint as amount
        from (
          select account, lot, -amount as amount from (${postedLines({ from: '$2', known: '$3', isKnown: false })}) since
          union all
          select account, lot, amount from (${lapses({ to: '$2', known: '$3', isKnown: false })}) over
        ) change
        group by account, lot having sum(amount) <> 0
      )`;
const unchangedLots = (isUnchanged: string): string => `
      select ${lotColumns}, l.remaining as points
      from lot l
      where l.programme = $1 and l.open and ${isUnchanged}`;
/** The few that changed are hashed for all lots; as a join, PostgreSQL 18 hashes the million lots instead, which takes nearly half of the time. */
const isNotAmongThem = '(l.account, l.lot) not in (select c.account, c.lot from changed c)';
/** For a page of lots, which is found in the order of their key. */
const hasNone = 'not exists (select from changed c where c.account = l.account and c.lot = l.lot)';
const changedLots = `
      select ${lotColumns}, l.remaining + c.amount as points
      from changed c
      cross join lateral (select * from lot where programme = $1 and account = c.account and lot = c.lot offset 0) l
      where l.remaining + c.amount <> 0`;
const openLotsAt = `${changedSince} ${unchangedLots(isNotAmongThem)} union all ${changedLots}`;

/** The midnight in Tokyo so many days before the day that $2 ends or interrupts; asked once a statement, not once a lot. */
const daysBefore = (days: number): string =>
  `(select ((($2::timestamptz at time zone 'Asia/Tokyo') - interval '1 millisecond')::date - ${days})::timestamp at time zone 'Asia/Tokyo')`;

/** What rows are kept apart by, as cheap to make for a million lots as can be, and the text that stands for it in the answer. */
const labels: Readonly<Record<OutstandingDimension, { value: string; text: (value: string) => string }>> = {
  source: { value: 'source', text: (value) => value },
  funding: { value: 'funding', text: (value) => value },
  age: { value: ageBucketSince('granted_at', daysBefore), text: (value) => value },
  ending: {
    value: `date_trunc('month', expires_at at time zone 'Asia/Tokyo' - interval '1 millisecond')`,
    text: (value) => `coalesce(to_char(${value}, 'YYYY-MM'), 'never')`,
  },
  cohort: { value: `date_trunc('month', granted_at at time zone 'Asia/Tokyo')`, text: (value) => `to_char(${value}, 'YYYY-MM')` },
};
const dimensions = ['source', 'funding', 'age', 'ending', 'cohort'] as const;
const label = (one: OutstandingDimension): string => labels[one].text(labels[one].value);

/** First by holder, so that holders are counted without sorting all lots by them. */
function sumsBy(by: readonly OutstandingDimension[], isKnown: boolean): { name: string; text: string } {
  const wanted = dimensions.filter((one) => by.includes(one));
  const columns = dimensions
    .map((one) => (wanted.includes(one) ? `${labels[one].text(one)} as ${one}` : `null::text as ${one}`))
    .join(', ');
  const nothing = dimensions.map((one) => `null::text as ${one}`).join(', ');
  const sums = 'coalesce(sum(points), 0)::text as points, coalesce(sum(lots), 0)::int as lots';
  return {
    name: `outstanding_${isKnown ? 'known_' : ''}${wanted.join('_')}`,
    text: `
      with of_holder as materialized (
        select account, ${wanted.map((one) => `${labels[one].value} as ${one}, `).join('')}sum(points) as points, count(*) as lots
        from (${isKnown ? knownLotsAt : openLotsAt}) lot_at
        group by account${wanted.map((one) => `, ${labels[one].value}`).join('')}
      )
      select true as "isTotal", ${nothing}, ${sums}, (select count(*)::int from (select from of_holder group by account) holder) as holders from of_holder
      ${wanted.length === 0 ? '' : `union all select false, ${columns}, ${sums}, count(*)::int from of_holder group by ${wanted.join(', ')}`}`,
  };
}

/** One page of lots with the labels of a row, behind the last one of the page before, in the order of the key of `lot`. */
const pageOf = (lots: string): string => `
    select * from (${lots}) lot_at
    where ($4::text is null or source = $4) and ($5::text is null or funding = $5) and ($6::text is null or ${label('age')} = $6)
      and ($7::text is null or ${label('ending')} = $7) and ($8::text is null or ${label('cohort')} = $8)
      and (account, lot) > (coalesce($9::text, ''), coalesce($10::uuid, '00000000-0000-0000-0000-000000000000'))
    order by account, lot
    limit $11`;
const lineColumns = `account, lot, source, funding, ${utc('granted_at')} as "grantedAt", ${utc('expires_at')} as "expiresAt", points`;
const readLots = {
  name: 'read_outstanding_lots',
  text: `
    ${changedSince}
    select ${lineColumns} from ((${pageOf(unchangedLots(hasNone))}) union all (${pageOf(changedLots)})) page order by account, lot limit $11`,
};
const readKnownLots = {
  name: 'read_known_outstanding_lots',
  text: `select ${lineColumns} from (${pageOf(knownLotsAt)}) page order by account, lot`,
};
