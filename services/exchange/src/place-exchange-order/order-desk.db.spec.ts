import { everyTenant, tenants } from '@points/database';
import { linkHolders } from '@points/holders';
import type { Cause } from '@points/http';
import { parseInstant, uuidv7 } from '@points/kernel';
import { eventually, freshDatabase, quietLogger, type FreshDatabase } from '@points/testing';
import type { AskPartners } from '../exchange-by-link/ask-partners.job.js';
import { migrations } from '../migrations.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { OrderDesk } from './order-desk.js';
import type { OrderWish } from './place-orders.js';

const municipality = '141305';
const programme = `${municipality}-trial`;
const myKeyId = 'WH7KTXH4';
const now = parseInstant('2026-11-23T12:00:00+09:00');

describe('the order desk', () => {
  let fresh: FreshDatabase;
  let desk: OrderDesk;
  let other: OrderDesk;
  beforeAll(async () => {
    fresh = await freshDatabase('exchange', migrations);
    await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder: uuidv7(), myKeyId, registeredAt: now }]));
    await fresh.database.transaction(tenants(municipality), (tx) => {
      const terms = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: ['card-a'] };
      return putPartner(tx, { municipality, programme, partner: 'card-a' }, terms, { client: 'staff', now });
    });
    // No partner of these orders is linked, so nobody is to be asked.
    const partners = { nudge: () => undefined } as unknown as AskPartners;
    [desk, other] = [1, 2].map(() => new OrderDesk(fresh.database, partners, quietLogger('exchange'))) as [OrderDesk, OrderDesk];
  });
  afterAll(() => fresh?.close());

  const aCause = (key: string): Cause => ({
    ...{ municipality, client: 'card-a', scopes: new Set<string>(), tenants: new Set([municipality]) },
    ...{ idempotencyKey: key, fingerprint: 'same', operation: '' },
  });
  const aWish = (orderId: string): OrderWish => ({
    ...{ id: uuidv7(), municipality, programme, order: { orderId, myKeyId, partner: 'card-a', partnerPoints: 500 } },
    ...{ channel: 'api', client: 'card-a', isOnBehalf: false, mayBringHistory: false },
  });
  const ordersCalled = async (orderId: string) =>
    (
      await fresh.database.transaction(tenants(municipality), (tx) =>
        tx.query('select id from exchange_order where order_id = $1', [orderId]),
      )
    ).length;

  it('answers with what another replica has answered to the key between the look and the commit, and leaves nothing of its own', async () => {
    let commit: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (commit = resolve));
    const elsewhere = fresh.database.transaction(tenants(municipality), async (tx) => {
      await tx.write(
        `insert into request (tenant, client, key, fingerprint, status, body) values ($1, 'card-a', 'key-1', 'same', 201, $2)`,
        [municipality, { id: 'of the other replica' }],
      );
      await gate;
    });

    const placing = desk.place(aCause('key-1'), aWish('RACE-1'));
    await eventually(async () => {
      const { rows } = await fresh.database.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(rows).toHaveLength(1);
    });
    commit();
    await elsewhere;

    expect(await placing).toMatchObject({ status: 201, body: { id: 'of the other replica' }, headers: { 'idempotency-replayed': 'true' } });
    expect(await ordersCalled('RACE-1')).toBe(0);
  });

  it('places an order once that two replicas are asked for at once, under one key or two', async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      const same = await Promise.all([desk, other].map((one) => one.place(aCause(`same-${n}`), aWish(`SAME-${n}`))));
      const two = await Promise.all([desk, other].map((one, index) => one.place(aCause(`two-${n}-${index}`), aWish(`TWO-${n}`))));

      expect(new Set(same.map((one) => one.body.id)).size).toBe(1);
      expect(same.map((one) => one.status)).toEqual([201, 201]);
      expect(new Set(two.map((one) => one.body.id)).size).toBe(1);
      expect(two.map((one) => one.status).sort()).toEqual([200, 201]);
      expect([await ordersCalled(`SAME-${n}`), await ordersCalled(`TWO-${n}`)]).toEqual([1, 1]);
    }
  });
});
