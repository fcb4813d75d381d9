import { everyTenant, tenants } from '@points/database';
import { linkHolders } from '@points/holders';
import { parseInstant, uuidv7 } from '@points/kernel';
import { freshDatabase } from '@points/testing';
import pg from 'pg';
import { migrations } from '../migrations.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { lightenOrders } from './lighten-orders.js';

const municipality = '141305';
const programme = `${municipality}-trial`;
const myKeyId = 'WH7KTXH4';
const now = parseInstant('2026-11-23T12:00:00+09:00');

it('takes along what was booked, what is on a statement and what waits for a person', async () => {
  const fresh = await freshDatabase('exchange', migrations.slice(0, migrations.indexOf(lightenOrders)));
  const owner = new pg.Client(fresh.ownerUrl);
  try {
    await owner.connect();
    const ids = { booked: uuidv7(), stated: uuidv7(), inReview: uuidv7(), pending: uuidv7() };
    await fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, [{ holder: uuidv7(), myKeyId, registeredAt: now }]));
    const statement = uuidv7();
    await fresh.database.transaction(tenants(municipality), async (tx) => {
      const terms = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: ['card-a'] };
      await putPartner(tx, { municipality, programme, partner: 'card-a' }, terms, { client: 'staff', now });
      const wishes = Object.entries(ids).map(([orderId, id]) => ({
        ...{ id, municipality, programme, order: { orderId, myKeyId, partner: 'card-a', partnerPoints: 1 }, channel: 'api' as const },
        ...{ client: 'card-a', isOnBehalf: false, mayBringHistory: false },
      }));
      await placeOrders(tx, wishes, now);
      const book = `update exchange_order set state = 'completed', posting = $2, booked_at = $3, statement = $4 where id = $1`;
      await tx.write(book, [ids.booked, uuidv7(), now, null]);
      await tx.write(book, [ids.stated, uuidv7(), now, statement]);
      await tx.write(`update exchange_order set state = 'in-review' where id = $1`, [ids.inReview]);
    });

    await owner.query(`set search_path = exchange; begin; ${lightenOrders.up.replaceAll('{app}', new URL(fresh.url).username)}; commit`);

    const [lines, waiting] = await fresh.database.transaction(tenants(municipality), async (tx) => [
      await tx.query<{ id: string; statement: string | null }>('select id, statement, happened_at from account_line order by id'),
      await tx.query('select id from order_in_review'),
    ]);
    expect(lines).toEqual([
      { id: ids.booked, statement: null, happened_at: new Date(now) },
      { id: ids.stated, statement, happened_at: new Date(now) },
    ]);
    expect(waiting).toEqual([{ id: ids.inReview }]);
  } finally {
    await owner.end();
    await fresh.close();
  }
});
