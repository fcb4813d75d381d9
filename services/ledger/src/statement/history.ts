import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { isInstant, isUuid, parsePoints, type Instant, type Points, type ProgrammeId } from '@points/kernel';

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
  readonly lots: readonly { readonly lot: string; readonly amount: number }[];
}

export interface HistoryPage {
  readonly lines: readonly HistoryLine[];
  /** Send it as `after` for the next page; null after the last. */
  readonly next: string | null;
}

export const historyPageMax = 200;

/** Newest first, by the time at which it took effect. Pages are cut by key, so lines that come in meanwhile move nothing. */
export async function historyOf(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  page: { after?: string; limit: number },
): Promise<HistoryPage> {
  const [at, id] = page.after === undefined ? [null, null] : readCursor(page.after);
  const rows = await tx.query<Omit<HistoryLine, 'change' | 'amount'> & { change: string; amount: string }>(readHistory, [
    programme,
    account,
    at,
    id,
    page.limit + 1,
  ]);
  const lines = rows
    .slice(0, page.limit)
    .map((row): HistoryLine => ({ ...row, change: parsePoints(row.change), amount: parsePoints(row.amount) }));
  const last = lines.at(-1);
  return { lines, next: rows.length > page.limit && last ? `${last.effectiveAt}_${last.posting}` : null };
}

function readCursor(text: string): [Instant, string] {
  const [at = '', id = ''] = text.split('_');
  if (!isInstant(at) || !isUuid(id))
    throw problem(422, 'invalid-request', 'the query is wrong: after is no cursor of this history', {
      errors: [{ field: 'after', reason: 'is no cursor' }],
    });
  return [at, id];
}

const utc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const readHistory = {
  name: 'read_history',
  text: `
    select t.transfer as posting, t.kind, coalesce(e.amount, 0) as change, t.amount, t.counter, ${utc('t.effective_at')} as "effectiveAt", ${utc('t.recorded_at')} as "recordedAt",
      t.reference, t.actor, t.reason, t.hold, t.of,
      (select coalesce(json_agg(json_build_object('lot', d.lot, 'amount', d.amount) order by d.seq), '[]') from draw d
       where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer) as lots
    from transfer t
    left join entry e on e.programme = t.programme and e.account = t.account and e.effective_at = t.effective_at and e.transfer = t.transfer
    where t.programme = $1 and t.account = $2 and ($3::timestamptz is null or (t.effective_at, t.transfer) < ($3::timestamptz, $4::uuid))
    order by t.effective_at desc, t.transfer desc
    limit $5`,
};
