import type { Tx } from '@points/database';
import { cursorOf, readCursor, utc, type CsvTable } from '@points/http';
import { parsePoints, type Instant, type LocalDate, type Points, type ProgrammeId } from '@points/kernel';
import { lastDayOf } from '../rules/extend.js';
import { readExtension } from './extension-order.js';

export interface ExtendedLot {
  readonly holder: string;
  readonly lot: string;
  readonly points: Points;
  readonly source: string;
  readonly funding: string;
  readonly fromDay: LocalDate;
  readonly toDay: LocalDate;
  readonly effectiveAt: Instant;
  readonly posting: string;
}

export interface ExtendedLots {
  readonly lines: readonly ExtendedLot[];
  readonly next: string | null;
}

/** What an order has extended, by holder and lot. @throws Problem 404 `unknown-extension` */
export async function extendedLots(
  tx: Tx,
  programme: ProgrammeId,
  extension: string,
  page: { after?: string | undefined; limit: number },
): Promise<ExtendedLots> {
  const [account, lot] = readCursor(page.after, 'account', 'uuid');
  await readExtension(tx, programme, extension);
  const rows = await tx.query<LotRow>(readLots, [programme, extension, account, lot, page.limit + 1]);
  const lines = rows.slice(0, page.limit).map(({ account: of, points, fromEnd, toEnd, ...row }): ExtendedLot => ({
    ...row,
    holder: of.slice('holder:'.length),
    points: parsePoints(points),
    fromDay: lastDayOf(fromEnd),
    toDay: lastDayOf(toEnd),
  }));
  const last = rows[page.limit - 1];
  return { lines, next: rows.length > page.limit && last ? cursorOf(last.account, last.lot) : null };
}

export function extendedLotsTable({ lines }: ExtendedLots): CsvTable {
  return {
    header: ['holder', 'lot', 'points', 'source', 'funding', 'fromDay', 'toDay', 'effectiveAt', 'posting'],
    rows: lines.map((one) => [
      one.holder,
      one.lot,
      one.points,
      one.source,
      one.funding,
      one.fromDay,
      one.toDay,
      one.effectiveAt,
      one.posting,
    ]),
  };
}

interface LotRow extends Omit<ExtendedLot, 'holder' | 'points' | 'fromDay' | 'toDay'> {
  readonly account: string;
  readonly points: string;
  readonly fromEnd: Instant;
  readonly toEnd: Instant;
}

/** Walks the index `extension_of_order`. */
const readLots = {
  name: 'read_extended_lots',
  text: `
    select x.account, x.lot, x.points::text, l.source, l.funding, ${utc('x.from_end')} as "fromEnd", ${utc('x.to_end')} as "toEnd",
      ${utc('x.effective_at')} as "effectiveAt", x.transfer as posting
    from extension x join lot l on l.programme = x.programme and l.account = x.account and l.lot = x.lot
    where x.programme = $1 and x.extension = $2 and ($3::text is null or (x.account, x.lot) > ($3::text, $4::uuid))
    order by x.account, x.lot
    limit $5`,
};
