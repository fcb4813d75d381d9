import { tenants, type Tx } from '@points/database';
import { uuidv7 } from '@points/kernel';
import { assertSchemaIsolation, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import { aHolder, anIssue, kawasaki, openProgramme, tamana } from '../testing/ledger-builders.js';
import { migrations } from './migrations.js';

/** What somebody with the service's own role and plain SQL can do to the books. */
describe('the database', () => {
  const hanako = aHolder();
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    const door = new Door({ database: fresh.database, now: systemClock });
    await openProgramme(fresh.database);
    await openProgramme(fresh.database, tamana);
    await door.post([anIssue(hanako, 1000), anIssue(aHolder(), 500, { programme: tamana })]);
    await door.close();
  });
  afterAll(() => fresh?.close());

  const attack = (sql: string, values: unknown[] = []) => fresh.database.transaction(tenants('141305'), (tx: Tx) => tx.query(sql, values));
  const entries = (...amounts: number[]) =>
    attack(
      `insert into entry (tenant, programme, account, effective_at, transfer, amount)
       select '141305', $1, 'holder:' || i, now(), $2, amount from unnest($3::bigint[]) with ordinality as e (amount, i)`,
      [kawasaki, uuidv7(), amounts],
    );

  it('refuses entries that do not sum to zero', async () => {
    await expect(entries(5)).rejects.toMatchObject({ code: '23514', constraint: 'entry_sum_zero' });
    await expect(entries(5, -4)).rejects.toMatchObject({ code: '23514', constraint: 'entry_sum_zero' });
    await expect(entries(5, -5)).resolves.toEqual([]);
  });

  it('refuses entries that sum to zero only across two transfers', async () => {
    const text = `insert into entry (tenant, programme, account, effective_at, transfer, amount) values ('141305', $1, 'holder:a', now(), $2, 5), ('141305', $1, 'holder:b', now(), $3, -5)`;
    await expect(attack(text, [kawasaki, uuidv7(), uuidv7()])).rejects.toMatchObject({ constraint: 'entry_sum_zero' });
  });

  it.each(['entry', 'transfer', 'draw', 'posting', 'programme_rule', 'extension'])('refuses to change, delete or empty %s', async (table) => {
    await expect(attack(`update ${table} set tenant = tenant`)).rejects.toMatchObject({ code: '42501' });
    await expect(attack(`delete from ${table}`)).rejects.toMatchObject({ code: '42501' });
    await expect(attack(`truncate ${table}`)).rejects.toMatchObject({ code: '42501' });
  });

  it.each(['entry', 'transfer', 'draw', 'posting', 'programme_rule', 'extension'])(
    'refuses even the owner to change, delete or empty %s',
    async (table) => {
      const owner = new pg.Client({ connectionString: fresh.ownerUrl });
      await owner.connect();
      try {
        await owner.query(`select set_config('app.tenant', '*', false)`);
        for (const sql of [`update ${table} set tenant = tenant`, `delete from ${table}`, `truncate ${table}`])
          await expect(owner.query(sql)).rejects.toMatchObject({ message: expect.stringContaining('append-only') as string });
      } finally {
        await owner.end();
      }
    },
  );

  it.each([
    ['a lot below zero', 'update lot set remaining = -1', 'lot_held_within_remaining'],
    ['a lot above its amount', 'update lot set remaining = amount + 1', 'lot_within_amount'],
    ['more held than there is', 'update lot set held = remaining + 1', 'lot_held_within_remaining'],
    ['an account below zero', 'update account set balance = -1', 'account_held_within_balance'],
    ['more held than the account has', 'update account set held = balance + 1', 'account_held_within_balance'],
  ])('refuses %s', async (_, sql, constraint) => {
    await expect(attack(sql)).rejects.toMatchObject({ code: '23514', constraint });
  });

  it.each([
    'update lot set amount = 1',
    'update lot set granted_at = now()',
    `update account set account = 'holder:x'`,
    'update hold set parts = parts',
    'update programme set first_day = now()',
    'delete from lot',
    'delete from account',
    'delete from hold',
    'delete from extension_order',
    'update extension_order set days = 1',
    'delete from programme',
    'alter table entry disable trigger all',
    'drop trigger entry_sum_zero on entry',
    `set session_replication_role = 'replica'`,
  ])('does not let the service: %s', async (sql) => {
    await expect(attack(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it('shows nothing of another municipality, and takes nothing for it', async () => {
    const tables = ['programme', 'programme_rule', 'account', 'lot', 'transfer', 'entry', 'draw', 'posting'];
    const seen = await Promise.all(tables.map((table) => attack(`select tenant from ${table} group by tenant`)));

    expect(seen).toEqual(tables.map(() => [{ tenant: '141305' }]));
    await expect(
      attack(`insert into programme (tenant, programme, name, first_day, history_open) values ('432067', '432067-x', 'x', now(), true)`),
    ).rejects.toMatchObject({ code: '42501' });
    expect(await fresh.database.pool.query('select 1 from account')).toMatchObject({ rowCount: 0 });
  });

  it('has row-level security, forced, on every table with tenant data', async () => {
    const { rows } = await fresh.database.pool.query(
      `select relname from pg_class c where relnamespace = 'ledger'::regnamespace and relkind = 'r' and not (relrowsecurity and relforcerowsecurity)
       and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant' and not a.attisdropped)`,
    );
    expect(rows).toEqual([]);
  });

  it('shuts the service in its schema', async () => {
    await assertSchemaIsolation(fresh);
  });
});
