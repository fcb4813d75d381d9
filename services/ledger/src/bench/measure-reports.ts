import { tenants, type Tx } from '@points/database';
import { addDays, endOfDayJst, jstDateOf, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';
import { breakage } from '../report/breakage.js';
import { movements, type Dimension } from '../report/movements.js';
import { movementLines } from '../report/movement-lines.js';
import { outstanding } from '../report/outstanding.js';
import { yearReport } from '../report/year-report.js';
import { RollUp } from '../roll-up/roll-up.js';
import { accountBalanceAt } from '../statement/account-statement.js';
import { balanceAt } from '../statement/balance.js';
import { Findings } from '../verify/findings.js';
import { checkRollUp } from '../verify/check-roll-up.js';
import { benchProgramme, holderAccount } from './fill-books.js';
import type { History } from './fill-history.js';
import type { GrowthBooks } from './growth-books.js';
import { quantile, rounded, type Measure } from './measures.js';
import { any } from './spends.js';

const times = 5;

/** Reports and past balances of a long history, each asked some times; the roll-up makes its sums first and is compared with the lines. */
export async function measureReports(books: GrowthBooks, history: History): Promise<Measure[]> {
  const started = performance.now();
  const rolled = await new RollUp(books.database).catchUp();
  const rollUpMs = performance.now() - started;
  for (const table of ['movement_roll_up', 'account_roll_up', 'unrolled']) await books.admin.query(`vacuum analyze ${table}`);
  await checkSums(books);
  const { rows } = await books.admin.query<{ rows: number }>('select count(*)::int as rows from movement_roll_up');
  const measures: Measure[] = [
    {
      name: 'roll_up',
      transfers: rolled,
      per_second: Math.round((rolled * 1_000) / rollUpMs),
      rows: rows[0]?.rows ?? 0,
      ratio: rounded((rollUpMs * 1_000) / rolled / 100, 2),
      ratio_to: '100 µs a transfer, a posting at 10,000 a second',
    },
  ];

  const now = new Date().toISOString() as Instant;
  const month = (back: number): { from: Instant; to: Instant } => {
    const first = (months: number): LocalDate => {
      const [year, index] = [Number(now.slice(0, 4)), Number(now.slice(5, 7)) - 1 - months];
      return new Date(Date.UTC(year, index, 1)).toISOString().slice(0, 10) as LocalDate;
    };
    return { from: startOfDayJst(first(back)), to: startOfDayJst(first(back - 1)) };
  };
  const moved =
    (period: { from: Instant; to: Instant }, ...by: Dimension[]) =>
    (tx: Tx) =>
      movements(tx, benchProgramme, { ...period, knownAt: null }, by);
  const past = month(18).to;
  const fiscalYear = Number(jstDateOf(now).slice(0, 4)) - 2;
  const asked: Record<string, (tx: Tx) => Promise<unknown>> = {
    month_last: moved(month(1), 'month', 'source', 'funding'),
    month_18_back: moved(month(18), 'month', 'source', 'funding'),
    month_this_up_to_now: moved({ from: month(0).from, to: now }, 'source', 'age'),
    days_45_uneven: moved({ from: startOfDayJst(addDays(jstDateOf(past), 10)), to: endOfDayJst(addDays(jstDateOf(past), 55)) }, 'source'),
    three_years_by_month: moved({ from: month(35).from, to: now }, 'month', 'source'),
    fiscal_year: (tx) => yearReport(tx, benchProgramme, fiscalYear, now, null),
    breakage: (tx) => breakage(tx, benchProgramme, now, null),
    lines_of_a_month: (tx) =>
      movementLines(tx, benchProgramme, { ...month(18), knownAt: null }, { total: 'used', row: { source: 'partner:a' }, limit: 200 }),
    outstanding_now: (tx) => outstanding(tx, benchProgramme, now, null, ['source', 'funding']),
    balance_past: (tx) => balanceAt(tx, benchProgramme, holderAccount(any(history.holders)), past),
    balance_past_known: (tx) => balanceAt(tx, benchProgramme, holderAccount(any(history.holders)), past, past),
    merchant_past: (tx) => accountBalanceAt(tx, benchProgramme, history.merchant, past, null),
    merchant_now: (tx) => accountBalanceAt(tx, benchProgramme, history.merchant, now, null),
  };
  for (const [name, ask] of Object.entries(asked)) {
    const taken: number[] = [];
    for (let time = 0; time < times; time++) {
      const begun = performance.now();
      await books.database.transaction(tenants('141305'), ask);
      taken.push(performance.now() - begun);
    }
    taken.sort((a, b) => a - b);
    measures.push({
      name: `report_${name}`,
      entries: history.entries,
      p50_ms: quantile(taken, 0.5),
      max_ms: quantile(taken, 1),
      ratio: rounded(quantile(taken, 1) / 1_000, 3),
      ratio_to: '1 s',
    });
  }
  return measures;
}

async function checkSums({ admin }: GrowthBooks): Promise<void> {
  const findings = new Findings();
  await admin.query('begin');
  await checkRollUp(admin, benchProgramme, findings);
  await admin.query('rollback');
  if (findings.count > 0) throw new Error(`the sums are not those of the lines: ${JSON.stringify(findings.first[0])}`);
}
