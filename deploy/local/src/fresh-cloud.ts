import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPortFree } from '@points/infrastructure';
import { cloud, portOffsets } from './cloud.js';
import { readSettings } from './settings.js';
import { supervise } from './supervise.js';

export interface FreshCloud {
  readonly home: string;
  readonly ready: Promise<void>;
  /** Ends every process of it and removes its files. */
  stop(): Promise<void>;
}

/** A whole cloud of its own: the real services over their own PostgreSQL and Kafka, on free ports, in a folder that goes away. */
export async function startFreshCloud(root: string, environment: NodeJS.ProcessEnv, say: (line: string) => void): Promise<FreshCloud> {
  const home = await mkdtemp(join(tmpdir(), 'points-cloud-'));
  const settings = readSettings(
    {
      // What points at other databases, brokers or a cloud that runs must not reach a throwaway one. The Kafka jars are those that `npm start` keeps.
      ...Object.fromEntries(
        Object.entries(environment).filter(([name]) => !/_DATABASE_URL$|^KAFKA_BROKERS$|_URL$|^CLIENT_(ID|SECRET)$/.test(name)),
      ),
      KAFKA_JARS: environment['KAFKA_JARS'] ?? join(environment['CLOUD_HOME'] ?? '.local', 'kafka-jars'),
      CLOUD_HOME: home,
      CLOUD_PORT_BASE: String(await freePortBase()),
    },
    root,
    cloud.services.map(({ name }) => name),
  );
  const running = supervise({ ...cloud, afterReady: [], isThrowaway: true }, settings, say);
  return {
    home,
    ready: running.ready,
    stop: async () => {
      await running.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Below the range of outgoing connections, with every port free that the cloud will want. Another process may still be faster: then the start says so. */
async function freePortBase(): Promise<number> {
  const offsets = [
    ...cloud.services.map((one) => one.portOffset),
    ...cloud.simulators.map((one) => one.portOffset),
    ...Object.values(portOffsets),
  ];
  for (let tries = 0; tries < triesMax; tries++) {
    const base = lowestBase + baseStep * Math.floor(Math.random() * ((highestBase - lowestBase) / baseStep));
    if ((await Promise.all(offsets.map((offset) => isPortFree(base + offset)))).every(Boolean)) return base;
  }
  throw new Error(
    `No ${offsets.length} free ports were found between ${lowestBase} and ${highestBase} on 127.0.0.1: end what listens there.`,
  );
}

const lowestBase = 10_000;
const highestBase = 32_000;
const baseStep = 100;
const triesMax = 200;
