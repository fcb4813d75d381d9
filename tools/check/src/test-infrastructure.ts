import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fetchKafkaJars, startKafka, startPostgres } from '@points/infrastructure';

/** What the specs read as TEST_DATABASE_ADMIN_URL and TEST_KAFKA_BROKERS. */
export interface TestInfrastructure {
  readonly databaseAdminUrl: string;
  readonly kafkaBrokers: string;
  stop(): Promise<void>;
}

export interface TestInfrastructureOptions {
  readonly onProgress?: (line: string) => void;
}

/**
 * A PostgreSQL and a Kafka of the run's own, on free ports and in a folder that is removed again: nothing of a cloud that runs
 * beside it is touched. With TEST_INFRA=docker they are containers instead; the specs cannot tell the difference.
 */
export async function startTestInfrastructure(options: TestInfrastructureOptions = {}): Promise<TestInfrastructure> {
  if (process.env['TEST_INFRA'] === 'docker') {
    const { startContainers } = await import('./containers.js');
    return startContainers(options);
  }
  return startProcesses(options);
}

async function startProcesses({ onProgress }: TestInfrastructureOptions): Promise<TestInfrastructure> {
  const progress = onProgress ? { onProgress } : {};
  const root = join(import.meta.dirname, '..', '..', '..');
  const directory = mkdtempSync(join(tmpdir(), 'points-test-'));
  // PostgreSQL runs as a user of its own when this process is root; mkdtemp makes a folder that only its maker can pass.
  chmodSync(directory, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    await Promise.all(stops.splice(0).map((end) => end()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const [postgres, kafka] = await settleAll([
      startPostgres({
        directory: join(directory, 'postgres'),
        durable: false,
        settings: { max_connections: '300', shared_buffers: '128MB' },
        ...progress,
      }).then((started) => {
        stops.push(() => started.stop());
        return started;
      }),
      fetchKafkaJars(process.env['KAFKA_JARS'] ?? resolve(root, process.env['CLOUD_HOME'] ?? '.local', 'kafka-jars'), onProgress)
        .then((jars) => startKafka({ directory: join(directory, 'kafka'), jars, ...progress }))
        .then((started) => {
          stops.push(() => started.stop());
          return started;
        }),
    ]);
    return { databaseAdminUrl: postgres.adminUrl, kafkaBrokers: kafka.brokers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Like Promise.all, but waits for the others when one has failed: what they start must be known to be stopped. */
async function settleAll<A, B>(work: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
