import { everyTenant, isTransient, tenants, tenantTable, violatedConstraint, type Tx } from '@points/database';
import { freshDatabase, type FreshDatabase } from './index.js';

// The tests of @points/database stand here, because a database of one's own is made by this library.
const migrations = [
  {
    name: 'CreateNote1763856000001',
    up: `create table note (tenant text not null, id int constraint note_pk primary key, text text not null);
      ${tenantTable('note')}
      grant select, insert, update on note to {app};`,
  },
];
const [kawasaki, tamana] = ['141305', '432067'];
const insert = 'insert into note (tenant, id, text) values ($1, $2, $3)';

describe('a transaction', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
  });
  afterAll(() => fresh.close());

  it('sees and writes the rows of its tenants only', async () => {
    await fresh.database.transaction(tenants(kawasaki, tamana), async (tx) => {
      await tx.write(insert, [kawasaki, 1, 'k']);
      await tx.write(insert, [tamana, 2, 't']);
    });

    const seen = (tenancy: typeof everyTenant) =>
      fresh.database.transaction(tenancy, (tx) => tx.query('select id from note where id < 10 order by id'));
    expect(await seen(tenants(kawasaki))).toEqual([{ id: 1 }]);
    expect(await seen(everyTenant)).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await fresh.database.transaction(tenants(kawasaki), (tx) => tx.write('update note set text = $1 where id = 2', ['x']))).toBe(0);
  });

  it('leaves no tenancy behind on its connection', async () => {
    await fresh.database.transaction(everyTenant, (tx) => tx.query('select 1'));

    const { rows } = await fresh.database.pool.query('select id from note');

    expect(rows).toEqual([]);
  });

  it('runs what follows the commit after it, and never after a rollback', async () => {
    const told: string[] = [];

    await fresh.database.transaction(tenants(kawasaki), (tx) => {
      tx.afterCommit(() => told.push('committed'));
      return tx.query('select 1');
    });
    await expect(
      fresh.database.transaction(tenants(kawasaki), (tx) => {
        tx.afterCommit(() => told.push('rolled back'));
        return Promise.reject(new Error('no'));
      }),
    ).rejects.toThrow('no');

    expect(told).toEqual(['committed']);
  });

  it('is tried again after a deadlock, and both sides end', async () => {
    await fresh.database.transaction(tenants(kawasaki), async (tx) => {
      await tx.write(insert, [kawasaki, 11, 'a']);
      await tx.write(insert, [kawasaki, 12, 'b']);
    });
    let met: () => void = () => undefined;
    const meeting = new Promise<void>((resolve) => (met = resolve));
    let arrived = 0;
    const touch = (first: number, second: number) => {
      let attempt = 0;
      return fresh.database.transaction(tenants(kawasaki), async (tx) => {
        await tx.write('update note set text = text || $1 where id = $2', ['x', first]);
        if (++attempt === 1 && ++arrived === 2) met();
        if (attempt === 1) await meeting;
        await tx.write('update note set text = text || $1 where id = $2', ['x', second]);
        return attempt;
      });
    };

    const attempts = await Promise.all([touch(11, 12), touch(12, 11)]);

    expect(attempts.reduce((a, b) => a + b)).toBe(3);
    expect(
      await fresh.database.transaction(tenants(kawasaki), (tx) => tx.query('select text from note where id in (11, 12) order by id')),
    ).toEqual([{ text: 'axx' }, { text: 'bxx' }]);
  });

  it('takes statements together, and leaves nothing behind where one of them fails', async () => {
    const write = (id: number) => (tx: Tx) => tx.write(insert, [kawasaki, id, 'together']);
    await expect(
      fresh.database.transaction(tenants(kawasaki), (tx) => Promise.all([write(41)(tx), write(41)(tx), write(42)(tx)])),
    ).rejects.toMatchObject({ constraint: 'note_pk' });

    const written = await fresh.database.transaction(tenants(kawasaki), (tx) => Promise.all([write(41)(tx), write(42)(tx)]));

    expect(written).toEqual([1, 1]);
  });

  it('writes at the commit what is to come last, and tells how many rows that were', async () => {
    const told: number[] = [];
    const seen = await fresh.database.transaction(tenants(kawasaki), async (tx) => {
      tx.writeAtCommit(insert, [kawasaki, 51, 'last'], (rows) => told.push(rows));
      return tx.query('select id from note where id = 51');
    });
    const failing = fresh.database.transaction(tenants(kawasaki), async (tx) => {
      await tx.write(insert, [kawasaki, 52, 'first']);
      tx.writeAtCommit(insert, [kawasaki, 51, 'again'], (rows) => told.push(rows));
    });

    await expect(failing).rejects.toMatchObject({ constraint: 'note_pk' });
    expect(seen).toEqual([]);
    expect(told).toEqual([1]);
    expect(await fresh.database.transaction(tenants(kawasaki), (tx) => tx.query('select text from note where id in (51, 52)'))).toEqual([
      { text: 'last' },
    ]);
  });

  it('takes no statement once it is over', async () => {
    let late: Tx | undefined;
    await fresh.database.transaction(tenants(kawasaki), async (tx) => {
      late = tx;
      await tx.query('select 1');
    });

    await expect(late?.query('select 1')).rejects.toThrow('after its transaction was over');
  });

  it('lets entities and SQL work on one connection', async () => {
    const rows = await fresh.database.transaction(tenants(kawasaki), async (tx) => {
      await tx.entities.query(insert, [kawasaki, 21, 'by the manager']);
      return tx.query('select text from note where id = 21');
    });

    expect(rows).toEqual([{ text: 'by the manager' }]);
  });

  it('names the constraint that was violated', async () => {
    await fresh.database.transaction(tenants(kawasaki), (tx) => tx.write(insert, [kawasaki, 31, 'first']));

    const error: unknown = await fresh.database
      .transaction(tenants(kawasaki), (tx) => tx.write(insert, [kawasaki, 31, 'again']))
      .catch((caught: unknown) => caught);

    expect(violatedConstraint(error)).toBe('note_pk');
    expect(isTransient(error)).toBe(false);
  });
});
