import { createServer, type Server, type Socket } from 'node:net';
import { metrics } from '@points/observability';
import { eventually, freshDatabase, quietLogger, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { Messaging, type MessagingOptions } from './messaging.js';
import { eventuallyEffects, makeTopics, record, startService, stepped, steppedV1, tell, testMigrations } from './test-service.js';

describe('a service', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('exchange', testMigrations);
  });
  afterAll(() => fresh.close());

  const messagingWith = (options: Partial<MessagingOptions>) =>
    new Messaging({
      service: 'exchange',
      brokers: testBrokers(),
      database: fresh.database,
      log: quietLogger(),
      registry: metrics('exchange', { process: false }).registry,
      ...options,
    });

  it('does not start when it says it reads what it has no handler for', () => {
    expect(() => messagingWith({ contracts: [steppedV1] }).strategy.listen(() => undefined)).toThrow(
      'test.stepped.v1 is said to be read, and has no handler',
    );
  });

  it('does not start with a handler that was not declared with @OnEvent', () => {
    expect(() => messagingWith({}).strategy.addHandler('test.stepped.v1', () => Promise.resolve(), true)).toThrow(
      'must be declared with @OnEvent',
    );
  });

  it('that reads nothing is running as soon as it has started', () => {
    const { strategy } = messagingWith({});
    strategy.listen(() => undefined);

    expect(strategy.state()).toBe('running');
  });

  it('waits for topics that are made after its start, and reads them from their beginning', async () => {
    const prefix = topicPrefix();
    const starting = startService({ name: 'exchange', database: fresh.database, brokers: testBrokers(), prefix, on: record });
    await tell(fresh.database, stepped('early', 1));

    await makeTopics(testBrokers(), prefix);
    const service = await starting;

    try {
      await eventuallyEffects(fresh.database, 'early', [1]);
      await expect(makeTopics(testBrokers(), prefix)).resolves.toEqual([]);
    } finally {
      await service.stop();
    }
  });

  it('ends when its consumer is gone for good: it would look alive and do nothing', async () => {
    const prefix = topicPrefix();
    await makeTopics(testBrokers(), prefix);
    const fatal: Error[] = [];
    const service = await startService({
      name: 'exchange',
      database: fresh.database,
      brokers: testBrokers(),
      prefix,
      on: record,
      onFatal: (error) => fatal.push(error),
    });
    try {
      // A bug of our own inside the consumer, which kafkajs does not try again.
      Object.assign(service.registry.getSingleMetric('points_consumer_lag') ?? {}, {
        set: () => {
          throw new TypeError('a bug');
        },
      });
      await tell(fresh.database, stepped('last', 1));

      await eventually(() => fatal.length > 0);
      expect(fatal[0]?.message).toContain('a bug');
      expect(service.messaging.health().consumer).toBe('stopped');
    } finally {
      await service.stop();
    }
  });

  it('tells that the broker does not answer, and stops in time all the same', async () => {
    // Takes connections and says nothing: worse than a closed port.
    const sockets: Socket[] = [];
    const mute: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const messaging = messagingWith({ brokers: [`127.0.0.1:${port}`], topicPrefix: topicPrefix() });
    messaging.start();
    await eventually(() => messaging.health().relay === 'owner');
    await tell(fresh.database, stepped('unheard', 1));

    expect(messaging.health().broker).toBe(false);
    const began = Date.now();
    await messaging.stop();
    expect(Date.now() - began).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
    mute.close();
  }, 15_000);
});
