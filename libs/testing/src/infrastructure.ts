import { randomBytes } from 'node:crypto';
import { createLogger, type Logger } from '@points/observability';

/** Superuser's URL of the run's throwaway PostgreSQL. */
export function testAdminUrl(): string {
  return fromRun('TEST_DATABASE_ADMIN_URL');
}

/** Brokers of the run's throwaway Kafka. */
export function testBrokers(): string[] {
  return fromRun('TEST_KAFKA_BROKERS').split(',');
}

/** All test files share one broker: what a file calls its own carries a prefix that no other file has. */
export function topicPrefix(): string {
  return `test-${randomBytes(5).toString('hex')}.`;
}

/** Says nothing unless TEST_LOG_LEVEL asks for it. */
export function quietLogger(service = 'test'): Logger {
  return createLogger(service, process.env['TEST_LOG_LEVEL'] ?? 'silent');
}

function fromRun(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run npm test, or start \`node tools/check/infra.mjs\` and export what it prints`);
  return value;
}
