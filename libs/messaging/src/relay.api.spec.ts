import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { eventually, freshDatabase, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import {
  eventuallyEffects,
  makeTopics,
  messagesSent,
  outboxRows,
  record,
  startService,
  stepped,
  tell,
  testMigrations,
  type TestService,
} from './test-service.js';

describe('the relay', () => {
  const brokers = testBrokers();
  const children: ChildProcess[] = [];
  const services: TestService[] = [];
  let fresh: FreshDatabase;
  let prefix: string;

  beforeEach(async () => {
    prefix = topicPrefix();
    fresh = await freshDatabase('ledger', testMigrations);
    await makeTopics(brokers, prefix);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await fresh.close();
  });

  /** Another process with a relay on the same outbox. It runs the built library, as a service does. */
  const startProcess = (mode = '') => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../fixtures/relay.mjs', import.meta.url))], {
      env: { ...process.env, DATABASE_URL: fresh.url, SCHEMA: 'ledger', BROKERS: brokers.join(','), TOPIC_PREFIX: prefix, MODE: mode },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };
  const start = async () => {
    const service = await startService({ name: 'ledger', database: fresh.database, brokers, prefix, on: record });
    services.push(service);
    return service;
  };

  it.each([
    ['between commit and send', 'after-commit', 1],
    ['between send and delete', 'after-send', 2],
  ])('of a process killed %s leaves the event to the next one, and it has one effect', async (_, mode, sent) => {
    const [, signal] = (await once(startProcess(mode), 'exit')) as [unknown, string];
    expect(signal).toBe('SIGKILL');
    expect(await outboxRows(fresh.database)).toBe(1);

    const service = await start();
    await eventuallyEffects(fresh.database, mode, [1]);

    await eventually(async () => (await outboxRows(fresh.database)) === 0);
    expect(await messagesSent(brokers, prefix)).toBe(sent);
    await eventually(async () => (await service.metric('points_events_duplicate_total')) === sent - 1);
  });

  it('of one process sends while that of another stands by, which takes over when the first one dies', async () => {
    const owner = startProcess();
    await once(owner.stdout ?? owner, 'data');
    const standby = await start();
    await eventually(() => standby.messaging.health().relay === 'standby');

    for (let number = 1; number <= 100; number++) await tell(fresh.database, stepped('shared', number));
    const first = Array.from({ length: 100 }, (_, index) => index + 1);
    await eventuallyEffects(fresh.database, 'shared', first);
    expect(await messagesSent(brokers, prefix)).toBe(100);
    expect(await standby.metric('points_events_relayed_total')).toBe(0);
    await eventually(async () => (await outboxRows(fresh.database)) === 0);

    owner.kill('SIGKILL');
    await tell(fresh.database, stepped('shared', 101), stepped('shared', 102));
    await eventuallyEffects(fresh.database, 'shared', [...first, 101, 102]);

    expect(standby.messaging.health().relay).toBe('owner');
    expect(await messagesSent(brokers, prefix)).toBe(102);
  });

  it('that loses its database session gives the shard up and wins it back', async () => {
    const service = await start();
    await eventually(() => service.messaging.health().relay === 'owner');
    const admin = new pg.Client({ connectionString: fresh.adminUrl });
    await admin.connect();
    try {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%-relay-0' and datname = current_database()`,
      );
    } finally {
      await admin.end();
    }

    await tell(fresh.database, stepped('after the cut', 1));

    await eventuallyEffects(fresh.database, 'after the cut', [1]);
  });
});
