import type { Tx } from '@points/database';
import { type CsvTable, cursorOf, readCursor, utc } from '@points/http';
import { addDays, endOfDayJst, jstDateOf, parsePoints, type Instant, type LocalDate, type Points, type ProgrammeId } from '@points/kernel';

export interface ExpiringLot {
  readonly holder: string;
  readonly lot: string;
  readonly source: string;
  readonly funding: string;
  readonly grantedAt: Instant;
  readonly expiresAt: Instant;
  /** The last day on which it can be used. */
  readonly lastDay: LocalDate;
  readonly remaining: Points;
  /** Of what remains, what a hold has reserved: it does not expire while it is held. */
  readonly held: Points;
  readonly available: Points;
}

export interface ExpiringPage {
  /** Lots whose last day is this one or earlier, and that still live. */
  readonly through: LocalDate;
  readonly lines: readonly ExpiringLot[];
  readonly next: string | null;
}

/** What will be lost soon: of one holder, or of the whole programme; the earliest end first. "Within 0 days" is today. */
export async function expiringWithin(
  tx: Tx,
  programme: ProgrammeId,
  account: string | null,
  now: Instant,
  page: { within: number; after?: string | undefined; limit: number },
): Promise<ExpiringPage> {
  const [at, owner, lot] = readCursor(page.after, 'instant', 'account', 'uuid');
  const through = addDays(jstDateOf(now), page.within);
  const rows = await tx.query<LotRow>(account === null ? expiringOfAll : expiringOfOne, [
    programme,
    account,
    now,
    endOfDayJst(through),
    at,
    owner,
    lot,
    page.limit + 1,
  ]);
  const lines = rows.slice(0, page.limit).map(({ account: of, ...row }): ExpiringLot => {
    const [remaining, held] = [parsePoints(row.remaining), parsePoints(row.held)];
    // A lot that ends at 00:00 of a day was usable through the day before.
    const lastDay = addDays(jstDateOf(row.expiresAt), isMidnight(row.expiresAt) ? -1 : 0);
    return { holder: of.slice('holder:'.length), ...row, lastDay, remaining, held, available: parsePoints(remaining - held) };
  });
  const last = rows[page.limit - 1];
  return { through, lines, next: rows.length > page.limit && last ? cursorOf(last.expiresAt, last.account, last.lot) : null };
}

export function expiringTable({ lines }: ExpiringPage): CsvTable {
  return {
    header: ['holder', 'lastDay', 'available', 'held', 'remaining', 'source', 'funding', 'grantedAt', 'expiresAt', 'lot'],
    rows: lines.map((one) => [
      one.holder,
      one.lastDay,
      one.available,
      one.held,
      one.remaining,
      one.source,
      one.funding,
      one.grantedAt,
      one.expiresAt,
      one.lot,
    ]),
  };
}

interface LotRow extends Omit<ExpiringLot, 'holder' | 'lastDay' | 'remaining' | 'held' | 'available'> {
  readonly account: string;
  readonly remaining: string;
  readonly held: string;
}

const midnightJst = 'T15:00:00.000Z';
const isMidnight = (instant: Instant) => instant.endsWith(midnightJst);

/** Walks the index `lot_ending` (programme, expires_at, account) of open lots. */
const expiring = (owner: string) => `
    select account, lot, source, funding, ${utc('granted_at')} as "grantedAt", ${utc('expires_at')} as "expiresAt", remaining, held
    from lot
    where programme = $1 and ${owner} and open and expires_at > $3::timestamptz and expires_at <= $4::timestamptz
      and ($5::timestamptz is null or (expires_at, account, lot) > ($5::timestamptz, $6::text, $7::uuid))
    order by expires_at, account, lot
    limit $8`;
const expiringOfOne = { name: 'expiring_of_one', text: expiring('account = $2::text') };
const expiringOfAll = { name: 'expiring_of_all', text: expiring('$2::text is null') };
