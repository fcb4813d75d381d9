import { tenants, type Tx } from '@points/database';
import { programmeId, uuidv7, type Instant, type LocalDate } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../schema/migrations.js';
import { findProgramme } from '../programmes/programme-store.js';
import { Door } from '../post/door.js';
import { aHolder, anIssue, aRequest, aSpend, at, kawasaki, openProgramme } from '../testing/ledger-builders.js';
import { trialBooks, type TrialBooks } from '../testing/trial-books.js';
import { baseDateReport } from './base-date-report.js';
import { breakage } from './breakage.js';
import { baseDate, fiscalYear } from './fiscal-year.js';
import { movementLines, type ReportLine, type RowFilter } from './movement-lines.js';
import { beginning, movements, type Dimension, type MovementRow, type Period } from './movements.js';
import { outstanding, outstandingLots, type OutstandingDimension } from './outstanding.js';
import { changeClose } from './period-close.js';
import { reportAt } from './report.js';
import { flowTotalNames, type Total } from './totals.js';
import { yearReport } from './year-report.js';

const jst = (text: string): Instant => at(`${text}+09:00`);
const spring: Period = { from: jst('2018-01-01T00:00:00'), to: jst('2018-06-01T00:00:00'), knownAt: null };
const year2017: Period = { from: jst('2017-04-01T00:00:00'), to: jst('2018-04-01T00:00:00'), knownAt: null };
const everything: Period = { from: beginning, to: jst('2018-06-03T00:00:00'), knownAt: null };
const aYearLater = jst('2019-06-30T00:00:00');
const nothing = {
  issued: 0,
  used: 0,
  converted: 0,
  donated: 0,
  refunded: 0,
  expired: 0,
  reverted: 0,
  takenBack: 0,
  adjusted: 0,
  moved: 0,
  other: 0,
};

describe('the reports', () => {
  let fresh: FreshDatabase;
  let books: TrialBooks;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    books = await trialBooks(fresh.database);
  }, 30_000);
  afterAll(async () => {
    await books?.close();
    await fresh?.close();
  });

  const inTx = <T>(work: (tx: Tx) => Promise<T>, tenant = '141305') => fresh.database.transaction(tenants(tenant), work);
  const rowsOf = async (period: Period, ...by: Dimension[]) => (await inTx((tx) => movements(tx, kawasaki, period, by))).rows;
  const totalOf = async (period: Period, ...by: Dimension[]) => (await inTx((tx) => movements(tx, kawasaki, period, by))).total;
  const open = async (time: string, ...by: OutstandingDimension[]) => inTx((tx) => outstanding(tx, kawasaki, jst(time), null, by));

  /** All lines of one figure, three to a page. */
  const linesOf = async (period: Period, total: Total, row: RowFilter): Promise<ReportLine[]> => {
    const lines: ReportLine[] = [];
    for (let after: string | undefined; ;) {
      const page = await inTx((tx) => movementLines(tx, kawasaki, period, { total, row, after, limit: 3 }));
      lines.push(...page.lines);
      if (page.next === null) return lines;
      after = page.next;
    }
  };
  const sum = (lines: readonly { points: number }[]) => lines.reduce((all, one) => all + one.points, 0);
  const expectLinesToAddUp = async (period: Period, rows: readonly MovementRow[]) => {
    for (const row of rows) {
      for (const name of [...flowTotalNames, 'opening', 'closing'] as const) {
        const figure = row[name];
        if (figure !== undefined) expect([name, row, sum(await linesOf(period, name, row))]).toEqual([name, row, figure]);
      }
    }
  };

  // The first half of the spec runs before the expiry job, the second half after it.
  describe.each([
    ['before the expiry job has run', undefined],
    ['after the expiry job has run', '2018-06-01T00:00:00+09:00'],
  ])('%s', (_, until) => {
    beforeAll(async () => {
      if (until !== undefined) await books.expire(until);
    });

    it('reports a month by the day on which things happened in Tokyo, and lets a lot lapse with its last day', async () => {
      expect(await rowsOf(spring, 'month')).toEqual([
        { ...nothing, month: '2018-01', opening: 0, issued: 1000, used: 100, closing: 900, lines: 2 },
        { ...nothing, month: '2018-02', opening: 900, issued: 500, converted: 200, donated: 50, closing: 1150, lines: 3 },
        { ...nothing, month: '2018-03', opening: 1150, used: 75, refunded: 40, expired: 400, closing: 715, lines: 5 },
        { ...nothing, month: '2018-04', opening: 715, issued: 300, used: 100, expired: 615, closing: 300, lines: 4 },
        { ...nothing, month: '2018-05', opening: 300, refunded: 40, expired: 40, closing: 300, lines: 2 },
      ]);
      expect(await totalOf(spring, 'month')).toEqual({
        ...nothing,
        opening: 0,
        issued: 1800,
        used: 275,
        converted: 200,
        donated: 50,
        refunded: 80,
        expired: 1055,
        closing: 300,
        lines: 16,
      });
    });

    it('reports by source, by funding and by both', async () => {
      const paid = { ...nothing, opening: 0, issued: 1300, used: 240, converted: 200, refunded: 80, expired: 640, closing: 300, lines: 11 };
      const free = { ...nothing, opening: 0, issued: 500, used: 35, donated: 50, expired: 415, closing: 0, lines: 5 };

      expect(await rowsOf(spring, 'source')).toEqual([
        { source: 'partner:mobile-a', ...paid },
        { source: 'staff:b', ...free },
      ]);
      expect(await rowsOf(spring, 'source', 'funding')).toEqual([
        { source: 'partner:mobile-a', funding: 'paid', ...paid },
        { source: 'staff:b', funding: 'free', ...free },
      ]);
    });

    it('reports by the days since the grant, without a balance', async () => {
      expect(await rowsOf(spring, 'age')).toEqual([
        { ...nothing, age: '0-30', issued: 1800, used: 100, donated: 50, lines: 5 },
        { ...nothing, age: '31-90', used: 175, converted: 200, refunded: 40, expired: 1015, lines: 9 },
        { ...nothing, age: '91-180', refunded: 40, expired: 40, lines: 2 },
      ]);
    });

    it('begins a later period with the balance that the earlier one ended with', async () => {
      const april: Period = { from: jst('2018-04-01T00:00:00'), to: jst('2018-05-01T00:00:00'), knownAt: null };

      expect(await rowsOf(april, 'source')).toEqual([
        { ...nothing, source: 'partner:mobile-a', opening: 300, issued: 300, used: 100, expired: 200, closing: 300, lines: 3 },
        { ...nothing, source: 'staff:b', opening: 415, expired: 415, closing: 0, lines: 1 },
      ]);
    });

    it.each([
      ['2018-03-31T23:59:59.999', 1155],
      ['2018-04-01T00:00:00.000', 715],
      ['2018-04-30T23:59:59.999', 715],
      ['2018-05-01T00:00:00.000', 300],
    ])('knows what was outstanding when %s came', async (time, points) => {
      const { total } = await open(time);
      const programme = await inTx((tx) => findProgramme(tx, kawasaki));
      if (!programme) throw new Error('the programme is there');

      expect(total.points).toBe(points);
      expect((await inTx((tx) => reportAt(tx, programme, jst(time)))).outstanding.points).toBe(total.points);
      expect((await totalOf({ ...year2017, to: jst(time) })).closing).toBe(total.points);
    });

    it('reports what is outstanding by source, age and the month of its end', async () => {
      expect((await open('2018-04-01T00:00:00', 'source', 'age', 'ending')).rows).toEqual([
        { source: 'partner:mobile-a', age: '31-90', ending: '2018-03', points: 300, lots: 1, holders: 1 },
        { source: 'staff:b', age: '31-90', ending: '2018-04', points: 415, lots: 1, holders: 1 },
      ]);
      expect((await open('2018-04-01T00:00:00')).total).toEqual({ points: 715, lots: 2, holders: 2 });
    });

    it('tells how much of each month’s grants lapsed', async () => {
      const { rows } = await inTx((tx) => breakage(tx, kawasaki, jst('2018-06-01T00:00:00'), null));

      expect(rows).toMatchObject([
        { cohort: '2018-01', issued: 1000, expired: 640, closing: 0, breakageBasisPoints: 6400 },
        { cohort: '2018-02', issued: 500, expired: 415, closing: 0, breakageBasisPoints: 8300 },
        { cohort: '2018-04', issued: 300, expired: 0, closing: 300, breakageBasisPoints: 0 },
      ]);
    });

    it('adds the lines of every figure of every row up to the figure', async () => {
      for (const by of [['month'], ['source', 'funding'], ['age'], ['month', 'source']] as Dimension[][]) {
        await expectLinesToAddUp(spring, await rowsOf(spring, ...by));
      }
      await expectLinesToAddUp({ ...spring, from: jst('2018-03-01T00:00:00'), to: jst('2018-05-01T00:00:00') }, [
        await totalOf({ ...spring, from: jst('2018-03-01T00:00:00'), to: jst('2018-05-01T00:00:00') }),
      ]);
      const cohorts = await inTx((tx) => breakage(tx, kawasaki, everything.to, null));
      await expectLinesToAddUp(everything, [...cohorts.rows, cohorts.total]);
      for (const row of (await open('2018-04-01T00:00:00', 'source', 'age', 'ending', 'cohort', 'funding')).rows) {
        const first = await inTx((tx) => outstandingLots(tx, kawasaki, jst('2018-04-01T00:00:00'), null, { row: { ...row }, limit: 10 }));
        expect(sum(first.lines)).toBe(row.points);
      }
    });

    it('pages the outstanding lots by key', async () => {
      const page = (after?: string) =>
        inTx((tx) => outstandingLots(tx, kawasaki, jst('2018-04-01T00:00:00'), null, { row: {}, after, limit: 1 }));
      const first = await page();
      const second = await page(first.next ?? '');

      expect([...first.lines, ...second.lines].map((one) => [`holder:${one.holder}`, one.points])).toEqual([
        [books.hanako, 300],
        [books.taro, 415],
      ]);
      expect(second.next).toBeNull();
    });

    it('keeps a base date: previous + issued − redeemed − lapsed = balance, paid and free apart', async () => {
      const report = (day: string, knownAt: Instant | null = null) => {
        const base = baseDate(day as LocalDate);
        if (!base) throw new Error('a base date');
        return inTx((tx) => baseDateReport(tx, kawasaki, base, knownAt));
      };
      const none = { takenBack: 0, adjusted: 0, moved: 0, other: 0 };

      expect(await report('2018-03-31')).toMatchObject({
        previousDay: '2017-09-30',
        reportDue: '2018-05-31',
        rows: [
          { ...none, funding: 'paid', previous: 0, issued: 1000, redeemed: 300, refunded: 40, lapsed: 400, balance: 300 },
          { ...none, funding: 'free', previous: 0, issued: 500, redeemed: 85, refunded: 0, lapsed: 0, balance: 415 },
        ],
        total: { ...none, previous: 0, issued: 1500, redeemed: 385, refunded: 40, lapsed: 400, balance: 715 },
        isPaidBalanceAboveThreshold: false,
      });
      expect(await report('2018-09-30')).toMatchObject({
        rows: [
          { ...none, funding: 'paid', previous: 300, issued: 300, redeemed: 60, refunded: 40, lapsed: 540, balance: 0 },
          { ...none, funding: 'free', previous: 415, issued: 0, redeemed: 0, refunded: 0, lapsed: 415, balance: 0 },
        ],
      });
      const half: Period = { from: jst('2017-10-01T00:00:00'), to: jst('2018-04-01T00:00:00'), knownAt: null };
      expect(sum(await linesOf(half, 'redeemed', { funding: 'paid' }))).toBe(300);
      expect(sum(await linesOf(half, 'lapsed', {}))).toBe(400);
      expect(sum(await linesOf(half, 'closing', { funding: 'free' }))).toBe(415);
      // On 31 May the last of the late postings was not known: 10 more were open.
      expect((await report('2018-03-31', jst('2018-05-31T23:59:59.999'))).total).toMatchObject({ redeemed: 375, balance: 725 });
    });

    it.each(['2018-01-31T00:00:00', '2018-03-31T23:59:59.999', '2018-04-02T00:00:00', '2018-04-10T00:00:00', '2018-05-25T00:00:00'])(
      'answers what was known at %s as it would have answered then',
      async (time) => {
        const known = (period: Period): Period => ({ ...period, to: jst(time) < period.to ? jst(time) : period.to, knownAt: jst(time) });
        const expected: Record<string, object> = {
          '2018-01-31T00:00:00': { issued: 1000, used: 0, closing: 1000 },
          '2018-03-31T23:59:59.999': { issued: 1500, used: 100, expired: 0, closing: 1190 },
          // 400 of lot A lapsed with March; 300 of it were held then.
          '2018-04-02T00:00:00': { issued: 1500, used: 140, expired: 400, closing: 750 },
          '2018-04-10T00:00:00': { issued: 1500, used: 240, expired: 600, closing: 450 },
          '2018-05-25T00:00:00': { issued: 1800, used: 265, expired: 1065, closing: 300 },
        };

        const total = await totalOf(known({ ...spring, from: beginning }));

        expect(total).toMatchObject(expected[time] ?? {});
        await expectLinesToAddUp(known({ ...spring, from: beginning }), [total]);
        expect((await inTx((tx) => outstanding(tx, kawasaki, jst(time), jst(time), []))).total.points).toBe(total.closing);
      },
    );

    it('answers the same whether it goes back from now or forward from the beginning', async () => {
      for (const by of [['month'], ['source', 'funding'], ['cohort'], ['month', 'source'], []] as Dimension[][]) {
        for (const period of by.includes('month') ? [spring, year2017] : [spring, year2017, everything]) {
          const known = { ...period, knownAt: aYearLater };
          expect(await inTx((tx) => movements(tx, kawasaki, known, by))).toEqual(await inTx((tx) => movements(tx, kawasaki, period, by)));
        }
      }
      for (const time of ['2018-03-01T00:00:00', '2018-04-01T00:00:00', '2018-06-01T00:00:00']) {
        expect(await inTx((tx) => outstanding(tx, kawasaki, jst(time), aYearLater, ['source', 'age']))).toEqual(
          await open(time, 'source', 'age'),
        );
      }
    });

    it('shows another municipality nothing', async () => {
      const theirs = await inTx((tx) => movements(tx, kawasaki, spring, ['source']), '432067');
      const lines = await inTx((tx) => movementLines(tx, kawasaki, spring, { total: 'issued', row: {}, limit: 10 }), '432067');

      expect(theirs).toMatchObject({ rows: [], total: { issued: 0, closing: 0 } });
      expect(lines.lines).toEqual([]);
      expect(await inTx((tx) => outstanding(tx, kawasaki, jst('2018-04-01T00:00:00'), null, []), '432067')).toMatchObject({
        total: { points: 0 },
      });
    });
  });

  it('counts the expiry that follows a refund where the refund counts, even at the first instant of a month', async () => {
    const [programme, holder] = [programmeId('141305-boundary'), aHolder()];
    await openProgramme(fresh.database, programme, { rules: { expiry: { kind: 'end-of-month', months: 0 } } });
    const door = new Door({ database: fresh.database, now: () => jst('2018-07-01T00:00:00') });
    const spend = aSpend(holder, 30, { programme, effectiveAt: jst('2018-03-05T00:00:00') });
    const more = { programme, effectiveAt: jst('2018-05-01T00:00:00') };
    const [, , refunded] = await door.post([
      anIssue(holder, 100, { programme, effectiveAt: jst('2018-03-01T00:00:00') }),
      spend,
      aRequest(holder, { kind: 'refund', of: spend.reference, amount: 10 }, more),
    ]);
    await door.close();
    const period = { from: jst('2018-03-01T00:00:00'), to: jst('2018-06-01T00:00:00'), knownAt: null };

    const { rows } = await inTx((tx) => movements(tx, programme, period, ['month']));
    const stored = await inTx((tx) => findProgramme(tx, programme));
    if (!stored) throw new Error('the programme is there');
    const mayBegins = await inTx((tx) => reportAt(tx, stored, jst('2018-05-01T00:00:00')));

    expect(refunded?.outcome.status).toBe('posted');
    expect(rows).toMatchObject([
      { month: '2018-03', issued: 100, used: 30, refunded: 0, expired: 70, closing: 0 },
      { month: '2018-05', opening: 0, refunded: 10, expired: 10, closing: 0 },
    ]);
    expect(mayBegins).toMatchObject({ expired: { points: 70 }, refunded: { points: 0 }, outstanding: { points: 0 } });
  });

  describe('the fiscal year', () => {
    const close = (closed: boolean, time: string, reason = '出納閉鎖') =>
      inTx((tx) => changeClose(tx, kawasaki, 2017, { closed, reason, actor: 'finance', now: jst(time) }));
    /** A grant of 7 points in a closed year: the door refuses it, plain SQL does not ask. */
    const bookBehindTheDoor = (effectiveAt: Instant, recordedAt: Instant) =>
      inTx((tx) =>
        tx.query(
          `with granted as (
             insert into lot (tenant, programme, account, lot, priority, granted_at, expires_at, usable_at, source, funding, rule_version, amount, remaining)
             values ('141305', $1, $2, $3, 0, $4, null, '{}', 'staff:b', 'free', 1, 7, 7)
           ), moved as (
             insert into transfer (tenant, programme, account, transfer, kind, counter, amount, effective_at, recorded_at, actor)
             values ('141305', $1, $2, $5, 'issue', 'issued:staff:b', 7, $4, $6, 'test')
           )
           insert into draw (tenant, programme, account, transfer, seq, lot, amount) values ('141305', $1, $2, $5, 0, $3, 7)`,
          [kawasaki, books.taro, uuidv7(), effectiveAt, uuidv7(), recordedAt],
        ),
      );
    const report = (time: string) => inTx((tx) => yearReport(tx, kawasaki, 2017, jst(time), null));

    it('ends with 31 March, and its books with 31 May', () => {
      expect(fiscalYear(2017)).toMatchObject({
        from: '2017-03-31T15:00:00.000Z',
        to: '2018-03-31T15:00:00.000Z',
        bookedUntil: '2018-05-31T15:00:00.000Z',
      });
    });

    it('cannot be closed before the end of May', async () => {
      await expect(close(true, '2018-05-31T23:59:59.999')).rejects.toMatchObject({
        code: 'books-still-open',
        facts: { lastDay: '2018-05-31' },
      });
      expect((await report('2018-03-31T23:59:59.999')).state).toBe('running');
      expect((await report('2018-04-01T00:00:00')).state).toBe('settling');
      expect((await report('2018-06-01T00:00:00')).state).toBe('due');
    });

    it('keeps its figures once it is closed, and tells when its lines were recorded', async () => {
      const figures = { opening: 0, issued: 1500, used: 175, converted: 200, donated: 50, refunded: 40, expired: 400, closing: 715 };
      const before = await report('2018-06-05T12:00:00');

      await close(true, '2018-06-05T12:00:00');
      await bookBehindTheDoor(jst('2018-03-20T00:00:00'), jst('2018-06-10T10:00:00'));
      const after = await report('2018-06-10T12:00:00');

      expect(before).toMatchObject({ state: 'due', knownAt: null, total: figures, recorded: { inYear: 7, untilMay: 1, later: 2 } });
      expect(after).toMatchObject({
        state: 'closed',
        knownAt: '2018-06-05T03:01:59.999Z',
        total: figures,
        rows: [{ closing: 300 }, { closing: 415 }],
      });
      expect(await inTx((tx) => tx.query('select fiscal_year, closed_from, from_at, to_at from closed_period'))).toEqual([
        {
          fiscal_year: 2017,
          closed_from: new Date('2018-06-05T03:02:00.000Z'),
          from_at: new Date('2017-03-31T15:00:00.000Z'),
          to_at: new Date('2018-03-31T15:00:00.000Z'),
        },
      ]);
    });

    it('takes nothing more at the door for a closed year, and everything for the year after', async () => {
      books.clock.now = jst('2018-06-10T10:00:00');
      const into = (time: string) => books.post(anIssue(books.taro, 5, { effectiveAt: jst(time) }));

      await expect(into('2018-03-31T23:59:59.999')).rejects.toThrow('period-closed');
      await expect(into('2018-04-01T00:00:00')).resolves.toBeDefined();
    });

    it('shows what came after the close to whoever asks for what is known now', async () => {
      expect(await totalOf(year2017)).toMatchObject({ issued: 1507, closing: 722 });
      expect(await totalOf({ ...year2017, knownAt: jst('2018-06-05T12:00:00') })).toMatchObject({ issued: 1500, closing: 715 });
    });

    it('can be opened again with a reason, and every change stays', async () => {
      expect(await close(true, '2018-06-11T00:00:00')).toHaveLength(1);
      expect(await close(false, '2018-06-12T00:00:00', 'a shop was forgotten')).toMatchObject([
        { change: 1, closed: true, actor: 'finance' },
        { change: 2, closed: false, reason: 'a shop was forgotten' },
      ]);
      expect(await inTx((tx) => tx.query('select from closed_period'))).toEqual([]);
      await expect(inTx((tx) => tx.query('update period_close set closed = true'))).rejects.toMatchObject({ code: '42501' });
      await expect(inTx((tx) => tx.query('delete from period_close'))).rejects.toMatchObject({ code: '42501' });
      expect(await inTx((tx) => tx.query('select from period_close'), '432067')).toEqual([]);
    });
  });
});
