import type { Tx } from '@points/database';
import { type CsvTable, cursorOf, readCursor, utc } from '@points/http';
import { parsePoints, points, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { bookBranches, countedAge, countedMonth, grantedMonth } from './book-lines.js';
import { beginning, type Period } from './movements.js';
import { linesOf, type Total } from './totals.js';

/** One line behind a total. The lines of a total add up to it. */
export interface ReportLine {
  /** Null for the expiry of a lot that is over and has not been posted yet. */
  readonly posting: string | null;
  readonly kind: string;
  /** As the total counts it: used points are above zero in `used`, and below zero in `closing`. */
  readonly points: Points;
  readonly holder: string;
  readonly counter: string | null;
  readonly lot: string;
  readonly source: string;
  readonly funding: string;
  readonly grantedAt: Instant;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant | null;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string | null;
}

export interface ReportLines {
  readonly total: Total;
  readonly lines: readonly ReportLine[];
  readonly next: string | null;
}

/** The row of the report whose figure is asked about. */
export interface RowFilter {
  readonly month?: string | undefined;
  readonly source?: string | undefined;
  readonly funding?: string | undefined;
  readonly age?: string | undefined;
  readonly cohort?: string | undefined;
}

/** The lines of one figure of a report over this period, in the order in which they took effect. */
export async function movementLines(
  tx: Tx,
  programme: ProgrammeId,
  period: Period,
  { total, row, after, limit }: { total: Total; row: RowFilter; after?: string | undefined; limit: number },
): Promise<ReportLines> {
  const { kinds, others, sign } = linesOf(total);
  const [at, id, seq] = readCursor(after, 'instant', 'uuid', 'number');
  const { month = null, source = null, funding = null, age = null, cohort = null } = row;
  const rows = await tx.query<LineRow>(period.knownAt === null ? readLines : readKnownLines, [
    programme,
    ...bounds(total, period, month),
    period.knownAt,
    kinds,
    others,
    // The opening and closing of a month are all that was before its end, not what moved in it.
    total === 'opening' || total === 'closing' ? null : month,
    source,
    funding,
    age,
    cohort,
    at,
    id,
    seq,
    limit + 1,
    // Where the index is entered: at the last line's time, or at the beginning.
    at ?? beginning,
  ]);
  const lines = rows.slice(0, limit).map((line) => toLine(line, sign));
  const last = rows[limit - 1];
  return { total, lines, next: rows.length > limit && last ? cursorOf(last.effectiveAt, last.id, last.seq) : null };
}

export function linesTable({ lines }: ReportLines): CsvTable {
  return {
    header: [
      'effectiveAt',
      'kind',
      'points',
      'holder',
      'counter',
      'source',
      'funding',
      'grantedAt',
      'lot',
      'posting',
      'recordedAt',
      'reference',
      'actor',
      'reason',
    ],
    rows: lines.map((line) => [
      line.effectiveAt,
      line.kind,
      line.points,
      line.holder,
      line.counter,
      line.source,
      line.funding,
      line.grantedAt,
      line.lot,
      line.posting,
      line.recordedAt,
      line.reference,
      line.actor,
      line.reason,
    ]),
  };
}

function toLine(row: LineRow, sign: 1 | -1): ReportLine {
  const { posting, kind, counter, lot, source, funding, grantedAt, effectiveAt, recordedAt, reference, actor, reason } = row;
  const holder = row.account.slice('holder:'.length);
  const counted = points(sign * parsePoints(row.amount));
  return {
    posting,
    kind,
    points: counted,
    holder,
    counter,
    lot,
    source,
    funding,
    grantedAt,
    effectiveAt,
    recordedAt,
    reference,
    actor,
    reason,
  };
}

function bounds(total: Total, { from, to }: Period, month: string | null): [Instant, Instant] {
  if (total !== 'opening' && total !== 'closing') return [from, to];
  if (month === null) return [beginning, total === 'opening' ? from : to];
  const [first, next] = [startOfMonth(month, 0), startOfMonth(month, 1)];
  return [beginning, total === 'opening' ? later(first, from) : later(from, earlier(next, to))];
}

function startOfMonth(month: string, plus: number): Instant {
  // `month` was checked as YYYY-MM; 9 hours earlier is midnight in Tokyo.
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)) - 1 + plus, 1, -9)).toISOString() as Instant;
}

const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
const earlier = (a: Instant, b: Instant): Instant => (a < b ? a : b);

interface LineRow extends Omit<ReportLine, 'points' | 'holder'> {
  readonly id: string;
  readonly seq: number;
  readonly account: string;
  readonly amount: string;
}

/**
 * The key of a line is its time, its transfer (or the lot that is over) and the place of the lot in the draw. Each branch is cut by
 * itself, so that a page reads the index from where it begins and stops when it is full.
 */
const lines = (isKnown: boolean): string => `
    select id, seq, account, posting, kind, amount, counter, lot, source, funding, ${utc('granted_at')} as "grantedAt",
      ${utc('effective_at')} as "effectiveAt", ${utc('recorded_at')} as "recordedAt", reference, actor, reason
    from (${bookBranches({ from: '$2', to: '$3', known: '$4', isKnown }).map(branch).join(' union all ')}) line
    order by effective_at, id, seq
    limit $15`;
const branch = (rows: string): string => `
      (select * from (${rows}) line
      where effective_at >= $16::timestamptz
        and ($5::text[] is null or (kind = any ($5::text[])) <> $6::boolean)
        and ($7::text is null or ${countedMonth} = $7)
        and ($8::text is null or source = $8)
        and ($9::text is null or funding = $9)
        and ($10::text is null or ${countedAge} = $10)
        and ($11::text is null or ${grantedMonth} = $11)
        and ($12::timestamptz is null or (effective_at, id, seq) > ($12::timestamptz, $13::uuid, $14::integer))
      order by effective_at, id, seq
      limit $15)`;
const readLines = { name: 'read_report_lines', text: lines(false) };
const readKnownLines = { name: 'read_known_report_lines', text: lines(true) };
