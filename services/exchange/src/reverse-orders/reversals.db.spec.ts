import type { PostingCompleted } from '@points/contracts';
import { everyTenant, tenants, type Tx } from '@points/database';
import { linkHolders } from '@points/holders';
import { parseInstant, uuidv7 } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { endBonuses } from '../hear-postings/end-bonuses.js';
import { endOrders } from '../hear-postings/end-orders.js';
import { endReversals } from '../hear-postings/end-reversals.js';
import { migrations } from '../migrations.js';
import { findOrder } from '../place-exchange-order/find-order.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { orderReference, reversalsPerOrderMax } from '../reference.js';
import { approveCampaign, putCampaign, readCampaign } from '../run-campaigns/campaigns.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { askReversals, type Reverser } from './reverse-orders.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const key = { municipality: kawasaki, programme, partner: 'card-a' };
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
const now = parseInstant('2026-11-23T12:00:00+09:00');

let fresh: FreshDatabase;
const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await inKawasaki(async (tx) => {
    const terms = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: ['card-a'], reversalDays: 8 };
    await putPartner(tx, key, terms, { client: 'staff', now });
    const campaign = { ...key, campaign: 'autumn' };
    const times = { from: '2026-11-01T00:00:00+09:00', to: '2026-12-01T00:00:00+09:00' };
    await putCampaign(
      tx,
      campaign,
      { name: 'Autumn', bonusPoints: 50, ...times, budget: 5_000, borneBy: 'partner' },
      { client: 'staff', now },
    );
    await approveCampaign(tx, campaign, now, { client: 'chief', now });
  });
  await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: now }]));
});
afterAll(() => fresh?.close());

const by: Reverser = { ...key, client: 'card-a', isOnBehalf: false, mayBeLate: false, mayBringHistory: false };
const posted = (amount: number, owed?: number): PostingCompleted['outcome'] => ({
  ...{ status: 'posted', posting: uuidv7(), amount, effectiveAt: now, balance: 0, available: 0 },
  ...(owed !== undefined && { owed }),
});
const refused: PostingCompleted['outcome'] = {
  status: 'refused',
  code: 'reverse-exceeds',
  detail: 'spent',
  facts: { needed: 500, available: 0 },
};

let count = 0;
/** A completed order of 500 points with a bonus of 50. */
const anOrder = async () => {
  const orderId = `KWS-${++count}`;
  const reference = orderReference({ ...key, orderId });
  await inKawasaki(async (tx) => {
    const order = { orderId, myKeyId, partner: 'card-a', partnerPoints: 500 };
    const wish = { ...key, id: uuidv7(), order, channel: 'api' as const, client: 'card-a', isOnBehalf: false, mayBringHistory: false };
    await placeOrders(tx, [wish], now);
    await endOrders(tx, [{ of: 'order', reference, outcome: posted(500) }]);
    await endBonuses(tx, [{ of: 'bonus', reference, outcome: posted(50) }]);
  });
  return { orderId, reference };
};
type Placed = Awaited<ReturnType<typeof anOrder>>;
const ask = ({ orderId }: Placed) => inKawasaki((tx) => askReversals(tx, by, [orderId], { reason: 'mistake' }, now));
const hear = ({ reference }: Placed, part: 'order' | 'bonus', outcome: PostingCompleted['outcome'], askedAgain = 0) =>
  inKawasaki((tx) => endReversals(tx, [{ of: 'reversal', reference, part, askedAgain, outcome }]));
const read = async ({ orderId }: Placed) => (await inKawasaki((tx) => findOrder(tx, programme, { partner: 'card-a', orderId })))?.view;
const askedOf = ({ reference }: Placed) =>
  inKawasaki(async (tx) => {
    const rows = await tx.query<{ payload: string }>('select payload from outbox where payload like $1 order by id', [
      `%"${reference}:reverse%`,
    ]);
    return rows.map((row) => (JSON.parse(row.payload) as { reference: string }).reference.slice(reference.length));
  });
const toldOf = ({ orderId }: Placed) =>
  inKawasaki((tx) =>
    tx.query(`select type, data from partner_event where data->>'orderId' = $1 and type like '%revers%' order by id`, [orderId]),
  );
const used = async () => (await inKawasaki((tx) => readCampaign(tx, { ...key, campaign: 'autumn' }))).used;

describe('a reversal', () => {
  it('is asked for once by two callers at the same time', async () => {
    const order = await anOrder();

    const answers = await Promise.all([ask(order), ask(order)]);

    expect(
      answers
        .flat()
        .map((one) => 'isNew' in one && one.isNew)
        .sort(),
    ).toEqual([false, true]);
    expect(await askedOf(order)).toEqual([':reverse']);
  });

  it('takes the own points first, then the bonus, and hears each twice without harm', async () => {
    const order = await anOrder();
    const before = await used();
    await ask(order);

    await hear(order, 'order', posted(300, 200));
    await hear(order, 'order', posted(300, 200));
    const between = await read(order);
    expect(await hear(order, 'bonus', posted(50))).toHaveLength(1);
    expect(await hear(order, 'bonus', posted(50))).toHaveLength(0);

    expect(between).toMatchObject({ state: 'reversing', reversal: { state: 'bonus-asked', taken: { takenBack: 300, owed: 200 } } });
    expect(await read(order)).toMatchObject({
      state: 'reversed',
      bonus: { state: 'reversed' },
      reversal: { state: 'reversed', taken: { takenBack: 300, owed: 200 }, bonus: { taken: { takenBack: 50, owed: 0 } } },
    });
    expect(await askedOf(order)).toEqual([':reverse', ':reverse-b']);
    expect(await used()).toBe(before - 50);
    expect(await toldOf(order)).toMatchObject([
      { type: 'exchange-order.reversed', data: { reason: 'mistake', takenBack: 300, owed: 200, reversedAt: now } },
    ]);
  });

  it('leaves a bonus with the holder that the ledger does not take back, and the campaign’s budget spent', async () => {
    const order = await anOrder();
    const before = await used();
    await ask(order);
    await hear(order, 'order', posted(500, 0));

    await hear(order, 'bonus', refused);

    expect(await read(order)).toMatchObject({
      state: 'reversed',
      bonus: { state: 'posted' },
      reversal: { state: 'reversed', bonus: { refusal: { code: 'reverse-exceeds' } } },
    });
    expect(await used()).toBe(before);
  });

  it('may follow one that was refused, under a reference of its own, and each hears its own answer', async () => {
    const order = await anOrder();
    await ask(order);
    await hear(order, 'order', refused);
    await hear(order, 'order', refused);
    expect(await read(order)).toMatchObject({ state: 'completed', reversal: { state: 'refused' } });
    expect(await toldOf(order)).toMatchObject([{ type: 'exchange-order.reversal-refused', data: { code: 'reverse-exceeds' } }]);

    await ask(order);
    await hear(order, 'order', refused);
    await hear(order, 'order', posted(500, 0), 1);

    expect(await read(order)).toMatchObject({ state: 'reversing', reversal: { state: 'bonus-asked' } });
    expect(await askedOf(order)).toEqual([':reverse', ':reverse:1', ':reverse-b:1']);
  });

  it.each([
    ['a refusal of what was taken back', [posted(500, 0), refused], 'is bonus-asked'],
    ['that more was taken back than issued', [posted(400, 101)], 'took more points back than were issued'],
  ])('does not believe %s', async (_, outcomes, message) => {
    const order = await anOrder();
    await ask(order);
    const all = outcomes.reduce((before, outcome) => before.then(() => hear(order, 'order', outcome)), Promise.resolve<string[]>([]));

    await expect(all).rejects.toThrow(message);
  });

  it('must have been asked for', async () => {
    const order = await anOrder();

    await expect(hear(order, 'order', posted(500, 0))).rejects.toThrow('there is no reversal 0 of an order');
  });

  it('is no longer asked for when the ledger has refused a hundred times', async () => {
    const order = await anOrder();
    await ask(order);
    await hear(order, 'order', refused);
    await inKawasaki((tx) =>
      tx.write('update order_reversal r set asked_again = $2 from exchange_order o where r.order_row = o.id and o.reference = $1', [
        order.reference,
        reversalsPerOrderMax - 1,
      ]),
    );

    expect(await ask(order)).toMatchObject([{ problem: { status: 409, code: 'too-many-reversals' } }]);
  });

  it('leaves nothing behind when its transaction rolls back', async () => {
    const order = await anOrder();

    await expect(
      inKawasaki(async (tx) => {
        await askReversals(tx, by, [order.orderId], { reason: 'mistake' }, now);
        throw new Error('crash');
      }),
    ).rejects.toThrow('crash');

    expect(await read(order)).toMatchObject({ state: 'completed' });
    expect(await askedOf(order)).toEqual([]);
  });
});
