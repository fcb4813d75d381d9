import type { Tx } from '@points/database';
import { type CsvTable, cursorOf, readCursor, utc } from '@points/http';
import { parsePoints, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { lastDayOf } from '../rules/extend.js';

export interface HistoryLine {
  readonly posting: string;
  readonly kind: string;
  /** The change of the posted balance; 0 for a hold and its release. */
  readonly change: Points;
  readonly amount: Points;
  readonly counter: string | null;
  readonly effectiveAt: Instant;
  readonly recordedAt: Instant;
  readonly reference: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly hold: string | null;
  readonly of: string | null;
  /** What it took from lots (negative) or gave to them; adds up to `change`. */
  readonly lots: readonly LotChange[];
  /** What a hold keeps free in lots. */
  readonly reserved: readonly LotChange[];
  /** Ends of lots that staff have moved. */
  readonly extended: readonly LotEnd[];
}

interface LotEnd {
  readonly lot: string;
  readonly points: number;
  readonly from: Instant;
  readonly to: Instant;
}

interface LotChange {
  readonly lot: string;
  readonly amount: number;
  readonly source: string;
  readonly funding: string;
  readonly expiresAt: Instant | null;
}

export interface HistoryPage {
  readonly lines: readonly HistoryLine[];
  /** Send it as `after` for the next page; null after the last. */
  readonly next: string | null;
}

export interface HistoryFilter {
  readonly kinds?: readonly string[] | undefined;
  /** Effective from this instant on. */
  readonly from?: Instant | undefined;
  /** Effective before this instant. */
  readonly before?: Instant | undefined;
  /** Lines that touch a lot of this source. */
  readonly source?: string | undefined;
  readonly counter?: string | undefined;
  readonly knownAt?: Instant | undefined;
}

/** Newest first, by the time at which it took effect. Pages are cut by key, so lines that come in meanwhile move nothing. */
export async function historyOf(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  page: { after?: string | undefined; limit: number } & HistoryFilter,
): Promise<HistoryPage> {
  const { kinds = null, from = null, before = null, source = null, counter = null, knownAt = null, limit } = page;
  const [at, id] = readCursor(page.after, 'instant', 'uuid');
  const rows = await tx.query<Omit<HistoryLine, 'change' | 'amount'> & { change: string; amount: string }>(readHistory, [
    programme,
    account,
    at,
    id,
    limit + 1,
    kinds,
    from,
    before,
    source,
    counter,
    knownAt,
  ]);
  const lines = rows
    .slice(0, limit)
    .map((row): HistoryLine => ({ ...row, change: parsePoints(row.change), amount: parsePoints(row.amount) }));
  const last = lines.at(-1);
  return { lines, next: rows.length > limit && last ? cursorOf(last.effectiveAt, last.posting) : null };
}

export function historyTable({ lines }: HistoryPage): CsvTable {
  const lotsOf = (lots: readonly LotChange[]) => lots.map(({ lot, amount }) => `${lot}:${amount}`).join(' ');
  return {
    header: [
      'effectiveAt',
      'kind',
      'change',
      'amount',
      'counter',
      'reason',
      'actor',
      'reference',
      'recordedAt',
      'posting',
      'hold',
      'of',
      'lots',
      'reserved',
      'extended',
    ],
    rows: lines.map((line) => [
      line.effectiveAt,
      line.kind,
      line.change,
      line.amount,
      line.counter,
      line.reason,
      line.actor,
      line.reference,
      line.recordedAt,
      line.posting,
      line.hold,
      line.of,
      lotsOf(line.lots),
      lotsOf(line.reserved),
      line.extended.map(({ lot, from, to }) => `${lot}:${lastDayOf(from)}>${lastDayOf(to)}`).join(' '),
    ]),
  };
}

const lotFacts = `'source', l.source, 'funding', l.funding, 'expiresAt', ${utc('l.expires_at')}`;

const readHistory = {
  name: 'read_history',
  text: `
    select t.transfer as posting, t.kind, coalesce(e.amount, 0) as change, t.amount, t.counter, ${utc('t.effective_at')} as "effectiveAt", ${utc('t.recorded_at')} as "recordedAt",
      t.reference, t.actor, t.reason, t.hold, t.of,
      (select coalesce(json_agg(json_build_object('lot', d.lot, 'amount', d.amount, ${lotFacts}) order by d.seq), '[]')
       from draw d join lot l on l.programme = d.programme and l.account = d.account and l.lot = d.lot
       where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer) as lots,
      (select coalesce(json_agg(json_build_object('lot', p.lot, 'amount', p.part, ${lotFacts}) order by p.n), '[]')
       from hold h cross join lateral unnest(h.lots, h.parts) with ordinality as p (lot, part, n)
       join lot l on l.programme = h.programme and l.account = h.account and l.lot = p.lot
       where t.kind = 'hold' and h.programme = t.programme and h.account = t.account and h.hold = t.hold) as reserved,
      (select coalesce(json_agg(json_build_object('lot', x.lot, 'points', x.points, 'from', ${utc('x.from_end')}, 'to', ${utc('x.to_end')}) order by x.lot), '[]')
       from extension x where t.kind = 'extend' and x.programme = t.programme and x.account = t.account and x.transfer = t.transfer) as extended
    from transfer t
    left join entry e on e.programme = t.programme and e.account = t.account and e.effective_at = t.effective_at and e.transfer = t.transfer
    where t.programme = $1 and t.account = $2 and ($3::timestamptz is null or (t.effective_at, t.transfer) < ($3::timestamptz, $4::uuid))
      and ($6::text[] is null or t.kind = any ($6))
      and ($7::timestamptz is null or t.effective_at >= $7)
      and ($8::timestamptz is null or t.effective_at < $8)
      and ($9::text is null or exists (
        select from draw d join lot l on l.programme = d.programme and l.account = d.account and l.lot = d.lot
        where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer and l.source = $9))
      and ($10::text is null or t.counter = $10)
      and ($11::timestamptz is null or t.recorded_at <= $11)
    order by t.effective_at desc, t.transfer desc
    limit $5`,
};
