import { eventually, freshDatabase, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { effectsOf, makeTopics, record, startService, stepped, tell, testMigrations, type TestService } from './test-service.js';

describe('a consumer that is added and removed under load', () => {
  const brokers = testBrokers();
  const prefix = topicPrefix();
  const accounts = Array.from({ length: 12 }, (_, index) => `account-${index}`);
  const services: TestService[] = [];
  let fresh: FreshDatabase;

  beforeAll(async () => {
    fresh = await freshDatabase('catalog', testMigrations, { poolMax: 10 });
    await makeTopics(brokers, prefix);
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await fresh?.close();
  });

  const start = async () => {
    const service = await startService({ name: 'catalog', database: fresh.database, brokers, prefix, on: record });
    services.push(service);
    return service;
  };

  it('loses nothing, doubles no effect and keeps the order of each account', async () => {
    const first = await start();
    let [isLoading, step] = [true, 0];
    const load = (async () => {
      while (isLoading) {
        step++;
        await tell(fresh.database, ...accounts.map((account) => stepped(account, step)));
      }
    })();
    const worked = (service: TestService) => service.metric('points_events_consumed_total');

    await eventually(async () => (await worked(first)) > 500);
    const second = await start();
    await eventually(async () => (await worked(second)) > 200);
    await first.stop();
    const before = await worked(second);
    await eventually(async () => (await worked(second)) > before + 500);
    const third = await start();
    await eventually(async () => (await worked(third)) > 100);
    isLoading = false;
    await load;

    const all = Array.from({ length: step }, (_, index) => index + 1);
    for (const account of accounts) await eventually(async () => (await effectsOf(fresh.database, account)).length >= step);
    for (const account of accounts) expect(await effectsOf(fresh.database, account)).toEqual(all);
  }, 30_000);
});
