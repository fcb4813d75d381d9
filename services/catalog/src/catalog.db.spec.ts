import { tenants, type Tx } from '@points/database';
import type { Problem } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { assertSchemaIsolation, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { putActivity } from './activities/activities.js';
import { grantActivity } from './activity-grants/grant-activity.js';
import { findHolder, linkHolders } from '@points/holders';
import { conclude } from './ledger-answers/conclude.js';
import { migrations } from './migrations.js';
import { cancelOrder } from './orders/cancel-order.js';
import { concludeCancellations } from './orders/conclude-cancellations.js';
import { concludeOrders } from './orders/conclude-orders.js';
import { placeOrder } from './orders/place-order.js';
import { readOrder } from './orders/read-order.js';
import { putProduct } from './products/put-product.js';
import { readProduct } from './products/read-products.js';

const [kawasaki, tamana, programme] = ['141305', '432067', '141305-trial'];
const [holder, myKeyId, client] = [uuidv7(), 'Hanako01', 'test'];
const refused = { refused: { code: 'insufficient-points', detail: 'too few', facts: {} } };
const posted = () => ({ posted: uuidv7() });

describe('the catalogue’s tables', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('catalog', migrations, { poolMax: 12 });
    await inKawasaki((tx) => linkHolders(tx, [{ holder, myKeyId, registeredAt: '2026-11-01T00:00:00.000Z' }]));
    await inKawasaki((tx) => putActivity(tx, kawasaki, { activity: 'walk', name: 'ウォーキング', programme, points: 10 as never }));
  });
  afterAll(() => fresh?.close());

  const inKawasaki = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(tenants(kawasaki), work);
  const offer = (product: string, stock: number | null) =>
    inKawasaki((tx) =>
      putProduct(tx, kawasaki, product, { name: 'x', kind: 'goods', prices: [{ programme, points: 100 }], stock, status: 'on-sale' }),
    );
  const order = (product: string, quantity = 1) =>
    inKawasaki((tx) => placeOrder(tx, { municipality: kawasaki, programme, product, quantity, myKeyId, client }));
  const remaining = async (product: string) => (await inKawasaki((tx) => readProduct(tx, kawasaki, product)))?.remaining;
  const codeOf = (error: unknown) => (error as Problem).code;

  it('sells no piece twice, however many want the last ones', async () => {
    await offer('last', 3);

    const all = await Promise.allSettled(Array.from({ length: 10 }, () => order('last')));

    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(3);
    expect(all.flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : []))).toEqual(Array(7).fill('out-of-stock'));
    expect(await remaining('last')).toBe(0);
    const [asked] = await inKawasaki((tx) => tx.query(`select count(*)::int as count from outbox where payload like '%product:last%'`));
    expect(asked).toEqual({ count: 3 });
  });

  it.each([
    ['taken = stock + 1', 'product_not_oversold'],
    ['taken = -1', 'product_taken_not_negative'],
  ])('refuses %s even from raw SQL', async (change, constraint) => {
    await offer('bounded', 5);

    await expect(inKawasaki((tx) => tx.write(`update product set ${change} where id = 'bounded'`))).rejects.toThrow(constraint);
  });

  it('gives the pieces of a refused order back once, though the ledger says it twice', async () => {
    await offer('refused', 5);
    const { order: id } = await order('refused', 2);
    const told = { tenant: kawasaki, id, outcome: refused };

    await inKawasaki((tx) => concludeOrders(tx, [told, told]));
    await inKawasaki((tx) => concludeOrders(tx, [told]));

    expect(await remaining('refused')).toBe(5);
  });

  it('lets a refused cancellation be asked again, and gives the pieces back with the one that is posted', async () => {
    await offer('cancelled', 5);
    const { order: id } = await order('cancelled', 2);
    const key = { municipality: kawasaki, programme, order: id };
    await inKawasaki((tx) => concludeOrders(tx, [{ tenant: kawasaki, id, outcome: posted() }]));

    const first = await inKawasaki((tx) => cancelOrder(tx, { ...key, client }));
    await inKawasaki((tx) => concludeCancellations(tx, [{ tenant: kawasaki, id: first.cancellation, outcome: refused }]));
    const between = await inKawasaki((tx) => readOrder(tx, key));
    const second = await inKawasaki((tx) => cancelOrder(tx, { ...key, client }));
    await inKawasaki((tx) => concludeCancellations(tx, [{ tenant: kawasaki, id: second.cancellation, outcome: posted() }]));

    expect(between.view).toMatchObject({ state: 'confirmed' });
    expect((await inKawasaki((tx) => readOrder(tx, key))).view).toMatchObject({ state: 'cancelled', cancellation: second.cancellation });
    expect(await remaining('cancelled')).toBe(5);
  });

  it('lets one of many cancellations of an order through', async () => {
    await offer('raced', 5);
    const { order: id } = await order('raced');
    await inKawasaki((tx) => concludeOrders(tx, [{ tenant: kawasaki, id, outcome: posted() }]));

    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => inKawasaki((tx) => cancelOrder(tx, { municipality: kawasaki, programme, order: id, client }))),
    );

    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(all.flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : []))).toEqual(Array(4).fill('order-cancelling'));
  });

  it('keeps what was ordered when the same product is put again', async () => {
    await offer('again', 5);
    await order('again', 2);

    await offer('again', 5);

    expect(await remaining('again')).toBe(3);
    await expect(offer('again', 1)).rejects.toMatchObject({ code: 'stock-below-ordered' });
    await offer('again', null);
    expect(await remaining('again')).toBe(null);
  });

  it('grants an occurrence once when asked many times at once, and again after a refusal', async () => {
    const grant = () =>
      inKawasaki((tx) => grantActivity(tx, { municipality: kawasaki, programme, activity: 'walk', occurrence: 'd1', myKeyId, client }));

    const all = await Promise.allSettled(Array.from({ length: 5 }, grant));
    const granted = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await inKawasaki((tx) => conclude(tx, 'activity_grant', [{ tenant: kawasaki, id: granted[0]?.grant ?? '', outcome: refused }]));

    expect(granted).toHaveLength(1);
    await expect(grant()).resolves.toMatchObject({ state: 'pending' });
    await expect(grant()).rejects.toMatchObject({ code: 'already-granted' });
  });

  it('finds the holder of a My Key ID by the latest registration, whatever the order in which they are heard', async () => {
    const [first, second] = [uuidv7(), uuidv7()];
    const registrations = [
      { holder: second, myKeyId: 'Moved001', registeredAt: '2026-11-03T00:00:00.000Z' },
      { holder: first, myKeyId: 'Newer001', registeredAt: '2026-11-04T00:00:00.000Z' },
      { holder: first, myKeyId: 'Moved001', registeredAt: '2026-11-02T00:00:00.000Z' },
    ];

    for (const one of registrations) await inKawasaki((tx) => linkHolders(tx, [one]));

    expect(await inKawasaki((tx) => findHolder(tx, 'Moved001'))).toBe(second);
    expect(await inKawasaki((tx) => findHolder(tx, 'Newer001'))).toBe(first);
  });

  describe('from raw SQL as the service’s own role', () => {
    let client: pg.Client;
    beforeAll(async () => {
      client = new pg.Client({ connectionString: fresh.url });
      await client.connect();
    });
    afterAll(() => client?.end());

    const tenantTables = async () =>
      (
        await client.query<{ table: string; forced: boolean }>(
          `select c.relname as table, c.relrowsecurity and c.relforcerowsecurity as forced from pg_class c join pg_attribute a on a.attrelid = c.oid
           where a.attname = 'tenant' and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace order by 1`,
        )
      ).rows;

    it('guards every table that has a tenant', async () => {
      const tables = await tenantTables();

      expect(tables.map((one) => one.table)).toEqual(
        expect.arrayContaining([
          'activity',
          'activity_grant',
          'cancellation',
          'donation',
          'facility',
          'fund',
          'product',
          'product_order',
          'product_price',
        ]),
      );
      expect(tables.filter((one) => !one.forced)).toEqual([]);
    });

    it.each([
      ['no tenant', ''],
      ['another tenant', tamana],
    ])('shows nothing of Kawasaki to %s and takes nothing for it', async (_, tenant) => {
      await offer('guarded', 5);
      await order('guarded');
      for (const { table } of await tenantTables()) {
        await client.query('begin');
        await client.query(`select set_config('app.tenant', $1, true)`, [tenant]);
        const { rows } = await client.query(`select 1 from ${table} where tenant = $1`, [kawasaki]);
        expect([table, rows.length]).toEqual([table, 0]);
        await client.query('rollback');
      }
      await client.query('begin');
      await client.query(`select set_config('app.tenant', $1, true)`, [tenant]);
      await expect(client.query(`insert into facility (tenant, id, name, tags) values ($1, 'x', 'x', '{}')`, [kawasaki])).rejects.toThrow(
        /row-level security/,
      );
      await client.query('rollback');
    });

    it('reaches no other schema', async () => {
      await assertSchemaIsolation(fresh);
    });
  });
});
