import { tenants, type Tx } from '@points/database';
import { csvOf } from '@points/http';
import { linkHolders } from '@points/holders';
import { parseInstant, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { endOrders } from '../hear-postings/end-orders.js';
import { firstIdOf } from '../ids.js';
import { migrations } from '../migrations.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { orderReference } from '../reference.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { listOrders, ordersTable } from './list-orders.js';

const municipality = '141305';
const programme = `${municipality}-trial`;
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const myKeyId = 'WH7KTXH4';
const start = parseInstant('2026-11-23T12:00:00+09:00');
const later = (minutes: number): Instant => parseInstant(new Date(Date.parse(start) + minutes * 60_000).toISOString());

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await inKawasaki(async (tx) => {
    for (const partner of ['card-a', 'card-b'])
      await putPartner(
        tx,
        { municipality, programme, partner },
        { name: partner, rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: [partner] },
        { client: 'staff', now: start },
      );
    await linkHolders(tx, [{ holder, myKeyId, registeredAt: start }]);
    // One a minute; every second one of the other partner; the fourth of card-a is refused.
    for (let n = 0; n < 12; n++) {
      const partner = n % 2 ? 'card-b' : 'card-a';
      const order = { orderId: `O-${n}`, myKeyId, partner, partnerPoints: 100 };
      const wish = { id: firstIdOf(later(n)), municipality, programme, order, channel: 'api' as const, client: partner };
      await placeOrders(tx, [{ ...wish, isOnBehalf: false, mayBringHistory: false }], later(n));
    }
    const outcome = { status: 'refused' as const, code: 'outside-period', detail: 'the period is over' };
    await endOrders(tx, [{ of: 'order', reference: orderReference({ programme, partner: 'card-a', orderId: 'O-6' }), outcome }]);
  });
});
afterAll(() => fresh?.close());

function inKawasaki<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  return fresh.database.transaction(tenants(municipality), work);
}
const list = (page: Partial<Parameters<typeof listOrders>[2]> = {}) =>
  inKawasaki((tx) => listOrders(tx, { programme, partner: 'card-a' }, { limit: 100, ...page }));
const ids = (page: Awaited<ReturnType<typeof list>>) => page.orders.map((one) => one.orderId);

describe('the list of orders', () => {
  it('has the orders of one partner, newest first', async () => {
    expect(ids(await list())).toEqual(['O-10', 'O-8', 'O-6', 'O-4', 'O-2', 'O-0']);
  });

  it('begins with the first order when it is asked for from a time before all clocks', async () => {
    expect(ids(await list({ from: parseInstant('1969-07-20T20:17:40Z') }))).toHaveLength(6);
    expect(ids(await list({ to: parseInstant('0001-01-01T00:00:00Z') }))).toEqual([]);
  });

  it('comes in pages that neither miss nor repeat an order', async () => {
    const pages = [await list({ limit: 4 })];
    for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) pages.push(await list({ limit: 4, after: next }));

    expect(pages.map(ids)).toEqual([
      ['O-10', 'O-8', 'O-6', 'O-4'],
      ['O-2', 'O-0'],
    ]);
  });

  it('is of the time asked for: from it on, and before', async () => {
    expect(ids(await list({ from: later(4), to: later(8) }))).toEqual(['O-6', 'O-4']);
  });

  it('is of the states asked for', async () => {
    expect(ids(await list({ states: ['refused'] }))).toEqual(['O-6']);
    expect(ids(await list({ states: ['refused', 'pending'], limit: 2 }))).toEqual(['O-10', 'O-8']);
    expect(await list({ states: ['completed'] })).toEqual({ orders: [] });
  });

  it('refuses a cursor that is none', async () => {
    await expect(list({ after: 'x' })).rejects.toMatchObject({ status: 422, facts: { errors: [{ field: 'after' }] } });
  });

  it('is a table too', async () => {
    const table = csvOf(ordersTable(await list({ states: ['refused'] })));

    expect(table.split('\r\n')[1]).toBe(
      'O-6,card-a,refused,WH7KTXH4,100,100,1,1,api,,,,2026-11-23T03:06:00.000Z,,,outside-period,the period is over',
    );
  });
});
