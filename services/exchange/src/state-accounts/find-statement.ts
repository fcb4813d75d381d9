import type { Tx } from '@points/database';
import { parsePoints, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';
import { instantOf } from '../clock.js';
import { accountOf, type Account, type Fee, type LineKind, type LineSum, type Prices } from '../rules/account.js';
import type { Bearer } from '../rules/campaign.js';
import type { TaxCategory } from '../rules/tax.js';
import type { Fraction, Rounding } from '../rules/yen.js';
import { termsAt } from '../set-up-partners/partner.js';
import type { StatementView } from './statement-shapes.js';

export interface StatementKey {
  readonly programme: string;
  readonly partner: string;
  readonly month: string;
}

/** Which lines belong to a statement: those that its close has marked, or those of a time that no close has marked yet. */
export type Span = { readonly statement: string } | { readonly from: Instant | '-infinity'; readonly to: Instant };

export type Standing =
  | { readonly state: 'open'; readonly span: Span & { to: Instant } }
  | { readonly state: 'closed'; readonly span: Span; readonly row: StatementRow }
  | { readonly state: 'passed' };

/**
 * How the statement of a month stands. Months are closed in their order; what is recorded later of a closed one falls to the month
 * after the last close.
 */
export async function standOf(tx: Tx, key: StatementKey): Promise<Standing> {
  const [row] = await tx.query<StatementRow>(selectStatement, [key.programme, key.partner, key.month]);
  if (row) return { state: 'closed', span: { statement: row.id }, row };
  const last = await lastClosed(tx, key);
  if (last !== undefined && key.month <= last) return { state: 'passed' };
  const { from, to } = boundsOf(key.month);
  return { state: 'open', span: { from: last !== undefined && key.month === nextMonth(last) ? '-infinity' : from, to } };
}

export async function findStatement(tx: Tx, key: StatementKey): Promise<StatementView> {
  const standing = await standOf(tx, key);
  const { programme, partner, month } = key;
  switch (standing.state) {
    case 'closed': {
      const { account, closed_at, closed_by: closedBy, reason } = standing.row;
      return { programme, partner, month, state: 'closed', ...account, closedAt: instantOf(closed_at), closedBy, reason };
    }
    case 'open':
      return { programme, partner, month, state: 'open', ...(await account(tx, key, standing.span)) };
    case 'passed':
      return { programme, partner, month, state: 'passed', ...accountOf([], [], undefined, 'down') };
  }
}

/** Adds the lines up. */
export async function account(tx: Tx, key: StatementKey, span: Span): Promise<Account> {
  const { where, values } = spanSql(key, span);
  const rows = await tx.query<SumRow>(`${selectSums} where ${where} group by kind, terms_version, borne_by`, values);
  const prices = await tx.query<PriceRow>(selectPrices, [key.programme, key.partner, boundsOf(key.month).to]);
  const [issuer] = await tx.query<{ rounding: Rounding | null }>(
    `select rounding from invoice_party where programme = $1 and partner = ''`,
    [key.programme],
  );
  const all = prices.map(pricesOf);
  const atEnd = prices.find((one) => one.at_end);
  return accountOf(rows.map(sumOf), all, atEnd && pricesOf(atEnd), issuer?.rounding ?? 'down');
}

/** Of `account_line`. */
export function spanSql({ programme, partner }: Omit<StatementKey, 'month'>, span: Span): { where: string; values: unknown[] } {
  const where = 'programme = $1 and partner = $2';
  if ('statement' in span)
    return { where: `${where} and statement = $3::uuid and $4::text is null`, values: [programme, partner, span.statement, null] };
  return {
    where: `${where} and statement is null and happened_at >= $3::timestamptz and happened_at < $4::timestamptz`,
    values: [programme, partner, span.from, span.to],
  };
}

export async function lastClosed(tx: Tx, { programme, partner }: Omit<StatementKey, 'month'>): Promise<string | undefined> {
  const [row] = await tx.query<{ month: string | null }>(
    'select max(month) as month from partner_statement where programme = $1 and partner = $2',
    [programme, partner],
  );
  return row?.month ?? undefined;
}

/** From its first instant in Tokyo to the first one of the next month. */
export function boundsOf(month: string): { readonly from: Instant; readonly to: Instant } {
  // A month's first day is a day.
  const firstDay = (of: string) => startOfDayJst(`${of}-01` as LocalDate);
  return { from: firstDay(month), to: firstDay(nextMonth(month)) };
}

export function nextMonth(month: string): string {
  const [year = 0, of = 0] = month.split('-').map(Number);
  return of === 12 ? `${String(year + 1).padStart(4, '0')}-01` : `${month.slice(0, 5)}${String(of + 1).padStart(2, '0')}`;
}

export interface StatementRow {
  readonly id: string;
  readonly account: Account;
  readonly closed_by: string;
  readonly closed_at: Date;
  readonly reason: string;
}

interface SumRow {
  readonly kind: LineKind;
  readonly terms_version: number | null;
  readonly borne_by: Bearer | null;
  readonly lines: string;
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly rest: string;
  readonly yen: string;
}

interface PriceRow {
  readonly version: number;
  readonly numerator: number;
  readonly denominator: number;
  readonly yen_per_point: Fraction | null;
  readonly points_tax_category: TaxCategory | null;
  readonly fees: readonly Fee[] | null;
  readonly at_end: boolean;
}

function sumOf(row: SumRow): LineSum {
  return {
    kind: row.kind,
    version: row.terms_version,
    borneBy: row.borne_by,
    lines: Number(row.lines),
    partnerPoints: parsePoints(row.partner_points),
    municipalPoints: parsePoints(row.municipal_points),
    // Whole numbers too, and checked in the same way.
    rest: parsePoints(row.rest),
    yen: parsePoints(row.yen),
  };
}

function pricesOf(row: PriceRow): Prices {
  return {
    version: row.version,
    rate: { numerator: row.numerator, denominator: row.denominator },
    yenPerPoint: row.yen_per_point ?? { numerator: 1, denominator: 1 },
    pointsTaxCategory: row.points_tax_category ?? 'outside',
    fees: row.fees ?? [],
  };
}

const selectStatement = {
  name: 'select_statement',
  text: 'select id, account, closed_by, closed_at, reason from partner_statement where programme = $1 and partner = $2 and month = $3',
};

const selectSums = `
  select kind, terms_version, borne_by, count(*) as lines, sum(partner_points) as partner_points, sum(municipal_points) as municipal_points,
         sum(rest) as rest, sum(yen) as yen
  from account_line`;

/** All versions: there are few, and an order of any of them may be reversed this month. */
const selectPrices = {
  name: 'statement_prices',
  text: `
    select v.version, v.numerator, v.denominator, v.yen_per_point, v.points_tax_category, v.fees, v.version = t.version as at_end
    from partner p ${termsAt("$3::timestamptz - interval '1 millisecond'")}
    join partner_terms v on v.programme = p.programme and v.partner = p.partner
    where p.programme = $1 and p.partner = $2
    order by v.version`,
};
