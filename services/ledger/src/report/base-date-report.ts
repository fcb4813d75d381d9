import type { Tx } from '@points/database';
import type { CsvTable } from '@points/http';
import { points, sumPoints, type Instant, type LocalDate, type Points, type ProgrammeId } from '@points/kernel';
import type { BaseDate } from './fiscal-year.js';
import { movements, type MovementRow } from './movements.js';

/** previous + issued − redeemed − lapsed − takenBack + adjusted + moved + other = balance, as the law's report wants it. */
export interface BaseDateRow {
  readonly funding: 'paid' | 'free' | 'all';
  /** Unused balance (未使用残高) at the base date before. */
  readonly previous: Points;
  readonly issued: Points;
  /** Used, converted and donated, less what was refunded to holders. */
  readonly redeemed: Points;
  /** Of `redeemed`: what was taken back. Points are never paid out in money (資金決済法 20条: no refund but when a service ends). */
  readonly refunded: Points;
  /** Expired, and fallen to the municipality. */
  readonly lapsed: Points;
  /** Grants that were reversed. */
  readonly takenBack: Points;
  /** Corrections by staff. */
  readonly adjusted: Points;
  /** Between lots and holders: 0 unless funding changes hands. */
  readonly moved: Points;
  readonly other: Points;
  readonly balance: Points;
}

export interface BaseDateReport {
  readonly day: LocalDate;
  readonly previousDay: LocalDate;
  readonly reportDue: LocalDate;
  readonly knownAt: Instant | null;
  readonly rows: readonly BaseDateRow[];
  readonly total: BaseDateRow;
  /** Paid points above this many yen (one point is one yen) have to be reported by a private issuer. A local public body is exempt (4条3号). */
  readonly threshold: Points;
  readonly isPaidBalanceAboveThreshold: boolean;
}

export async function baseDateReport(tx: Tx, programme: ProgrammeId, base: BaseDate, knownAt: Instant | null): Promise<BaseDateReport> {
  const { rows, total } = await movements(tx, programme, { from: base.from, to: base.to, knownAt }, ['funding']);
  const byFunding = (['paid', 'free'] as const).map((funding) =>
    toRow(
      funding,
      rows.find((row) => row.funding === funding),
    ),
  );
  const paid = byFunding.find((row) => row.funding === 'paid')?.balance ?? 0;
  return {
    day: base.day,
    previousDay: base.previous,
    reportDue: base.reportDue,
    knownAt,
    rows: byFunding,
    total: toRow('all', total),
    threshold: points(thresholdPoints),
    isPaidBalanceAboveThreshold: paid > thresholdPoints,
  };
}

export function baseDateTable({ rows, total }: BaseDateReport): CsvTable {
  const columns = [
    'funding',
    'previous',
    'issued',
    'redeemed',
    'refunded',
    'lapsed',
    'takenBack',
    'adjusted',
    'moved',
    'other',
    'balance',
  ] as const;
  return { header: columns, rows: [...rows, total].map((row) => columns.map((column) => row[column])) };
}

/** 資金決済法施行令 6条: 10,000,000 yen of unused balance at a base date. */
const thresholdPoints = 10_000_000;

function toRow(funding: BaseDateRow['funding'], row: MovementRow | undefined): BaseDateRow {
  const of = (name: keyof MovementRow): Points => points(Number(row?.[name] ?? 0));
  return {
    funding,
    previous: of('opening'),
    issued: of('issued'),
    redeemed: points(sumPoints([of('used'), of('converted'), of('donated')]) - of('refunded')),
    refunded: of('refunded'),
    lapsed: sumPoints([of('expired'), of('reverted')]),
    takenBack: of('takenBack'),
    adjusted: of('adjusted'),
    moved: of('moved'),
    other: of('other'),
    balance: of('closing'),
  };
}
