import { uuidv7 } from '@points/kernel';
import { event } from './event.js';
import { publish } from './outbox.js';
import { everyTenant } from '@points/database';
import { currentTraceparent, startTracing } from '@points/observability';
import { eventually, freshDatabase, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import {
  effectsOf,
  eventuallyEffects,
  kawasaki,
  makeTopics,
  messagesSent,
  outboxRows,
  record,
  startService,
  stepped,
  stoppedV1,
  tell,
  testMigrations,
  type TestService,
} from './test-service.js';

describe('an event', () => {
  const brokers = testBrokers();
  const prefix = topicPrefix();
  const calls: { type: string; steps: number[]; trace: string | undefined; sees: unknown }[] = [];
  let fresh: FreshDatabase;
  let service: TestService;
  let stopTracing: () => Promise<void>;

  beforeAll(async () => {
    stopTracing = startTracing('test');
    fresh = await freshDatabase('exchange', testMigrations);
    await makeTopics(brokers, prefix);
    const note =
      (type: string): Parameters<typeof startService>[0]['on'] =>
      async (events, context) => {
        const [{ tenant: sees } = {}] = await context.tx.query<{ tenant: string }>(`select current_setting('app.tenant') as tenant`);
        calls.push({ type, steps: events.map((one) => one.data.step), trace: currentTraceparent()?.split('-')[1], sees });
        await record(events, context);
      };
    service = await startService({
      name: 'exchange',
      database: fresh.database,
      brokers,
      prefix,
      on: note('stepped'),
      onStopped: note('stopped'),
    });
  });
  afterAll(async () => {
    await service?.stop();
    await fresh?.close();
    await stopTracing?.();
  });

  it('has one effect although it is delivered twice', async () => {
    const id = uuidv7();

    await tell(fresh.database, stepped('twice', 1, { id }), stepped('twice', 1, { id }));
    await tell(fresh.database, stepped('twice', 1, { id }), stepped('twice', 2));
    await eventuallyEffects(fresh.database, 'twice', [1, 2]);

    expect(await service.metric('points_events_duplicate_total')).toBe(2);
    expect(await messagesSent(brokers, prefix)).toBe(4);
    expect(await outboxRows(fresh.database)).toBe(0);
  });

  it('is not sent when its transaction is rolled back', async () => {
    const before = await messagesSent(brokers, prefix);
    await expect(
      fresh.database.transaction(everyTenant, async (tx) => {
        await publish(tx, [stepped('rolled back', 1)]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    await tell(fresh.database, stepped('after it', 1));
    await eventuallyEffects(fresh.database, 'after it', [1]);

    expect(await messagesSent(brokers, prefix)).toBe(before + 1);
  });

  it('keeps the order of its key across event types, and reaches the handler in the trace and under the tenant of its sender', async () => {
    calls.length = 0;
    const stopped = (number: number) => event(stoppedV1, { municipality: kawasaki, account: 'mixed', step: number });
    const trace = 'a'.repeat(32);

    await tell(
      fresh.database,
      stepped('mixed', 1, { traceparent: `00-${trace}-${'b'.repeat(16)}-01` }),
      stepped('mixed', 2),
      stopped(3),
      stepped('mixed', 4),
      stopped(5),
    );
    await eventuallyEffects(fresh.database, 'mixed', [1, 2, 3, 4, 5]);

    expect(calls.map(({ type, steps }) => ({ type, steps }))).toEqual([
      { type: 'stepped', steps: [1, 2] },
      { type: 'stopped', steps: [3] },
      { type: 'stepped', steps: [4] },
      { type: 'stopped', steps: [5] },
    ]);
    expect(calls[0]).toMatchObject({ trace, sees: kawasaki });
  });

  it('reaches a reader that names itself the requester only when it is', async () => {
    const mine = await freshDatabase('settlement', testMigrations);
    const reader = await startService({
      name: 'settlement',
      database: mine.database,
      brokers,
      prefix,
      on: record,
      handler: { requester: 'settlement' },
    });
    try {
      await tell(
        fresh.database,
        stepped('asked', 1, { requester: 'exchange' }),
        stepped('asked', 2, { requester: 'settlement' }),
        stepped('asked', 3),
      );

      await eventuallyEffects(mine.database, 'asked', [2]);
      await eventuallyEffects(fresh.database, 'asked', [1, 2, 3]);
      expect(await effectsOf(mine.database, 'asked')).toEqual([2]);
    } finally {
      await reader.stop();
      await mine.close();
    }
  });

  it('that was committed is sent before a stop ends, and health tells the truth meanwhile', async () => {
    await eventually(() => service.messaging.health().relay === 'owner');
    expect(service.messaging.health()).toEqual({ broker: true, consumer: 'running', relay: 'owner' });
    const before = await messagesSent(brokers, prefix);

    // Few enough for one send: a stop waits for what it can send within its limit, on a busy machine too.
    await tell(fresh.database, ...Array.from({ length: 300 }, (_, index) => stepped('last words', index)));
    await service.messaging.relay.stop();
    await service.stop();

    expect(await messagesSent(brokers, prefix)).toBe(before + 300);
    expect(service.messaging.health()).toMatchObject({ consumer: 'stopped', relay: 'stopped' });
  });
});
