import { eventually, freshDatabase, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { effectsOf, makeTopics, record, startService, tellSteadily, testMigrations, type TestService } from './test-service.js';

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
    const load = tellSteadily(fresh.database, accounts, 0);
    const hasDone = (service: TestService, events: number) =>
      eventually(async () => (await service.metric('points_events_consumed_total')) > events, { timeoutMs: 20_000 });
    let steps: number[];

    try {
      await hasDone(first, 500);
      const second = await start();
      await hasDone(second, 200);
      await first.stop();
      await hasDone(second, (await second.metric('points_events_consumed_total')) + 500);
      const third = await start();
      await hasDone(third, 100);
    } finally {
      steps = await load.stop();
    }

    const isDone = async (account: string) => (await effectsOf(fresh.database, account)).length >= steps.length;
    for (const account of accounts) await eventually(() => isDone(account), { timeoutMs: 20_000 });
    for (const account of accounts) expect(await effectsOf(fresh.database, account)).toEqual(steps);
  }, 90_000);
});
