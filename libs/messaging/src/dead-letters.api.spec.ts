import { freshDatabase, eventually, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { uuidv7 } from '@points/kernel';
import { everyTenant } from '@points/database';
import { deadLetterCommand } from './dead-letter-command.js';
import { listDeadLetters } from './dead-letters.js';
import {
  effectsOf,
  eventuallyEffects,
  kawasaki,
  makeTopics,
  record,
  sendRaw,
  startService,
  stepped,
  tell,
  testMigrations,
  type TestService,
} from './test-service.js';

describe('a message that no retry can cure', () => {
  const brokers = testBrokers();
  const prefix = topicPrefix();
  let fresh: FreshDatabase;
  let service: TestService;
  let isCured = false;

  beforeAll(async () => {
    fresh = await freshDatabase('settlement', testMigrations);
    await makeTopics(brokers, prefix, 1);
    service = await startService({
      name: 'settlement',
      database: fresh.database,
      brokers,
      prefix,
      on: (events, context) => {
        if (!isCured && events.some((one) => one.data.step === 666)) throw new Error('assertion failed: this step cannot be taken');
        return record(events, context);
      },
    });
  });
  afterAll(async () => {
    await service?.stop();
    await fresh?.close();
  });

  const letters = () => listDeadLetters(fresh.database);
  const command = async (...argv: string[]) => {
    const lines: string[] = [];
    const code = await deadLetterCommand(argv, { service: 'settlement', database: fresh.database, print: (line) => lines.push(line) });
    return { code, text: lines.join('\n') };
  };

  it('is parked with its reason, the partition flows, later ones of its key wait behind it, and a replay does them in order', async () => {
    await tell(fresh.database, stepped('bad', 1), stepped('good', 1), stepped('bad', 666), stepped('bad', 3), stepped('good', 2));
    await eventuallyEffects(fresh.database, 'good', [1, 2]);
    await tell(fresh.database, stepped('bad', 4), stepped('good', 3));
    await eventuallyEffects(fresh.database, 'good', [1, 2, 3]);

    expect(await effectsOf(fresh.database, 'bad')).toEqual([1]);
    expect((await letters()).map(({ key, reason, detail }) => ({ key, reason, detail }))).toEqual([
      { key: 'bad', reason: 'handler-failed', detail: 'Error: assertion failed: this step cannot be taken' },
      { key: 'bad', reason: 'behind-parked', detail: 'an earlier message of the same key is parked' },
      { key: 'bad', reason: 'behind-parked', detail: 'an earlier message of the same key is parked' },
    ]);
    expect(await service.metric('points_parked_keys')).toBe(1);

    isCured = true;
    expect(await command('replay', '--key', 'bad')).toEqual({
      code: 0,
      text: 'asked the running settlement to replay 1 key, each from its first message on',
    });
    await eventuallyEffects(fresh.database, 'bad', [1, 666, 3, 4]);
    await eventually(async () => (await service.metric('points_parked_keys')) === 0);
    await tell(fresh.database, stepped('bad', 5));
    await eventuallyEffects(fresh.database, 'bad', [1, 666, 3, 4, 5]);

    expect((await command('list')).text).toBe('no dead letters of settlement');
  });

  it('stays parked with its attempts counted when a replay fails again, and can be discarded', async () => {
    isCured = false;
    await tell(fresh.database, stepped('worse', 666), stepped('worse', 2));
    await eventually(async () => (await letters()).length === 2);

    const [first] = await letters();
    await command('replay', '--id', first?.id ?? '');
    await eventually(async () => (await letters())[0]?.attempts === 2);

    expect((await letters()).map((one) => one.replayRequested)).toEqual([false, false]);
    expect(await command('discard', '--id', first?.id ?? '')).toEqual({ code: 0, text: 'discarded 1 message of settlement' });
    await command('replay', '--all');
    await eventuallyEffects(fresh.database, 'worse', [2]);
  });

  it('is parked when it cannot be read, and says why without quoting it', async () => {
    const headers = {
      ce_specversion: '1.0',
      ce_source: '/services/test',
      ce_type: 'test.stepped.v1',
      ce_time: '2018-02-28T00:00:00.000Z',
      ce_tenant: kawasaki,
      'content-type': 'application/json',
    };
    const data = (account: string) => JSON.stringify({ municipality: kawasaki, account, step: 1 });

    await sendRaw(brokers, prefix, [
      { key: 'a', value: '{"name":"川崎 花子"', headers: { ...headers, ce_id: uuidv7() } },
      { key: 'b', value: '{"municipality":"141305","account":"b"}', headers: { ...headers, ce_id: uuidv7() } },
      { key: 'c', value: data('c'), headers },
      { key: 'd', value: data('d'), headers: { ...headers, ce_id: uuidv7(), ce_tenant: '432067' } },
      { key: 'e', value: data('somebody else'), headers: { ...headers, ce_id: uuidv7() } },
      { key: null, value: data('f'), headers: { ...headers, ce_id: uuidv7() } },
      { key: 'g\0', value: data('g'), headers: { 'x\0': '\0' } },
      { key: 'h', value: 'not for us', headers: { ...headers, ce_id: uuidv7(), ce_type: 'test.unknown.v1' } },
      { key: 'last', value: data('last'), headers: { ...headers, ce_id: uuidv7() } },
    ]);
    await eventuallyEffects(fresh.database, 'last', [1]);

    expect((await letters()).map(({ key, reason, detail }) => `${key}: ${reason}: ${detail}`)).toEqual([
      'a: not-json: the data is not JSON',
      `b: breaks-contract: data must have required property 'step'`,
      'c: wrong-headers: ce_id is not a uuid',
      'd: wrong-headers: ce_tenant is not the tenant of the data',
      'e: wrong-headers: the key is not that of the data',
      expect.stringMatching(/^-\/0\/\d+: wrong-headers: the message has no key, or one that no contract makes$/),
      'g\uFFFD: wrong-headers: ce_type is missing',
    ]);
    expect(await service.metric('points_events_ignored_total')).toBe(1);
    expect(await command('discard', '--all')).toEqual({ code: 0, text: 'discarded 7 messages of settlement' });
    expect(await fresh.database.transaction(everyTenant, (tx) => tx.query('select * from parked_key'))).toEqual([]);
  });

  it('is not what trouble is: that is tried again until it passes', async () => {
    let failures = 3;
    const prefixed = topicPrefix();
    await makeTopics(brokers, prefixed, 1);
    const other = await startService({
      name: 'catalog',
      database: fresh.database,
      brokers,
      prefix: prefixed,
      handler: { transaction: 'own' },
      on: async (events) => {
        if (failures-- > 0) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
        await fresh.database.transaction(everyTenant, (tx) => record(events, { tx }));
      },
    });
    try {
      // Both services share the outbox of this test; the relay that owns it has the first one's topics.
      await sendRaw(brokers, prefixed, [
        {
          key: 'troubled',
          value: JSON.stringify({ municipality: kawasaki, account: 'troubled', step: 1 }),
          headers: {
            ce_id: uuidv7(),
            ce_type: 'test.stepped.v1',
            ce_source: '/services/test',
            ce_time: '2018-02-28T00:00:00.000Z',
            ce_tenant: kawasaki,
          },
        },
      ]);

      await eventuallyEffects(fresh.database, 'troubled', [1]);
      expect(await letters()).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});
