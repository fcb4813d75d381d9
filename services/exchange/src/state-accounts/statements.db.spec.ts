import type { PostingCompleted } from '@points/contracts';
import { everyTenant, tenants, type Tx } from '@points/database';
import { linkHolders } from '@points/holders';
import { parseInstant, uuidv7, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { endBonuses } from '../hear-postings/end-bonuses.js';
import { endOrders } from '../hear-postings/end-orders.js';
import { endReversals } from '../hear-postings/end-reversals.js';
import { migrations } from '../migrations.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { orderReference } from '../reference.js';
import { askReversals } from '../reverse-orders/reverse-orders.js';
import { figureNames } from '../rules/account.js';
import { approveCampaign, putCampaign } from '../run-campaigns/campaigns.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { closeStatement, makeCorrection } from './close-statement.js';
import { account, findStatement, nextMonth, standOf } from './find-statement.js';
import { statementLines } from './statement-lines.js';
import type { LineView } from './statement-shapes.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
const staff = { client: 'staff', now: parseInstant('2026-01-05T09:00:00+09:00') };
const chief = { client: 'chief', now: parseInstant('2026-06-01T09:00:00+09:00') };

let fresh: FreshDatabase;
const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: staff.now }]));
});
afterAll(() => fresh?.close());

let count = 0;
/** A partner that gives 2 points for 3, and whose campaign gives 5 more to each order. */
const aPartner = async () => {
  const key = { municipality: kawasaki, programme, partner: `card-${++count}` };
  await inKawasaki(async (tx) => {
    const terms = { name: 'Card', rate: { numerator: 2, denominator: 3 }, lotPartnerPoints: 1, clients: ['card'], reversalDays: 400 };
    await putPartner(tx, key, terms, staff);
    const campaign = { ...key, campaign: `c-${key.partner}` };
    const times = { from: '2026-01-01T00:00:00+09:00', to: '2027-01-01T00:00:00+09:00' };
    const body = { name: 'Bonus', partners: [key.partner], bonusPoints: 5, ...times, budget: 5_000, borneBy: 'partner' as const };
    await putCampaign(tx, campaign, body, staff);
    await approveCampaign(tx, campaign, staff.now, chief);
  });
  return key;
};
type Key = Awaited<ReturnType<typeof aPartner>>;

const posted = (amount: number, at: Instant, owed?: number): PostingCompleted['outcome'] => ({
  ...{ status: 'posted', posting: uuidv7(), amount, effectiveAt: at, balance: 0, available: 0 },
  ...(owed !== undefined && { owed }),
});
/** Booked at a time of Tokyo; 100 partner points are 66 points and 2/3 are left. */
const book = async (key: Key, time: string, partnerPoints = 100) => {
  const [orderId, at] = [`KWS-${++count}`, parseInstant(`${time}+09:00`)];
  const reference = orderReference({ ...key, orderId });
  await inKawasaki(async (tx) => {
    const order = { orderId, myKeyId, partner: key.partner, partnerPoints };
    const wish = { ...key, id: uuidv7(), order, channel: 'api' as const, client: 'card', isOnBehalf: false, mayBringHistory: false };
    await placeOrders(tx, [wish], at);
    await endOrders(tx, [{ of: 'order', reference, outcome: posted(Math.floor((partnerPoints * 2) / 3), at) }]);
    await endBonuses(tx, [{ of: 'bonus', reference, outcome: posted(5, at) }]);
  });
  return { orderId, reference };
};
const reverse = async (key: Key, { orderId, reference }: { orderId: string; reference: string }, time: string) => {
  const at = parseInstant(`${time}+09:00`);
  const by = { ...key, client: 'card', isOnBehalf: false, mayBeLate: false, mayBringHistory: false };
  await inKawasaki(async (tx) => {
    await askReversals(tx, by, [orderId], { reason: 'mistake' }, at);
    await endReversals(tx, [{ of: 'reversal', reference, part: 'order', askedAgain: 0, outcome: posted(60, at, 6) }]);
    await endReversals(tx, [{ of: 'reversal', reference, part: 'bonus', askedAgain: 0, outcome: posted(5, at, 0) }]);
  });
};
const read = (key: Key, month: string) => inKawasaki((tx) => findStatement(tx, { ...key, month }));
const close = (key: Key, month: string, by = chief) => inKawasaki((tx) => closeStatement(tx, { ...key, month }, 'agreed', by));
const allLines = async (key: Key, month: string, query: object = {}) => {
  const lines: LineView[] = [];
  for (let after: string | undefined; ;) {
    const page = await inKawasaki((tx) =>
      statementLines(tx, { ...key, month }, { ...query, limit: 2, ...(after !== undefined && { after }) }),
    );
    lines.push(...page.lines);
    if (page.next === undefined) return lines;
    after = page.next;
  }
};
const figure = (statement: Awaited<ReturnType<typeof read>>, name: string) => statement.figures.find((one) => one.figure === name);

it('a month is followed by the next one, over the end of a year too', () => {
  expect(['2026-01', '2026-09', '2026-12', '0999-12'].map(nextMonth)).toEqual(['2026-02', '2026-10', '2027-01', '1000-01']);
});

describe('a statement', () => {
  it('is of a month in Tokyo, by the time of booking', async () => {
    const key = await aPartner();
    await book(key, '2026-02-28T23:59:59.999');
    await book(key, '2026-03-01T00:00:00');
    await book(key, '2026-03-31T23:59:59.999');
    await book(key, '2026-04-01T00:00:00');

    expect(figure(await read(key, '2026-03'), 'orders')).toMatchObject({ lines: 2, partnerPoints: 200, municipalPoints: 132 });
  });

  it('says who owes what: points, rounding rests, bonuses of the partner, reversals', async () => {
    const key = await aPartner();
    const order = await book(key, '2026-03-02T10:00:00');
    await book(key, '2026-03-03T10:00:00');
    await reverse(key, order, '2026-03-04T10:00:00');
    await book(key, '2026-03-05T10:00:00', 50);

    const statement = await read(key, '2026-03');

    // 100 and 50 partner points are left: 66 and 33 points, 2/3 and 1/3 of a point.
    expect(statement).toMatchObject({
      state: 'open',
      versions: [{ version: 1, partnerPoints: 150, exchangedPoints: 99, rest: { rest: 3, over: 3 }, bonusPoints: 10, dueYen: 109 }],
      net: { pointsYen: 109, correctionsYen: 0, feesYen: 0, totalYen: 109 },
    });
    expect(figure(statement, 'order-reversals')).toMatchObject({ lines: 1, partnerPoints: -100, municipalPoints: -66 });
    expect(figure(statement, 'bonus-reversals-of-partner')).toMatchObject({ lines: 1, municipalPoints: -5 });
  });

  it.each(['open', 'closed'])('has figures that are the sums of their lines, when it is %s', async (state) => {
    const key = await aPartner();
    const order = await book(key, '2026-03-02T10:00:00');
    for (const day of ['03', '04', '05']) await book(key, `2026-03-${day}T10:00:00`, 70);
    await reverse(key, order, '2026-03-06T10:00:00');
    await inKawasaki((tx) =>
      makeCorrection(
        tx,
        key,
        { yen: -12, cause: 'letter', orderId: order.orderId },
        { ...staff, now: parseInstant('2026-03-07T10:00:00Z') },
      ),
    );
    if (state === 'closed') await close(key, '2026-03');

    const statement = await read(key, '2026-03');

    expect(statement.state).toBe(state);
    const whole = await allLines(key, '2026-03');
    expect(new Set(whole.map((one) => `${one.id} ${one.kind}`)).size).toBe(whole.length);
    expect([...whole].sort((a, b) => (a.happenedAt < b.happenedAt ? -1 : 1)).map((one) => one.happenedAt)).toEqual(
      whole.map((one) => one.happenedAt),
    );
    const sum = (lines: readonly LineView[], of: 'partnerPoints' | 'municipalPoints' | 'yen') =>
      lines.reduce((before, one) => before + one[of], 0);
    let seen = 0;
    for (const name of figureNames) {
      const lines = await allLines(key, '2026-03', { figure: name });
      seen += lines.length;
      expect(figure(statement, name)).toEqual({
        ...{ figure: name, lines: lines.length, partnerPoints: sum(lines, 'partnerPoints') },
        ...{ municipalPoints: sum(lines, 'municipalPoints'), yen: sum(lines, 'yen') },
      });
    }
    expect(seen).toBe(whole.length);
    expect(whole.length).toBe(11);
  });

  it('once closed stays as it is, and what comes later falls to the next month and says so', async () => {
    const key = await aPartner();
    const order = await book(key, '2026-03-02T10:00:00');
    const closed = (await close(key, '2026-03')).statement;
    await book(key, '2026-03-03T10:00:00');
    await book(key, '2026-04-01T10:00:00');
    await reverse(key, order, '2026-03-30T10:00:00');

    expect(await read(key, '2026-03')).toEqual(closed);
    expect(figure(await read(key, '2026-04'), 'orders')).toMatchObject({ lines: 2 });
    const late = await allLines(key, '2026-04', { late: true });
    expect(late.map((one) => [one.kind, one.lateOf])).toEqual([
      ['bonus', '2026-03'],
      ['order', '2026-03'],
      ['bonus-reversal', '2026-03'],
      ['order-reversal', '2026-03'],
    ]);
    expect(figure(await read(key, '2026-05'), 'orders')).toMatchObject({ lines: 0 });
    await close(key, '2026-04');
    expect((await allLines(key, '2026-04')).length).toBe(6);
    const again = await inKawasaki(async (tx) => {
      const standing = await standOf(tx, { ...key, month: '2026-04' });
      return standing.state === 'closed' ? account(tx, { ...key, month: '2026-04' }, standing.span) : undefined;
    });
    const { figures, versions, fees, net } = await read(key, '2026-04');
    expect({ figures, versions, fees, net }).toEqual(again);
  });

  it('takes in all that is committed and leaves to the next month what is not, while orders are being booked', async () => {
    const key = await aPartner();
    const bookings = Array.from({ length: 20 }, (_, index) => book(key, `2026-03-02T10:00:${String(index).padStart(2, '0')}`));
    const closing = close(key, '2026-03');
    await Promise.all([...bookings, closing]);

    const [march, april] = [await read(key, '2026-03'), await read(key, '2026-04')];

    expect((figure(march, 'orders')?.lines ?? 0) + (figure(april, 'orders')?.lines ?? 0)).toBe(20);
    expect((figure(march, 'bonuses-of-partner')?.lines ?? 0) + (figure(april, 'bonuses-of-partner')?.lines ?? 0)).toBe(20);
    expect((await allLines(key, '2026-03', { figure: 'orders' })).length).toBe(figure(march, 'orders')?.lines);
  });

  it('is closed once by two callers at the same time', async () => {
    const key = await aPartner();
    await book(key, '2026-03-02T10:00:00');

    const closes = await Promise.all([close(key, '2026-03'), close(key, '2026-03')]);

    expect(closes.map((one) => one.isNew).sort()).toEqual([false, true]);
    expect(closes[0]?.statement).toEqual(closes[1]?.statement);
    const told = await inKawasaki((tx) =>
      tx.query(`select data from partner_event where partner = $1 and type = 'statement.closed'`, [key.partner]),
    );
    expect(told).toMatchObject([{ data: { month: '2026-03', totalYen: 71 } }]);
  });

  it('is closed after its month, in the order of months, and a month without lines may be passed', async () => {
    const key = await aPartner();
    await book(key, '2026-02-02T10:00:00');
    await book(key, '2026-04-02T10:00:00');

    await expect(close(key, '2026-04')).rejects.toMatchObject({ code: 'earlier-month-open', facts: { month: '2026-02' } });
    await expect(close(key, '2026-06')).rejects.toMatchObject({ code: 'month-not-over' });
    await close(key, '2026-02');
    await close(key, '2026-04');
    expect((await read(key, '2026-03')).state).toBe('passed');
    await expect(close(key, '2026-03')).rejects.toMatchObject({ code: 'month-passed' });
    await book(key, '2026-03-15T10:00:00');
    expect((await allLines(key, '2026-05')).map((one) => one.lateOf)).toEqual(['2026-03', '2026-03']);
  });

  it('is not closed by whoever corrected something in it', async () => {
    const key = await aPartner();
    await inKawasaki((tx) =>
      makeCorrection(tx, key, { yen: 100, cause: 'letter' }, { ...chief, now: parseInstant('2026-03-02T10:00:00Z') }),
    );

    await expect(close(key, '2026-03')).rejects.toMatchObject({ status: 403, code: 'same-person' });
    expect((await close(key, '2026-03', { ...chief, client: 'other' })).statement.net).toMatchObject({
      correctionsYen: 100,
      totalYen: 100,
    });
  });

  it('cannot be changed by the service’s role, nor can a correction', async () => {
    for (const statement of [
      'update partner_statement set month = month',
      'delete from partner_statement',
      'update statement_correction set yen = 1',
      'update invoice set number = 1',
    ])
      await expect(inKawasaki((tx) => tx.write(statement))).rejects.toThrow('permission denied');
  });

  it('is seen by its municipality alone', async () => {
    const key = await aPartner();
    await book(key, '2026-03-02T10:00:00');

    const lines = await fresh.database.transaction(tenants('432067'), (tx) => tx.query('select 1 from account_line'));

    expect(lines).toEqual([]);
  });
});
