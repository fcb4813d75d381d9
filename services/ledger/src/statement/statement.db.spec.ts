import { tenants, type Tx } from '@points/database';
import { uuidv7, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { Door } from '../post/door.js';
import { addRules } from '../programmes/put-programme.js';
import { migrations } from '../schema/migrations.js';
import { aHolder, anIssue, aRequest, at, kawasaki } from '../testing/ledger-builders.js';
import { trialBooks, type TrialBooks } from '../testing/trial-books.js';
import { accountBalanceAt, accountHistoryOf, systemAccount } from './account-statement.js';
import { balanceAt, balanceNow } from './balance.js';
import { expiringWithin } from './expiring.js';
import { historyOf, type HistoryFilter } from './history.js';

const jst = (text: string): Instant => at(`${text}+09:00`);

describe('the reads of the books', () => {
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
  const balance = (account: string, time: string, knownAt?: string) =>
    inTx((tx) => balanceAt(tx, kawasaki, account, jst(time), knownAt === undefined ? null : jst(knownAt)));
  const history = async (account: string, filter: HistoryFilter = {}) =>
    (await inTx((tx) => historyOf(tx, kawasaki, account, { limit: 100, ...filter }))).lines;
  const account = (name: string, time: string, knownAt?: string) =>
    inTx((tx) => accountBalanceAt(tx, kawasaki, name, jst(time), knownAt === undefined ? null : jst(knownAt)));

  describe('a balance', () => {
    it.each([
      ['2018-01-10T09:59:59.999', { posted: 0, held: 0, available: 0 }],
      ['2018-01-10T10:00:00.000', { posted: 1000, held: 0, available: 1000 }],
      ['2018-03-15T10:00:00.000', { posted: 740, held: 300, available: 440 }],
      ['2018-03-31T23:59:59.999', { posted: 700, held: 300, available: 400 }],
      // The lot is over: what is free is gone, what is held lives on.
      ['2018-04-01T00:00:00.000', { posted: 300, held: 300, available: 0 }],
      ['2018-04-05T10:00:00.000', { posted: 0, held: 0, available: 0 }],
    ])('at %s is what held then', async (time, expected) => {
      expect(await balance(books.hanako, time)).toMatchObject(expected);
    });

    it('is told as it was known at a time: without what was recorded later about an earlier time', async () => {
      const points = async (time: string, known: string) => (await balance(books.taro, time, known)).posted;

      expect(await points('2018-03-25T00:00:00', '2018-03-25T00:00:00')).toBe(450);
      expect(await points('2018-03-25T00:00:00', '2018-05-20T10:00:00')).toBe(425);
      expect(await points('2018-03-25T00:00:00', '2018-06-02T10:00:00')).toBe(415);
      expect(await points('2018-03-25T00:00:00', '2018-02-10T00:00:00')).toBe(500);
    });

    it('leaves out a hold that was not known yet', async () => {
      expect(await balance(books.hanako, '2018-03-20T00:00:00', '2018-03-14T00:00:00')).toMatchObject({
        posted: 740,
        held: 0,
        available: 740,
      });
      expect(await balance(books.hanako, '2018-04-06T00:00:00', '2018-04-04T00:00:00')).toMatchObject({ posted: 300, held: 300 });
    });

    it('says which points can be used where', async () => {
      const [holder, door] = [aHolder(), new Door({ database: fresh.database, now: () => books.clock.now })];
      const issueUnder = async (day: string, usableAt: string[], amount: number) => {
        await inTx((tx) =>
          addRules(tx, kawasaki, { validFrom: day, rules: { expiry: { kind: 'none' }, usableAt } }, jst('2018-01-01T00:00:00')),
        );
        await door.post([anIssue(holder, amount, { effectiveAt: jst(`${day}T12:00:00`) })]);
      };
      books.clock.now = jst('2018-06-09T00:00:00');
      await issueUnder('2018-06-03', [], 100);
      await issueUnder('2018-06-04', ['area:north'], 20);
      await issueUnder('2018-06-05', ['area:north', 'shop:a'], 3);
      await door.post([aRequest(holder, { kind: 'hold', hold: uuidv7(), amount: 2, places: ['shop:a'] })]);
      await door.close();

      const now = await inTx((tx) => balanceNow(tx, kawasaki, holder, books.clock.now));

      // The hold takes from the first lot, which can be used anywhere: lots that never end are drawn in the order of their ids.
      expect(now).toMatchObject({
        posted: 123,
        held: 2,
        available: 121,
        usable: {
          anywhere: 98,
          at: [
            { place: 'area:north', available: 121 },
            { place: 'shop:a', available: 101 },
          ],
        },
      });
      expect(await balance(holder, '2018-06-09T00:00:00')).toMatchObject(now);
    });
  });

  describe('a history', () => {
    it('shows the newest first, each with the lots it touched', async () => {
      const lines = await history(books.hanako);

      expect(lines.map(({ kind, change }) => [kind, change])).toEqual([
        ['expire', -40],
        ['refund', 40],
        ['expire', -200],
        ['release', 0],
        ['spend', -100],
        ['spend', -40],
        ['hold', 0],
        ['refund', 40],
        ['convert', -200],
        ['spend', -100],
        ['issue', 1000],
      ]);
      for (const line of lines) expect(line.lots.reduce((sum, one) => sum + one.amount, 0)).toBe(line.change);
      expect(lines.find(({ kind }) => kind === 'hold')?.reserved).toMatchObject([
        { amount: 300, source: 'partner:mobile-a', funding: 'paid' },
      ]);
    });

    it('is filtered by kind, day, source, the other account and what was known', async () => {
      const kinds = async (filter: HistoryFilter, of = books.taro) =>
        (await history(of, filter)).map(({ kind, amount }) => `${kind} ${amount}`);

      expect(await kinds({ kinds: ['issue', 'donate'] })).toEqual(['issue 300', 'donate 50', 'issue 500']);
      expect(await kinds({ from: jst('2018-03-20T00:00:00'), before: jst('2018-03-21T00:00:00') })).toEqual(['spend 10', 'spend 25']);
      expect(await kinds({ source: 'partner:mobile-a' })).toEqual(['issue 300']);
      expect(await kinds({ counter: 'merchant:m2' })).toEqual(['spend 10', 'spend 25']);
      expect(await kinds({ counter: 'merchant:m2', knownAt: jst('2018-06-01T00:00:00') })).toEqual(['spend 25']);
    });

    it('is cut by key, and a page that is asked for again is the same', async () => {
      const all = await history(books.hanako);
      const seen: string[] = [];
      for (let after: string | undefined; ;) {
        const page = await inTx((tx) => historyOf(tx, kawasaki, books.hanako, { limit: 2, after }));
        seen.push(...page.lines.map((line) => line.posting));
        if (page.next === null) break;
        after = page.next;
      }

      expect(seen).toEqual(all.map((line) => line.posting));
      await expect(inTx((tx) => historyOf(tx, kawasaki, books.hanako, { limit: 2, after: 'x' }))).rejects.toMatchObject({
        code: 'invalid-request',
      });
    });
  });

  describe('what expires soon', () => {
    const soon = async (of: string | null, time: string, within: number) =>
      (await inTx((tx) => expiringWithin(tx, kawasaki, of, jst(time), { within, limit: 100 }))).lines.map(
        (one) => `${one.source} ${one.lastDay} ${one.available}`,
      );

    it('counts a lot through its last day, and no lot that is over', async () => {
      expect(await soon(books.taro, '2018-06-02T12:00:00', 28)).toEqual(['partner:mobile-a 2018-06-30 300']);
      expect(await soon(books.taro, '2018-06-02T12:00:00', 27)).toEqual([]);
      expect(await soon(books.taro, '2018-06-30T23:59:59.999', 0)).toEqual(['partner:mobile-a 2018-06-30 300']);
      expect(await soon(books.taro, '2018-07-01T00:00:00', 0)).toEqual([]);
      expect(await soon(books.hanako, '2018-06-02T12:00:00', 366)).toEqual([]);
    });

    it('is told for the whole programme, by key, and not to another municipality', async () => {
      const page = (after?: string) =>
        inTx((tx) => expiringWithin(tx, kawasaki, null, jst('2018-03-01T00:00:00'), { within: 366, after, limit: 1 }));
      const first = await page();
      const second = await page(first.next ?? '');
      const third = await page(second.next ?? '');

      expect([...first.lines, ...second.lines, ...third.lines].map((one) => one.lastDay)).toEqual([
        '2018-03-31',
        '2018-04-30',
        '2018-06-30',
      ]);
      expect(third.next).toBeNull();
      const theirs = await inTx(
        (tx) => expiringWithin(tx, kawasaki, null, jst('2018-03-01T00:00:00'), { within: 366, limit: 9 }),
        '432067',
      );
      expect(theirs.lines).toEqual([]);
    });
  });

  describe('a system account', () => {
    it.each([
      ['merchant:m1', '2018-01-31T23:59:59.998', 0],
      ['merchant:m1', '2018-01-31T23:59:59.999', 100],
      ['merchant:m1', '2018-03-01T10:00:00.000', 60],
      ['merchant:m1', '2018-06-01T00:00:00.000', 160],
      ['merchant:m2', '2018-06-01T00:00:00.000', 35],
      ['scheme:x', '2018-06-01T00:00:00.000', 200],
      ['fund:f', '2018-06-01T00:00:00.000', 50],
      ['issued:staff:b', '2018-06-01T00:00:00.000', -500],
      ['merchant:nobody', '2018-06-01T00:00:00.000', 0],
    ])('%s had at %s %i points', async (name, time, points) => {
      expect((await account(name, time)).balance).toBe(points);
      expect((await account(name, time, '2019-01-01T00:00:00')).balance).toBe(points);
    });

    it('is told as it was known', async () => {
      expect(await account('merchant:m2', '2018-06-01T00:00:00', '2018-05-31T23:59:59.999')).toEqual({ balance: 25, entries: 1 });
    });

    it('drills down to its entries, which add up to it', async () => {
      const seen: { change: number; holder: string }[] = [];
      for (let after: string | undefined; ;) {
        const page = await inTx((tx) => accountHistoryOf(tx, kawasaki, 'merchant:m1', { limit: 2, after }));
        seen.push(...page.lines);
        if (page.next === null) break;
        after = page.next;
      }

      expect(seen.map((one) => one.change)).toEqual([-40, 100, 40, -40, 100]);
      expect(new Set(seen.map((one) => `holder:${one.holder}`))).toEqual(new Set([books.hanako]));
    });

    it('is no holder', () => {
      expect(() => systemAccount(books.hanako)).toThrow(expect.objectContaining({ code: 'not-a-system-account' }) as Error);
    });
  });
});
