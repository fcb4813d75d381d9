import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from '@points/infrastructure';

/**
 * A durable server with an empty folder of its own on disk; both are gone when the work is done, has failed, or a signal has come.
 * It is set for much data: pages that are used stay in memory, and a checkpoint comes by time.
 */
export async function withThrowawayPostgres(name: string, work: (postgres: RunningPostgres) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `points-bench-${name}-`));
  const settings = { shared_buffers: '2GB', max_wal_size: '8GB', maintenance_work_mem: '512MB' };
  const postgres = await startPostgres({ directory, durable: true, settings });
  const end = async (): Promise<void> => {
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      console.log(`${signal}: ended before the last measure`);
      void end().then(() => process.exit(1));
    });
  try {
    await work(postgres);
  } finally {
    await end();
  }
}
