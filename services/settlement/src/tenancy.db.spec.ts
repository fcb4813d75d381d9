import { assertSchemaIsolation, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { migrations } from './migrations.js';

/** With raw SQL, as the role the service runs as. */
describe('the database of settlement', () => {
  let fresh: FreshDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    fresh = await freshDatabase('settlement', migrations);
    client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    await client.query(`set app.tenant = '*'`);
    for (const tenant of ['141305', '222160'])
      await client.query(`
        insert into shop_group (tenant, id, name) values ('${tenant}', 'g', 'g');
        insert into shop (tenant, id, name, shop_group, programmes, status, tags) values ('${tenant}', 's', 's', 'g', '{}', 'active', '{}');
        ${payment(tenant, '0193579b-0000-7000-8000-000000000001')};
        insert into payment_action (tenant, id, payment, kind, amount, state, client, key, fingerprint, created_at)
          values ('${tenant}', '0193579b-0000-7000-8000-000000000002', '0193579b-0000-7000-8000-000000000001', 'refund', 1, 'pending', 'c', 'k', 'f', now());
        insert into payment_movement (tenant, id, payment, action, kind, amount, is_final, refund_of, reference, state)
          values ('${tenant}', '0193579b-0000-7000-8000-000000000003', '0193579b-0000-7000-8000-000000000001', '0193579b-0000-7000-8000-000000000002', 'refund', 1, false, 'x', 'r', 'pending')`);
  });
  beforeEach(() => client.query('reset app.tenant'));
  afterAll(async () => {
    await client?.end();
    await fresh?.close();
  });

  const tables = ['shop_group', 'shop', 'payment', 'payment_action', 'payment_movement'];

  it.each(tables)('shows of %s the rows of the tenant, and none without a tenant', async (table) => {
    expect((await client.query(`select tenant from ${table}`)).rows).toEqual([]);
    await client.query(`set app.tenant = '141305'`);
    expect((await client.query(`select tenant from ${table}`)).rows).toEqual([{ tenant: '141305' }]);
  });

  it.each([
    `insert into shop_group (tenant, id, name) values ('222160', 'h', 'h')`,
    `insert into shop (tenant, id, name, programmes, status, tags) values ('222160', 't', 't', '{}', 'active', '{}')`,
    payment('222160', '0193579b-0000-7000-8000-000000000009'),
    `update shop set tenant = '222160', shop_group = null, id = 'other'`,
  ])('refuses to write another tenant’s row: %s', async (statement) => {
    await client.query(`set app.tenant = '141305'`);

    await expect(client.query(statement)).rejects.toThrow('row-level security');
  });

  it.each([
    ['delete from payment', 'permission denied'],
    ['delete from payment_movement', 'permission denied'],
    ['update payment set amount = 1', 'permission denied'],
    ['update payment set holder = gen_random_uuid()', 'permission denied'],
    ['update payment_movement set amount = 1', 'permission denied'],
    ['update payment set captured = amount + 1', 'payment_captured_within_amount'],
    ['update payment set refunded = captured + 1', 'payment_refunded_within_captured'],
    [`update payment set state = 'paid'`, 'payment_state_known'],
  ])('refuses what must never be: %s', async (statement, reason) => {
    await client.query(`set app.tenant = '141305'`);

    await expect(client.query(statement)).rejects.toThrow(reason);
  });

  it('has row-level security, forced, on every table with a tenant', async () => {
    const { rows } = await client.query<{ name: string }>(`
      select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)`);
    expect(rows).toEqual([]);
  });

  it('shuts the role of the service in its own schema', async () => {
    await assertSchemaIsolation(fresh);
  });
});

function payment(tenant: string, id: string): string {
  return `insert into payment (tenant, id, programme, shop, holder, amount, capture, state, captured, refunded, client, key, fingerprint, created_at)
    values ('${tenant}', '${id}', '${tenant}-p', 's', '0193579b-0000-7000-8000-000000000004', 10, 'now', 'captured', 10, 0, 'c', '${id}', 'f', now())`;
}
