import { assertSchemaIsolation, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { migrations } from './migrations.js';

/** With raw SQL, as the role the service runs as. */
describe('the database of identity', () => {
  let fresh: FreshDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    fresh = await freshDatabase('identity', migrations);
    client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    await client.query(`set app.tenant = '*'`);
    await client.query(`
      insert into holder (id, created_at) values ('00000000-0000-7000-8000-000000000001', now()), ('00000000-0000-7000-8000-000000000002', now());
      insert into registration (tenant, holder, registered_at) values ('141305', '00000000-0000-7000-8000-000000000001', now()), ('222160', '00000000-0000-7000-8000-000000000002', now());
      insert into client (id, tenant, name, kind, scopes, tenants, created_at)
        values ('141305-a', '141305', 'a', 'tool', '{a:b}', '{141305}', now()), ('222160-a', '222160', 'a', 'tool', '{a:b}', '{222160}', now()), ('operator', '*', 'o', 'operator', '{a:b}', '{*}', now());
      insert into client_secret (id, client, tenant, hash, created_at) select gen_random_uuid(), id, tenant, 'sha256:' || repeat('a', 22) || ':' || repeat('b', 43), now() from client;`);
  });
  beforeEach(() => client.query('reset app.tenant'));
  afterAll(async () => {
    await client?.end();
    await fresh?.close();
  });

  const tables = ['registration', 'client', 'client_secret'];

  it.each(tables)('shows of %s the rows of the tenant, and none without a tenant', async (table) => {
    expect((await client.query(`select tenant from ${table}`)).rows).toEqual([]);
    await client.query(`set app.tenant = '141305'`);
    expect((await client.query(`select tenant from ${table}`)).rows).toEqual([{ tenant: '141305' }]);
    await client.query(`set app.tenant = '222160,141305'`);
    expect((await client.query(`select tenant from ${table}`)).rows).toHaveLength(2);
  });

  it.each([
    `insert into registration (tenant, holder, registered_at) values ('222160', '00000000-0000-7000-8000-000000000001', now())`,
    `insert into client (id, tenant, name, kind, scopes, tenants, created_at) values ('x1', '222160', 'x', 'tool', '{a:b}', '{222160}', now())`,
    `insert into client (id, tenant, name, kind, scopes, tenants, created_at) values ('x2', '*', 'x', 'tool', '{a:b}', '{*}', now())`,
    `update client set tenant = '222160', tenants = '{222160}' where id = '141305-a'`,
    `insert into client_secret (id, client, tenant, hash, created_at) values (gen_random_uuid(), 'operator', '*', 'sha256:' || repeat('a', 22) || ':' || repeat('b', 43), now())`,
  ])('refuses to write another tenant’s row: %s', async (statement) => {
    await client.query(`set app.tenant = '141305'`);

    await expect(client.query(statement)).rejects.toThrow('row-level security');
  });

  it('lets no tenant hang a secret of its own on another manager’s client', async () => {
    await client.query(`set app.tenant = '141305'`);

    await expect(
      client.query(
        `insert into client_secret (id, client, tenant, hash, created_at) values (gen_random_uuid(), 'operator', '141305', 'sha256:' || repeat('a', 22) || ':' || repeat('b', 43), now())`,
      ),
    ).rejects.toThrow('client_secret_of_client');
  });

  it('has row-level security, forced, on every table with a tenant', async () => {
    const { rows } = await client.query<{ table: string; secured: boolean }>(`
      select c.relname as table, c.relrowsecurity and c.relforcerowsecurity as secured
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant' and not a.attisdropped
       where c.relnamespace = 'identity'::regnamespace and c.relkind = 'r'`);

    expect(rows.filter((row) => !row.secured)).toEqual([]);
    expect(rows.map((row) => row.table)).toEqual(expect.arrayContaining(tables));
  });

  it('cannot be left by the role of the service', async () => {
    await assertSchemaIsolation(fresh);
  });
});
