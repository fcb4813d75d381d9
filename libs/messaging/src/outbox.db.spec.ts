import { ContractError } from '@points/contracts';
import { everyTenant, tenants } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { event } from './event.js';
import { outboxInsert, outboxRows, publish } from './outbox.js';
import { kawasaki, stepped, steppedV1, tell, testMigrations } from './test-service.js';

describe('publish', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('identity', testMigrations);
  });
  afterAll(() => fresh.close());
  beforeEach(() => fresh.database.transaction(everyTenant, (tx) => tx.query('delete from outbox')));

  const stored = () =>
    fresh.database.transaction(everyTenant, (tx) =>
      tx.query('select topic, key, type, tenant, requester, traceparent, payload from outbox order by id'),
    );

  it('writes the events in the transaction of the change, in their order', async () => {
    await tell(fresh.database, stepped('a', 1, { requester: 'exchange', traceparent: '00-1-2-01' }), stepped('a', 2));
    await expect(
      fresh.database.transaction(tenants(kawasaki), async (tx) => {
        await publish(tx, [stepped('a', 3)]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    const common = { topic: 'test.steps', key: 'a', type: 'test.stepped.v1', tenant: kawasaki };
    expect(await stored()).toEqual([
      { ...common, requester: 'exchange', traceparent: '00-1-2-01', payload: '{"municipality":"141305","account":"a","step":1}' },
      { ...common, requester: null, traceparent: null, payload: '{"municipality":"141305","account":"a","step":2}' },
    ]);
  });

  it('takes no event that breaks its contract', async () => {
    const wrong = { municipality: kawasaki, account: 'a', step: 0.5 };

    expect(() => event(steppedV1, wrong)).toThrow(ContractError);
    await expect(tell(fresh.database, { contract: steppedV1, data: wrong })).rejects.toThrow(ContractError);
    expect(await stored()).toEqual([]);
  });

  it('takes no event of another municipality than the transaction works for', async () => {
    await expect(fresh.database.transaction(tenants('432067'), (tx) => publish(tx, [stepped('a', 1)]))).rejects.toThrow(
      /row-level security/,
    );
  });

  it('takes a fact of the platform in any transaction, which only the machinery sees afterwards', async () => {
    const platform = { ...steppedV1, tenant: () => undefined };

    await tell(fresh.database, event(platform, { municipality: kawasaki, account: 'a', step: 1 }));

    expect(await fresh.database.transaction(tenants(kawasaki), (tx) => tx.query('select id from outbox'))).toEqual([]);
    expect(await stored()).toMatchObject([{ tenant: null }]);
  });

  it('is also to be had as rows for a larger statement', async () => {
    const { values, eventIds } = outboxRows([stepped('a', 1), stepped('b', 2)]);

    await fresh.database.transaction(tenants(kawasaki), (tx) =>
      tx.query(
        `with told as (${outboxInsert(2)} returning 1) insert into effect (tenant, account, step, event_id) values ($1, 'both', 1, gen_random_uuid())`,
        [kawasaki, ...values],
      ),
    );

    expect(eventIds).toHaveLength(2);
    expect(await stored()).toMatchObject([{ key: 'a' }, { key: 'b' }]);
  });
});
