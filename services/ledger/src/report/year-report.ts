import type { Statement, Tx } from '@points/database';
import type { CsvTable } from '@points/http';
import type { Instant, LocalDate, ProgrammeId } from '@points/kernel';
import { isRolledUp } from '../roll-up/pending.js';
import { rolledLines, rolledValues } from '../roll-up/rolled-lines.js';
import { bookLines } from './book-lines.js';
import { fiscalYear, stateOf, type FiscalYear, type YearState } from './fiscal-year.js';
import { movements, type MovementRow, type Period } from './movements.js';
import { closesOf, type CloseChange } from './period-close.js';
import { flowTotalNames } from './totals.js';

export interface YearReport {
  readonly year: number;
  readonly firstDay: LocalDate;
  readonly lastDay: LocalDate;
  readonly state: YearState;
  /** Up to here (before it) what belongs to the year is booked. */
  readonly bookedUntil: Instant;
  /** The figures are of the books as they were known at this instant; null while the year is open: as they are now. */
  readonly knownAt: Instant | null;
  readonly until: Instant;
  readonly rows: readonly MovementRow[];
  readonly total: MovementRow;
  /** When the lines of the year were recorded. Imported history comes late by nature. */
  readonly recorded: { readonly inYear: number; readonly untilMay: number; readonly later: number; readonly notYetPosted: number };
  readonly closes: readonly CloseChange[];
}

/**
 * The close of a fiscal year by source and funding. A closed year keeps its figures: they are those that were known when the close
 * took hold, whatever is recorded later.
 */
export async function yearReport(tx: Tx, programme: ProgrammeId, year: number, now: Instant, asked: Instant | null): Promise<YearReport> {
  const { firstDay, lastDay, bookedUntil, ...bounds } = fiscalYear(year);
  const closes = await closesOf(tx, programme, year);
  const { period, isClosed } = yearPeriod(year, closes, now, asked);
  const { rows, total } = await movements(tx, programme, period, ['source', 'funding']);
  const [recorded] = await tx.query<YearReport['recorded']>(
    ...(await recordedStatement(tx, programme, period, { to: bounds.to, bookedUntil })),
  );
  return {
    year,
    firstDay,
    lastDay,
    state: stateOf(fiscalYear(year), now, isClosed),
    bookedUntil,
    knownAt: period.knownAt,
    until: period.to,
    rows,
    total,
    recorded: recorded ?? { inYear: 0, untilMay: 0, later: 0, notYetPosted: 0 },
    closes,
  };
}

/** The time that the year's report covers, and the knowledge it is drawn from. */
export function yearPeriod(
  year: number,
  closes: readonly CloseChange[],
  now: Instant,
  asked: Instant | null,
): { period: Period; isClosed: boolean } {
  const { from, to } = fiscalYear(year);
  const last = closes.at(-1);
  const isClosed = last?.closed ?? false;
  const beforeClose =
    last && isClosed && last.holdsFrom <= now ? (new Date(Date.parse(last.holdsFrom) - 1).toISOString() as Instant) : null;
  const knownAt = asked ?? beforeClose;
  return { period: clamped({ from, to, knownAt }, now), isClosed };
}

/** Nothing has happened yet after now, and nothing was known after `knownAt`: a period that reaches further ends there. */
export function clamped({ from, to, knownAt }: Period, now: Instant): Period {
  const last = knownAt !== null && knownAt < now ? knownAt : now;
  const end = to < last ? to : last;
  return { from, to: end < from ? from : end, knownAt };
}

export function movementsTable(labels: readonly string[]): (answer: { rows: readonly MovementRow[] }) => CsvTable {
  return ({ rows }) => {
    const stock = rows.some((row) => row.opening !== undefined);
    const columns = [...labels, ...(stock ? ['opening'] : []), ...flowTotalNames, ...(stock ? ['closing'] : []), 'lines'];
    return { header: columns, rows: rows.map((row) => columns.map((column) => row[column as keyof MovementRow])) };
  };
}

async function recordedStatement(
  tx: Tx,
  programme: ProgrammeId,
  period: Period,
  { to, bookedUntil }: Pick<FiscalYear, 'to' | 'bookedUntil'>,
): Promise<[Statement, unknown[]]> {
  if (period.knownAt === null && (await isRolledUp(tx, programme))) return [countRolledRecorded, rolledValues(programme, period)];
  const { from, to: until, knownAt } = period;
  return [knownAt === null ? countRecorded : countKnownRecorded, [programme, from, until, knownAt, to, bookedUntil]];
}

const countRolledRecorded = {
  name: 'count_rolled_recorded',
  text: `
    select coalesce(sum(lines) filter (where recorded = 'in-year'), 0)::int as "inYear",
      coalesce(sum(lines) filter (where recorded = 'until-may'), 0)::int as "untilMay",
      coalesce(sum(lines) filter (where recorded = 'later'), 0)::int as "later",
      coalesce(sum(lines) filter (where recorded = 'not-yet'), 0)::int as "notYetPosted"
    from (${rolledLines}) line where side = 'flow'`,
};

const countBy = (isKnown: boolean): string => `
    select count(*) filter (where recorded_at < $5::timestamptz)::int as "inYear",
      count(*) filter (where recorded_at >= $5::timestamptz and recorded_at < $6::timestamptz)::int as "untilMay",
      count(*) filter (where recorded_at >= $6::timestamptz)::int as "later",
      count(*) filter (where recorded_at is null)::int as "notYetPosted"
    from (${bookLines({ from: '$2', to: '$3', known: '$4', isKnown })}) line`;
const countRecorded = { name: 'count_recorded', text: countBy(false) };
const countKnownRecorded = { name: 'count_known_recorded', text: countBy(true) };
