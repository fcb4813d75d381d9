import type { Tx } from '@points/database';
import { type CsvTable, cursorOf, readCursor, utc } from '@points/http';
import { parsePoints, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { endAsOf } from '../extend-lots/end-as-of.js';
import { ageBucket, ageBuckets, bookLines, grantedDay, grantedMonth, lapses, postedLines, readWide } from './book-lines.js';

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
  const read = () => tx.query<OutstandingCell>(sumsBy(by, knownAt !== null), [programme, at, knownAt]);
  const cells = knownAt === null ? await read() : await readWide(tx, read);
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

/** Each lot with what it had at $2: backwards from what it has left now, or forwards from what was known at $3. */
const lotsAt = (isKnown: boolean): string => {
  const range = { to: '$2', known: '$3', isKnown, isWide: isKnown };
  const changes = isKnown
    ? `select account, lot, amount from (${bookLines(range)}) line`
    : `
        select account, lot, remaining as amount from lot where programme = $1 and open
        union all
        select account, lot, -amount from (${postedLines({ from: '$2', known: '$3', isKnown })}) since
        union all
        select account, lot, amount from (${lapses(range)}) over`;
  return `
      select l.account, l.lot, l.source, l.funding, l.granted_at, e.expires_at, s.points,
        ${ageBucket(`(((($2::timestamptz) at time zone 'Asia/Tokyo') - interval '1 millisecond')::date - ${grantedDay})`)} as age,
        coalesce(to_char(e.expires_at at time zone 'Asia/Tokyo' - interval '1 millisecond', 'YYYY-MM'), 'never') as ending,
        ${grantedMonth} as cohort
      from (select account, lot, sum(amount)::bigint as points from (${changes}) change group by account, lot having sum(amount) <> 0) s
      join lot l on l.programme = $1 and l.account = s.account and l.lot = s.lot
      cross join lateral (select ${endAsOf({ lot: 'l', at: '$2', known: '$3' })} as expires_at) e`;
};

function sumsBy(by: readonly OutstandingDimension[], isKnown: boolean): { name: string; text: string } {
  const all: readonly OutstandingDimension[] = ['source', 'funding', 'age', 'ending', 'cohort'];
  const columns = all.map((one) => (by.includes(one) ? one : `null::text as ${one}`)).join(', ');
  const sums = 'sum(points)::text as points, count(*)::int as lots, count(distinct account)::int as holders';
  return {
    name: `outstanding_${isKnown ? 'known_' : ''}${[...by].sort().join('_')}`,
    text: `
      with lot_at as materialized (${lotsAt(isKnown)})
      select true as "isTotal", ${all.map((one) => `null::text as ${one}`).join(', ')}, coalesce(sum(points), 0)::text as points, count(*)::int as lots, count(distinct account)::int as holders
      from lot_at
      ${by.length === 0 ? '' : `union all select false, ${columns}, ${sums} from lot_at group by ${by.join(', ')}`}`,
  };
}

const lots = (isKnown: boolean): string => `
    select account, lot, source, funding, ${utc('granted_at')} as "grantedAt", ${utc('expires_at')} as "expiresAt", points
    from (${lotsAt(isKnown)}) lot_at
    where ($4::text is null or source = $4) and ($5::text is null or funding = $5) and ($6::text is null or age = $6)
      and ($7::text is null or ending = $7) and ($8::text is null or cohort = $8)
      and ($9::text is null or (account, lot) > ($9::text, $10::uuid))
    order by account, lot
    limit $11`;
const readLots = { name: 'read_outstanding_lots', text: lots(false) };
const readKnownLots = { name: 'read_known_outstanding_lots', text: lots(true) };
