import { randomBytes } from 'node:crypto';
import {
  answersTo,
  freePorts,
  InfrastructureError,
  kafkaGreeting,
  kafkaProperties,
  postgresGreeting,
  waitUntil,
} from '@points/infrastructure';
import { GenericContainer, type StartedTestContainer, type WaitStrategy } from 'testcontainers';
import type { TestInfrastructure, TestInfrastructureOptions } from './test-infrastructure.js';

/**
 * The same two servers as containers. The images come from the environment, because a machine may have its own registry or its
 * own images: TEST_POSTGRES_IMAGE reads POSTGRES_PASSWORD, as the official image does, and takes postgres' options as its
 * command; TEST_KAFKA_IMAGE reads KAFKA_* variables as apache/kafka does.
 */
export async function startContainers({ onProgress = () => undefined }: TestInfrastructureOptions): Promise<TestInfrastructure> {
  const images = {
    postgres: process.env['TEST_POSTGRES_IMAGE'] ?? 'postgres:18',
    kafka: process.env['TEST_KAFKA_IMAGE'] ?? 'apache/kafka:4.3.1',
  };
  onProgress(`Docker: starting ${images.postgres} and ${images.kafka}`);
  const [postgresPort = 0, kafkaPort = 0] = await freePorts(2);
  const password = randomBytes(24).toString('base64url');
  const starting = [startPostgresContainer(images.postgres, postgresPort, password), startKafkaContainer(images.kafka, kafkaPort)];
  const results = await Promise.allSettled(starting);
  const started = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const stop = async () => {
    await Promise.all(started.map((container) => container.stop({ timeout: 5_000 })));
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    const reason = failed.reason instanceof Error ? failed.reason.message : String(failed.reason);
    throw new InfrastructureError(
      `Docker could not start what the tests need (${reason}): check that an engine answers and that TEST_POSTGRES_IMAGE and TEST_KAFKA_IMAGE name images it has, or leave TEST_INFRA out.`,
    );
  }
  return {
    databaseAdminUrl: `postgres://postgres:${password}@127.0.0.1:${postgresPort}/postgres`,
    kafkaBrokers: `127.0.0.1:${kafkaPort}`,
    stop,
  };
}

function startPostgresContainer(image: string, port: number, password: string): Promise<StartedTestContainer> {
  return new GenericContainer(image)
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withCommand(['-c', 'max_connections=300', '-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'])
    .withExposedPorts({ container: 5432, host: port })
    .withWaitStrategy(untilAnswered(port, postgresGreeting))
    .start();
}

function startKafkaContainer(image: string, port: number): Promise<StartedTestContainer> {
  const properties = { ...kafkaProperties({ port, controllerPort: 9093, data: '/tmp/kafka-data', listen: '0.0.0.0' }) };
  return (
    new GenericContainer(image)
      .withEnvironment(
        Object.fromEntries(Object.entries(properties).map(([name, value]) => [`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`, value])),
      )
      // The broker tells its clients its address, so the port inside must be the port outside.
      .withExposedPorts({ container: port, host: port })
      .withWaitStrategy(untilAnswered(port, kafkaGreeting))
      .start()
  );
}

const startDeadlineMs = 120_000;

/** The strategies of testcontainers run a shell in the container, which an image need not have. */
function untilAnswered(port: number, greeting: Buffer): WaitStrategy {
  return {
    waitUntilReady: async () => {
      if (!(await waitUntil(() => answersTo(port, greeting), { deadlineMs: startDeadlineMs, everyMs: 100 })))
        throw new Error(`nothing answered on port ${port} within ${startDeadlineMs / 1_000} s`);
    },
    withStartupTimeout() {
      return this;
    },
    isStartupTimeoutSet: () => true,
    getStartupTimeout: () => startDeadlineMs,
  };
}
