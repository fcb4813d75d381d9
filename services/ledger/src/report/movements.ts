import type { Statement, Tx } from '@points/database';
import {
  assert,
  jstDateOf,
  parsePoints,
  points,
  sumPoints,
  type Instant,
  type LocalDate,
  type Points,
  type ProgrammeId,
} from '@points/kernel';
import { isRolledUp } from '../roll-up/pending.js';
import { rolledLines, rolledValues } from '../roll-up/rolled-lines.js';
import {
  ageBuckets,
  bookLines,
  countedAge,
  countedMonth,
  countsBefore,
  grantedMonth,
  lapses,
  postedLines,
  readWide,
} from './book-lines.js';
import { flowTotalNames, flowTotalOf, signOf, type FlowTotal } from './totals.js';

/** What rows of a report are kept apart by. */
export type Dimension = 'month' | 'source' | 'funding' | 'age' | 'cohort';

export interface Period {
  /** What counts from here on and … */
  readonly from: Instant;
  /** … before here. */
  readonly to: Instant;
  /** As the books were known at this instant; now unless told. */
  readonly knownAt: Instant | null;
}

export interface MovementRow extends Readonly<Record<FlowTotal, Points>> {
  readonly month?: string;
  readonly source?: string;
  readonly funding?: string;
  /** Days between the grant and the movement. */
  readonly age?: string;
  /** The month in which the lots were granted. */
  readonly cohort?: string;
  /** What holders had when the period (or the month of the row) began and ended. By age there is none: lots grow older. */
  readonly opening?: Points;
  readonly closing?: Points;
  readonly lines: number;
}

export interface Movements {
  readonly rows: readonly MovementRow[];
  readonly total: MovementRow;
}

/** Before everything that can be in the books. */
export const beginning = '0001-01-01T00:00:00.000Z' as Instant;

/**
 * What happened in a period: opening + issued − used − converted − donated + refunded − expired − reverted − takenBack + adjusted + moved + other = closing,
 * in each row and in all. One statement, so one state of the books.
 *
 * Without `knownAt` from the sums of days and months and from what they do not know yet; where that is too much, the balance is taken
 * from what the lots have left, less what happened since. With it every line up to the period's end is added up.
 */
export async function movements(
  tx: Tx,
  programme: ProgrammeId,
  period: Period,
  by: readonly Dimension[],
  askedWay?: Way,
): Promise<Movements> {
  const way = askedWay ?? (await wayTo(tx, programme, period));
  const read = () => tx.query<Cell>(...statementOf(way, programme, period, by));
  const cells = way.isWide ? await readWide(tx, read) : await read();
  const hasStock = !by.includes('age');
  const months = by.includes('month') ? monthsOf(period) : [undefined];
  const rows: MovementRow[] = [];
  for (const group of grouped(cells, (cell) =>
    keyOf(
      cell,
      by.filter((one) => one !== 'month'),
    ),
  )) {
    let opening = hasStock ? openingOf(group, way) : undefined;
    for (const month of months) {
      const flow = group.filter((cell) => cell.side === 'flow' && (month === undefined || cell.month === month));
      const row = rowOf(flow, opening);
      if (!isEmpty(row)) rows.push({ ...labelsOf(group[0], by, month), ...row });
      opening = row.closing;
    }
  }
  rows.sort((a, b) => compareRows(a, b, by));
  const total = totalOf(cells, hasStock, way);
  return { rows: by.length === 0 ? [total] : rows, total };
}

/** How the figures are found; all ways answer the same. */
export interface Way {
  readonly from: 'sums' | 'lots' | 'known-lines';
  /** Nearly all lines are read. */
  readonly isWide: boolean;
}

async function wayTo(tx: Tx, programme: ProgrammeId, { from, knownAt }: Period): Promise<Way> {
  if (knownAt !== null) return { from: 'known-lines', isWide: true };
  if (await isRolledUp(tx, programme)) return { from: 'sums', isWide: false };
  return { from: 'lots', isWide: await reachesFarBack(tx, programme, from) };
}

function statementOf(way: Way, programme: ProgrammeId, period: Period, by: readonly Dimension[]): [Statement, unknown[]] {
  if (way.from === 'sums') return [rolledCellsBy(by), rolledValues(programme, period)];
  const { from, to, knownAt } = period;
  return [cellsBy(by, { isKnown: way.from === 'known-lines', isWide: way.isWide }), [programme, from, to, knownAt]];
}

/**
 * Whether most of the programme's time lies after `from`. A line that is looked up costs 11 µs, one of whole tables that are hashed 3 µs
 * (470,000 transfers); so from about 0.3 of all lines on, all of them are cheaper.
 */
async function reachesFarBack(tx: Tx, programme: ProgrammeId, from: Instant): Promise<boolean> {
  const [row] = await tx.query<{ isFar: boolean | null }>(findSpan, [programme, from, lookedUpShareMax]);
  return row?.isFar ?? false;
}

const lookedUpShareMax = 0.3;

const findSpan = {
  name: 'find_span',
  text: `
    select extract(epoch from latest - $2::timestamptz) > $3::float8 * extract(epoch from latest - earliest) as "isFar"
    from (
      select (select max(effective_at) from transfer where programme = $1) as latest, (select min(effective_at) from transfer where programme = $1) as earliest
    ) span`,
};

interface Cell {
  readonly side: 'before' | 'flow' | 'after' | 'now';
  /** False for the expiry of a lot that is over and has not been posted yet. */
  readonly posted: boolean;
  readonly kind: string | null;
  readonly points: string;
  readonly lines: number;
  readonly month: string | null;
  readonly source: string | null;
  readonly funding: string | null;
  readonly age: string | null;
  readonly cohort: string | null;
}

/** Forwards from the first line, or backwards from what is left now. Unposted expiries reach up to the period's end. */
function openingOf(cells: readonly Cell[], way: Way): Points {
  if (way.from !== 'lots') return sumOf(cells.filter((cell) => cell.side === 'before'));
  const [now, lapsed] = [sumOf(cells.filter((cell) => cell.side === 'now')), sumOf(cells.filter((cell) => !cell.posted))];
  const [after, flow] = [sumOf(cells.filter((cell) => cell.side === 'after')), sumOf(cells.filter((cell) => cell.side === 'flow'))];
  return points(now + lapsed - after - flow);
}

function rowOf(flow: readonly Cell[], opening: Points | undefined): MovementRow {
  const totals = Object.fromEntries(
    flowTotalNames.map((name) => [name, points(signOf(name) * sumOf(flow.filter((cell) => flowTotalOf(cell.kind ?? '') === name)))]),
    // One entry per name of a total.
  ) as Record<FlowTotal, Points>;
  const lines = flow.reduce((sum, cell) => sum + cell.lines, 0);
  return {
    ...(opening !== undefined && { opening }),
    ...totals,
    ...(opening !== undefined && { closing: points(opening + sumOf(flow)) }),
    lines,
  };
}

function totalOf(cells: readonly Cell[], hasStock: boolean, way: Way): MovementRow {
  return rowOf(
    cells.filter((cell) => cell.side === 'flow'),
    hasStock ? openingOf(cells, way) : undefined,
  );
}

function sumOf(cells: readonly Cell[]): Points {
  return sumPoints(cells.map((cell) => parsePoints(cell.points)));
}

function grouped(cells: readonly Cell[], key: (cell: Cell) => string): Cell[][] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const group = groups.get(key(cell));
    if (group) group.push(cell);
    else groups.set(key(cell), [cell]);
  }
  return [...groups.values()];
}

function keyOf(cell: Cell, by: readonly Dimension[]): string {
  return JSON.stringify(by.map((one) => cell[one]));
}

function labelsOf(cell: Cell | undefined, by: readonly Dimension[], month: string | undefined): Partial<Record<Dimension, string>> {
  return Object.fromEntries(by.map((one) => [one, one === 'month' ? month : cell?.[one]]));
}

function isEmpty(row: MovementRow): boolean {
  return row.lines === 0 && (row.opening ?? 0) === 0 && (row.closing ?? 0) === 0;
}

/** By the dimensions in the order in which they were asked for; ages are in order of their days, not of their letters. */
function compareRows(a: MovementRow, b: MovementRow, by: readonly Dimension[]): number {
  for (const one of by) {
    const rank = (row: MovementRow): string =>
      one === 'age' ? String(ageBuckets.indexOf(row.age as (typeof ageBuckets)[number])) : (row[one] ?? '');
    if (rank(a) !== rank(b)) return rank(a) < rank(b) ? -1 : 1;
  }
  return 0;
}

/** Every month that the period touches. */
export function monthsOf({ from, to }: Pick<Period, 'from' | 'to'>): string[] {
  if (to <= from) return [];
  const last = jstDateOf(new Date(Date.parse(to) - 1).toISOString() as Instant).slice(0, 7);
  const months: string[] = [];
  for (let month = jstDateOf(from).slice(0, 7); month <= last; month = nextMonth(month)) {
    months.push(month);
    assert(months.length <= reportMonthsMax, 'the length of a report was checked');
  }
  return months;
}

function nextMonth(month: string): string {
  const index = Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7));
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`;
}

/** Twenty years: longer than any programme's books are kept open for questions. */
export const reportMonthsMax = 240;

export function spansTooManyMonths(from: LocalDate, to: LocalDate): boolean {
  const months = (day: LocalDate) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
  return months(to) - months(from) >= reportMonthsMax;
}

/** The statements depend on what is asked for by constants only; each is prepared once. */
function rolledCellsBy(by: readonly Dimension[]): Statement {
  const wanted = (dimension: Dimension) => (by.includes(dimension) ? dimension : `null::text as ${dimension}`);
  const inFlow = (dimension: Dimension) =>
    by.includes(dimension) ? `case when side = 'flow' then ${dimension} end as ${dimension}` : wanted(dimension);
  return {
    name: `movements_rolled_${[...by].sort().join('_')}`,
    text: `
      select side, posted, kind, month, source, funding, age, cohort, sum(amount)::text as points, sum(lines)::int as lines
      from (
        select side, posted, kind, amount, lines, ${inFlow('month')}, ${wanted('source')}, ${wanted('funding')}, ${inFlow('age')}, ${wanted('cohort')}
        from (${rolledLines}) line
      ) cell
      group by side, posted, kind, month, source, funding, age, cohort`,
  };
}

function cellsBy(by: readonly Dimension[], { isKnown, isWide }: { isKnown: boolean; isWide: boolean }): Statement {
  const wanted = (dimension: Dimension, expression: string) => (by.includes(dimension) ? expression : 'null::text');
  const inFlow = (expression: string) => `case when side = 'flow' then ${expression} end`;
  // Backwards from now: what was posted since the beginning of the period, and every expiry up to its end that is still to be posted.
  const lines = isKnown
    ? bookLines({ to: '$3', known: '$4', isKnown, isWide })
    : `${postedLines({ from: '$2', known: '$4', isKnown, isWide })} union all ${lapses({ to: '$3', known: '$4', isKnown })}`;
  return {
    name: `movements_${isKnown ? 'known_' : isWide ? 'all_' : ''}${[...by].sort().join('_')}`,
    text: `
      select side, posted, kind, month, source, funding, age, cohort, sum(amount)::text as points, count(*)::int as lines
      from (
        select side, posting is not null as posted, kind, amount,
          ${wanted('month', inFlow(countedMonth))} as month, ${wanted('source', 'source')} as source, ${wanted('funding', 'funding')} as funding,
          ${wanted('age', inFlow(countedAge))} as age, ${wanted('cohort', grantedMonth)} as cohort
        from (
          select *, case when ${countsBefore('$2')} then 'before' when ${countsBefore('$3')} then 'flow' else 'after' end as side
          from (${lines}) line
        ) placed
      ) cell
      group by side, posted, kind, month, source, funding, age, cohort
      ${
        isKnown
          ? ''
          : `
      union all
      select 'now', true, null, null, source, funding, null, cohort, sum(remaining)::text, 0
      from (
        select remaining, ${wanted('source', 'source')} as source, ${wanted('funding', 'funding')} as funding, ${wanted('cohort', grantedMonth)} as cohort
        from lot where programme = $1 and open
      ) left_now
      group by source, funding, cohort`
      }`,
  };
}
