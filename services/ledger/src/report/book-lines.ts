import type { Tx } from '@points/database';
import { endAsOf } from '../extend-lots/end-as-of.js';

/**
 * The lines that every report adds up and every drill-down shows: one per transfer and lot, and one for each lot whose time is over
 * while its expiry has not been posted yet, so that no figure depends on when the expiry job ran.
 *
 * Where a line counts: at its effective time, and before an instant when that time is before it. The expiry of a lot at its own end
 * is the exception: a lot usable through 31 March ends at 00:00 of 1 April and lapses in March, so an expiry counts just before its
 * time. An expiry that follows a refund or a release (it names what it is `of`) counts where that counts.
 */
export interface Range {
  /** Parameters such as `$2`; without one, from the beginning or to the end. */
  readonly from?: string;
  readonly to?: string;
  /** The parameter with the instant at which the books were known, or null. It must be in the statement either way. */
  readonly known: string;
  /** Whether that parameter has a value: then what was over at the time is worked out from what was known. */
  readonly isKnown: boolean;
  /** Nearly all lines are wanted. */
  readonly isWide?: boolean;
}

export function bookLines(range: Range): string {
  return bookBranches(range).join(' union all ');
}

/** The two of which the lines are made. */
export function bookBranches(range: Range): readonly [posted: string, lapsing: string] {
  return [postedLines(range), range.isKnown ? knownLapses(range) : lapses(range)];
}

/** True for a row with `effective_at` and `lapses` that counts before the instant. */
export function countsBefore(instant: string, row = ''): string {
  return `(${row}effective_at < ${instant}::timestamptz or (${row}effective_at = ${instant}::timestamptz and ${row}lapses))`;
}

/** The time in Tokyo at which a row counts, for months and ages. */
export const countedAt = `((effective_at at time zone 'Asia/Tokyo') - case when lapses then interval '1 millisecond' else interval '0' end)`;

export const ageBuckets = ['0-30', '31-90', '91-180', '181-365', '366-'] as const;

/** `days` since the grant, as one of `ageBuckets`. */
export const ageBucket = (days: string): string =>
  `case when ${days} <= 30 then '0-30' when ${days} <= 90 then '31-90' when ${days} <= 180 then '91-180' when ${days} <= 365 then '181-365' else '366-' end`;

/** The same from the time of the grant, where `daysBefore` gives the beginning of the day so many days before. */
export const ageBucketSince = (grantedAt: string, daysBefore: (days: number) => string): string =>
  `case when ${grantedAt} >= ${daysBefore(30)} then '0-30' when ${grantedAt} >= ${daysBefore(90)} then '31-90'
    when ${grantedAt} >= ${daysBefore(180)} then '91-180' when ${grantedAt} >= ${daysBefore(365)} then '181-365' else '366-' end`;

export const grantedDay = `(granted_at at time zone 'Asia/Tokyo')::date`;
export const grantedMonth = `to_char(granted_at at time zone 'Asia/Tokyo', 'YYYY-MM')`;
export const countedMonth = `to_char(${countedAt}, 'YYYY-MM')`;
export const countedAge = ageBucket(`(${countedAt}::date - ${grantedDay})`);

/**
 * PostgreSQL takes the columns of a key for independent and thinks that a join of these tables finds a handful of rows; left to itself it
 * has walked all draws for the lines of one month (6 s instead of 0.1 s on a million entries). So a range is read the way it is meant: its
 * transfers by `transfer_by_time`, then the draws and lots of each by their keys (`offset 0` keeps the order). Where nearly all lines
 * are wanted, `isWide`, the tables are joined whole; see `readWide`.
 */
export function postedLines(range: Range): string {
  const { from, to, known, isWide = false } = range;
  const transfers = `
    from (select *, ${lapsesItself} as lapses from transfer) t`;
  const joins = isWide ? joinDraws : lookUpDraws;
  return `${lineColumns}${transfers}${joins}
    where t.programme = $1 and (${known}::timestamptz is null or t.recorded_at <= ${known}::timestamptz)
      ${from === undefined ? '' : `and t.effective_at >= ${from}::timestamptz and not ${countsBefore(from, 't.')}`}
      ${to === undefined ? '' : `and t.effective_at <= ${to}::timestamptz and ${countsBefore(to, 't.')}`}`;
}

/** The lines of transfers that are known by their keys: `keys` are rows of account, effective_at and transfer. Each is looked up. */
export function linesOfKeys(keys: string): string {
  return `${lineColumns}
    from (${keys}) k
    cross join lateral (
      select *, ${lapsesItself} as lapses from transfer
      where programme = $1 and account = k.account and effective_at = k.effective_at and transfer = k.transfer offset 0
    ) t${lookUpDraws}`;
}

/** The lines of many transfers, which a statement answers; the tables are joined whole. */
export function linesOfTransfers(transfers: string): string {
  return `${lineColumns}
    from (select *, ${lapsesItself} as lapses from (${transfers}) t) t${joinDraws}`;
}

const lapsesItself = `kind = 'expire' and "of" is null`;
const lineColumns = `
    select t.account, t.transfer as id, t.transfer as posting, d.seq, t.kind, t.counter, t.effective_at, t.recorded_at, t.reference, t.actor, t.reason,
      t.lapses, d.lot, d.amount, l.source, l.funding, l.granted_at`;
const joinDraws = `
    join draw d on d.programme = t.programme and d.account = t.account and d.transfer = t.transfer
    join lot l on l.programme = d.programme and l.account = d.account and l.lot = d.lot`;
const lookUpDraws = `
    cross join lateral (
      select d.seq, d.lot, d.amount from draw d where d.programme = $1 and d.account = t.account and d.transfer = t.transfer offset 0
    ) d
    cross join lateral (
      select l.source, l.funding, l.granted_at from lot l where l.programme = $1 and l.account = t.account and l.lot = d.lot offset 0
    ) l`;

/** For a statement over nearly all lines or lots: the tables are hashed, in memory, and not looked up line by line. */
export async function readWide<T>(tx: Tx, read: () => Promise<T>): Promise<T> {
  await tx.query(`set local enable_nestloop = off; set local work_mem = '${wideReadMiB}MB'`);
  const result = await read();
  await tx.query('reset enable_nestloop; reset work_mem');
  return result;
}

/** Per hash: a million accounts of a hundred bytes, with room.. */
const wideReadMiB = 256;

/** Lots that are over with points that nobody holds. What is held lives on until its hold ends. */
export function lapses({ from, to }: Range): string {
  return `
    select ${lapsing('l.expires_at')}, held - remaining as amount, source, funding, granted_at
    from lot l
    where programme = $1 and open and remaining > held and expires_at is not null ${endsWithin(from, to)}`;
}

/** The same from what was known at an instant: what the lot had by its draws, less what holds of that time kept. */
function knownLapses({ from, to, known }: Range): string {
  return `
    select ${lapsing('s.expires_at')}, coalesce(h.held, 0) - s.remaining as amount, l.source, l.funding, l.granted_at
    from (
      select d.account, d.lot, l.expires_at, sum(d.amount)::bigint as remaining
      from (select programme, account, lot, ${endAsOf({ lot: 'l', known })} as expires_at from lot l where programme = $1 and expires_at is not null) l
      join draw d on d.programme = l.programme and d.account = l.account and d.lot = l.lot
      join transfer t on t.programme = d.programme and t.account = d.account and t.transfer = d.transfer
      where t.recorded_at <= ${known}::timestamptz ${endsWithin(from, to)}
      group by d.account, d.lot, l.expires_at
    ) s
    join lot l on l.programme = $1 and l.account = s.account and l.lot = s.lot
    left join (
      select h.account, p.lot, sum(greatest(0, least(p.part, p.upto - c.captured)))::bigint as held
      from hold h
      cross join lateral (
        select coalesce(sum(t.amount) filter (where t.kind in ('spend', 'convert', 'donate')), 0) as captured,
          bool_or(t.kind = 'release') as released, bool_or(t.kind = 'hold') as known
        from transfer t
        where t.programme = h.programme and t.account = h.account and t.hold = h.hold and t.recorded_at <= ${known}::timestamptz
      ) c
      cross join lateral (
        select lot, part, sum(part) over (order by n) as upto from unnest(h.lots, h.parts) with ordinality as u (lot, part, n)
      ) p
      where h.programme = $1 and c.known and not c.released and c.captured < h.amount
      group by h.account, p.lot
    ) h on h.account = s.account and h.lot = s.lot
    where s.remaining > coalesce(h.held, 0)`;
}

function endsWithin(from: string | undefined, to: string | undefined): string {
  return `${from === undefined ? '' : `and l.expires_at > ${from}::timestamptz`} ${to === undefined ? '' : `and l.expires_at <= ${to}::timestamptz`}`;
}

/** As the expiry job will post it. */
const lapsing = (end: string) => `
      l.account, l.lot as id, null::uuid as posting, 0::smallint as seq, 'expire' as kind, 'expired' as counter, ${end} as effective_at,
      null::timestamptz as recorded_at, null::text as reference, 'ledger:expiry' as actor, null::text as reason, true as lapses, l.lot`;
