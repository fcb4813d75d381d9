import type { Tx } from '@points/database';
import { cursorOf, readCursor, type CsvTable } from '@points/http';
import { jstDateOf, parsePoints } from '@points/kernel';
import { instantOf } from '../clock.js';
import { figureLines, lineKinds, monthOf, type LineKind } from '../rules/account.js';
import type { Bearer } from '../rules/campaign.js';
import { boundsOf, spanSql, standOf, type StatementKey } from './find-statement.js';
import type { LinesQuery, LinesView, LineView } from './statement-shapes.js';

/** The lines that a figure of a statement is the sum of, in order of time. */
export async function statementLines(tx: Tx, key: StatementKey, query: LinesQuery & { limit: number }): Promise<LinesView> {
  const standing = await standOf(tx, key);
  if (standing.state === 'passed') return { lines: [] };
  const { where, values } = spanSql(key, standing.span);
  const figure = query.figure && figureLines[query.figure];
  const rows = await tx.query<LineRow>(pageSql(where, figure ? [figure.kind] : lineKinds), [
    ...[...values, figure !== undefined, figure?.borneBy ?? null, query.late ?? null, boundsOf(key.month).from],
    ...[...readCursor(query.after, 'instant', 'uuid', 'account'), query.limit + 1],
  ]);
  const lines = rows.slice(0, query.limit).map((row) => lineView(row, key.month));
  const last = rows.length > query.limit ? lines.at(-1) : undefined;
  return { lines, ...(last && { next: cursorOf(last.happenedAt, last.id, last.kind) }) };
}

export function linesTable({ lines }: LinesView): CsvTable {
  return {
    header: [
      ...['kind', 'orderId', 'happenedAt', 'partnerPoints', 'municipalPoints', 'rest', 'version', 'borneBy', 'cause', 'yen', 'owed'],
      ...['lateOf', 'id'],
    ],
    rows: lines.map((one) => [
      ...[one.kind, one.orderId, one.happenedAt, one.partnerPoints, one.municipalPoints, one.rest, one.version, one.borneBy, one.cause],
      ...[one.yen, one.owed, one.lateOf, one.id],
    ]),
  };
}

export interface LineRow {
  readonly id: string;
  readonly kind: LineKind;
  readonly order_id: string | null;
  readonly happened_at: Date;
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly rest: string;
  readonly terms_version: number | null;
  readonly borne_by: Bearer | null;
  readonly cause: string | null;
  readonly yen: string;
  readonly owed: string | null;
}

function lineView(row: LineRow, month: string): LineView {
  const happenedAt = instantOf(row.happened_at);
  const own = monthOf(jstDateOf(happenedAt));
  return {
    id: row.id,
    kind: row.kind,
    ...(row.order_id !== null && { orderId: row.order_id }),
    happenedAt,
    partnerPoints: parsePoints(row.partner_points),
    municipalPoints: parsePoints(row.municipal_points),
    rest: parsePoints(row.rest),
    ...(row.terms_version !== null && { version: row.terms_version }),
    ...(row.borne_by !== null && { borneBy: row.borne_by }),
    ...(row.cause !== null && { cause: row.cause }),
    yen: parsePoints(row.yen),
    ...(row.owed !== null && { owed: parsePoints(row.owed) }),
    ...(own !== month && { lateOf: own }),
  };
}

const lineColumns = 'id, kind, order_id, happened_at, partner_points, municipal_points, rest, terms_version, borne_by, cause, yen, owed';

export const selectLines = `select ${lineColumns} from account_line`;

/**
 * The next lines of each kind, and of those the first. Of the kinds that have many lines the keys are taken from an index before: the
 * view is a union, and PostgreSQL would read and sort every line of the month for each page.
 */
function pageSql(where: string, kinds: readonly LineKind[]): string {
  const ofKind = (kind: LineKind) => {
    const keys = keysOf[kind];
    const next = `
      ${where} and ($5::boolean is not true or borne_by is not distinct from $6) and ($7::boolean is not true or happened_at < $8)
      and (happened_at, id) >= (coalesce($9::timestamptz, '-infinity'), coalesce($10::uuid, '00000000-0000-0000-0000-000000000000'))
      and ($9::timestamptz is null or (happened_at, id, '${kind}') > ($9, $10, $11::text))
      order by happened_at, id limit $12`;
    return keys === undefined
      ? `(${selectLines} where kind = '${kind}' and ${next})`
      : `(${selectLines} where kind = '${kind}' and id = any (array(select id from (${keys}) k where ${next})))`;
  };
  return `select ${lineColumns} from (${kinds.map(ofKind).join(' union all ')}) as lines order by happened_at, id, kind limit $12`;
}

/** Where the time and the statement of a kind's lines are indexed. */
const keysOf: Readonly<Partial<Record<LineKind, string>>> = {
  order: 'select id, programme, partner, booked_at as happened_at, statement, null::text as borne_by from order_booking',
  bonus: `
    select id, programme, partner, bonus_booked_at as happened_at, bonus_statement as statement, bonus_borne_by as borne_by
    from exchange_order where bonus_booked_at is not null`,
};
