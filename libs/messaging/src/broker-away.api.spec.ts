import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fetchKafkaJars, startKafka, type RunningKafka } from '@points/infrastructure';
import { eventually, freshDatabase, type FreshDatabase } from '@points/testing';
import { effectsOf, makeTopics, record, startService, tellSteadily, testMigrations, type TestService } from './test-service.js';

// Where the run keeps the broker's jars (tools/check).
const root = resolve(import.meta.dirname, '../../..');
const jarsFolder = process.env['KAFKA_JARS'] ?? resolve(root, process.env['CLOUD_HOME'] ?? '.local', 'kafka-jars');

describe('a broker that is away for 20 s under load', () => {
  const directory = mkdtempSync(join(tmpdir(), 'points-broker-away-'));
  const accounts = Array.from({ length: 10 }, (_, index) => `account-${index}`);
  const awayMs = 20_000;
  let kafka: RunningKafka | undefined;
  let fresh: FreshDatabase;
  let service: TestService | undefined;
  const fatal: Error[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase('identity', testMigrations);
    kafka = await startKafka({ directory, jars: await fetchKafkaJars(jarsFolder) });
  }, 60_000);
  afterAll(async () => {
    await service?.stop();
    await kafka?.stop();
    await fresh?.close();
    rmSync(directory, { recursive: true, force: true });
  }, 30_000);

  it('costs no event, and each account keeps its order', async () => {
    if (!kafka) throw new Error('no broker');
    const { brokers, port, controllerPort } = kafka;
    await makeTopics([brokers], '');
    service = await startService({
      name: 'identity',
      database: fresh.database,
      brokers: [brokers],
      prefix: '',
      on: record,
      onFatal: (error) => fatal.push(error),
    });
    const { messaging } = service;
    // 10 events each time: some 4,000 wait when the broker is back.
    const load = tellSteadily(fresh.database, accounts, 50);
    const isAtStep = async (account: string, step: number) => (await effectsOf(fresh.database, account)).length >= step;
    let steps: number[];

    try {
      await eventually(() => isAtStep('account-0', 20));
      await kafka.kill9();
      const away = Date.now();
      await eventually(() => !messaging.health().broker, { timeoutMs: awayMs });
      await eventually(() => Date.now() - away >= awayMs, { timeoutMs: awayMs + 1_000, everyMs: 200 });
      const during = load.step();
      kafka = await startKafka({ directory, jars: await fetchKafkaJars(jarsFolder), port, controllerPort });
      await eventually(() => isAtStep('account-0', during + 1), { timeoutMs: 60_000, everyMs: 100 });
    } finally {
      steps = await load.stop();
    }

    for (const account of accounts) await eventually(() => isAtStep(account, steps.length), { timeoutMs: 30_000 });
    for (const account of accounts) expect(await effectsOf(fresh.database, account)).toEqual(steps);
    expect(messaging.health()).toEqual({ broker: true, consumer: 'running', relay: 'owner' });
    expect(fatal).toEqual([]);
  }, 150_000);
});
