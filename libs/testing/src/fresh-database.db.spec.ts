import { tenants, tenantTable } from '@points/database';
import { assertSchemaIsolation, emptyDatabase, freshDatabase, type FreshDatabase } from './index.js';

const migrations = [
  {
    name: 'CreateNote1763856000001',
    up: `create table note (tenant text not null, text text not null); grant select, insert on note to {app}; ${tenantTable('note')}`,
  },
];

describe('freshDatabase', () => {
  const opened: FreshDatabase[] = [];
  const keep = <T extends FreshDatabase>(fresh: T): T => {
    opened.push(fresh);
    return fresh;
  };
  afterAll(() => Promise.all(opened.map((fresh) => fresh.close())));

  it('gives callers at the same moment a database each', async () => {
    const [one, other] = await Promise.all([
      freshDatabase('ledger', migrations).then(keep),
      freshDatabase('ledger', migrations).then(keep),
    ]);

    await one.database.transaction(tenants('141305'), (tx) =>
      tx.write('insert into note (tenant, text) values ($1, $2)', ['141305', 'mine']),
    );

    expect(await one.database.transaction(tenants('141305'), (tx) => tx.query('select text from note'))).toEqual([{ text: 'mine' }]);
    expect(await other.database.transaction(tenants('141305'), (tx) => tx.query('select text from note'))).toEqual([]);
  });

  it('opens the database as the role that row-level security binds', async () => {
    const { database } = keep(await freshDatabase('ledger', migrations));

    await expect(
      database.transaction(tenants('222160'), (tx) => tx.write('insert into note (tenant, text) values ($1, $2)', ['141305', 'theirs'])),
    ).rejects.toThrow(/row-level security/);
  });

  it('shuts the role of the service in its own schema', async () => {
    await assertSchemaIsolation(keep(await freshDatabase('ledger', migrations)));
  });

  it('says so when a role can read a neighbour', async () => {
    const fresh = keep(await emptyDatabase('catalog'));
    const { default: pg } = await import('pg');
    const admin = new pg.Client({ connectionString: fresh.adminUrl });
    await admin.connect();
    await admin.query(
      'create schema neighbour; create table neighbour.secret (id int); grant usage on schema neighbour to catalog; grant select on neighbour.secret to catalog',
    );
    await admin.end();

    await expect(assertSchemaIsolation(fresh)).rejects.toThrow('neighbour.secret');
  });
});
