import { linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  endLeftoverKafka,
  endLeftoverPostgres,
  endRecordedProcess,
  isStillRunning,
  readProcessRecord,
  recordProcess,
} from '@points/infrastructure';

/**
 * One supervisor per CLOUD_HOME. The record is made aside and linked into place, which fails where one is already there: of two
 * that start at the same moment one wins. @throws Error with one sentence when another one is alive
 */
export function lockHome(home: string): { release(): void } {
  const folder = join(home, 'run');
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, lockFile);
  const mine = join(folder, `starting-${process.pid}`);
  recordProcess(mine, process.pid, 'supervisor');
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        linkSync(mine, lock);
        return { release: () => rmSync(lock, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > attemptsMax) throw error;
      }
      const holder = readProcessRecord(lock);
      if (holder && isStillRunning(holder))
        throw new Error(
          `A cloud already runs in ${home} (supervisor ${holder.pid}): end it first (kill ${holder.pid}), or give this one another CLOUD_HOME and CLOUD_PORT_BASE.`,
        );
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Ends what a supervisor left behind that was killed: services first, then the servers they use. Answers the names of what was found. */
export async function endLeftovers(home: string): Promise<string[]> {
  const folder = join(home, 'run');
  const records = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== lockFile);
  const services = await Promise.all(
    records.map(async (name) => ((await endRecordedProcess(join(folder, name))) ? [name.slice(0, -'.json'.length)] : [])),
  );
  const kafka = (await endLeftoverKafka(join(home, 'kafka'))) ? ['Kafka'] : [];
  const postgres = (await endLeftoverPostgres(join(home, 'postgres'))) ? ['PostgreSQL'] : [];
  return [...services.flat(), ...kafka, ...postgres];
}

const lockFile = 'supervisor.json';
const attemptsMax = 3;
