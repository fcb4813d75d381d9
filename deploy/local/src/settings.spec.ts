import { readSettings } from './settings.js';

describe('settings', () => {
  it('stands in .local at port 7100 with everything of its own when nothing is said', () => {
    expect(readSettings({}, '/project', ['ledger'])).toMatchObject({
      home: '/project/.local',
      portBase: 7100,
      kafkaJars: '/project/.local/kafka-jars',
      kafkaBrokers: undefined,
      databases: new Map(),
    });
  });

  it('migrates by the same URL when no other is given', () => {
    const { databases } = readSettings({ LEDGER_DATABASE_URL: 'postgres://a:b@host/points' }, '/project', ['identity', 'ledger']);

    expect([...databases]).toEqual([['ledger', { url: 'postgres://a:b@host/points', migrationUrl: 'postgres://a:b@host/points' }]]);
  });

  it('names every wrong key at once and no value', () => {
    const wrong = {
      CLOUD_PORT_BASE: '80',
      KAFKA_BROKERS: 'http://host',
      LEDGER_DATABASE_URL: 'mysql://root:hidden@host',
      IDENTITY_MIGRATION_DATABASE_URL: 'postgres://a:hidden@host/points',
    };
    let message = '';

    try {
      readSettings(wrong, '/project', ['identity', 'ledger']);
    } catch (error) {
      message = (error as Error).message;
    }

    for (const key of Object.keys(wrong)) expect(message).toContain(key);
    expect(message).not.toContain('hidden');
  });
});
