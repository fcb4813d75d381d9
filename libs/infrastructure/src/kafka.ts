import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InfrastructureError } from './infrastructure-error.js';
import { kafkaProperties } from './kafka-properties.js';
import { lastLines } from './log-tail.js';
import { javaCommand } from './machine.js';
import { answersTo, freePorts, isPortFree, kafkaGreeting } from './ports.js';
import { endChild, endRecordedProcess, hasEnded, recordProcess, type EndStep } from './process-record.js';
import { run } from './run.js';
import { waitUntil } from './wait.js';

export interface KafkaOptions {
  /** Holds the events (`data/`), server.properties, the pid record and the log. Made on the first start. */
  readonly directory: string;
  /** What `fetchKafkaJars` answered. */
  readonly jars: string;
  /** Free ones when absent. */
  readonly port?: number;
  readonly controllerPort?: number;
  /** Lines of server.properties that differ from those below. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
  /** Ends what has been started so far; the promise then rejects. */
  readonly signal?: AbortSignal;
}

export interface RunningKafka {
  readonly brokers: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly pid: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** For tests of what is lost when the machine fails: no flush, no goodbye. Start again with the same directory and ports. */
  kill9(): Promise<void>;
}

/** Starts a real Apache Kafka broker (KRaft, one node that is broker and controller) on the machine's Java. */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const { onProgress = () => undefined, signal } = options;
  const directory = resolve(options.directory);
  const data = join(directory, 'data');
  const record = join(directory, recordFile);
  mkdirSync(directory, { recursive: true });

  if (await endLeftoverKafka(directory)) onProgress('Kafka: ended the broker that an earlier run had left behind');
  const [free = 0, freeController = 0] = await freePorts(2);
  const [port, controllerPort] = [options.port ?? free, options.controllerPort ?? freeController];
  for (const one of [port, controllerPort])
    if (!(await isPortFree(one)))
      throw new InfrastructureError(`Port ${one} for Kafka is taken: end what listens there, or choose other ports with CLOUD_PORT_BASE.`);

  const properties = join(directory, 'server.properties');
  writeFileSync(properties, propertiesText({ ...kafkaProperties({ port, controllerPort, data }), ...options.settings }));
  const classpath = ['-cp', join(options.jars, '*')];
  if (!existsSync(join(data, 'meta.properties'))) {
    onProgress('Kafka: making a new data folder');
    await format(directory, data, properties, classpath, signal);
  }

  signal?.throwIfAborted();
  const console = join(directory, 'console.log');
  if (existsSync(console)) renameSync(console, `${console}.1`);
  const output = openSync(console, 'a', 0o640);
  const child = spawn(javaCommand(), [...heap, ...logging(directory), ...classpath, 'kafka.Kafka', properties], {
    cwd: directory,
    // Ctrl-C in a terminal must reach the supervisor only: the broker is the last but one to end.
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  if (child.pid !== undefined) recordProcess(record, child.pid, 'kafka');
  const isReady = await waitUntil(
    () => signal?.aborted === true || hasEnded(child) || child.pid === undefined || answersTo(port, kafkaGreeting),
    {
      deadlineMs: startDeadlineMs,
      everyMs: 50,
    },
  );
  if (!isReady || signal?.aborted || hasEnded(child) || child.pid === undefined) {
    if (child.pid !== undefined) await endChild(child, termThenKill);
    signal?.throwIfAborted();
    throw new InfrastructureError(
      `Kafka did not start; the end of its log in ${directory} says: ${lastLines(join(directory, 'kafka.log'))} ${lastLines(console)}`,
    );
  }
  const stop = async (steps: readonly EndStep[]) => {
    await endChild(child, steps);
    rmSync(record, { force: true });
  };
  return {
    brokers: `127.0.0.1:${port}`,
    port,
    controllerPort,
    pid: child.pid,
    ended,
    stop: () => stop(termThenKill),
    kill9: () => stop([{ signal: 'SIGKILL', waitMs: 5_000 }]),
  };
}

/** After a kill -9 of whoever started it, the broker lives on. Answers whether there was one to end. */
export function endLeftoverKafka(directory: string): Promise<boolean> {
  return endRecordedProcess(join(resolve(directory), recordFile), termThenKill);
}

const recordFile = 'kafka.pid.json';
const startDeadlineMs = 60_000;

/** A clean stop of the single node takes 0.5–1.5 s; killed, it recovers its logs at the next start. */
const termThenKill: readonly EndStep[] = [
  { signal: 'SIGTERM', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

/** 230 MB resident when idle and 300 MB under load; the serial collector is the one that fits two cores shared with everything else. */
const heap = ['-Xms256m', '-Xmx384m', '-XX:+UseSerialGC'];

function logging(directory: string): string[] {
  const configuration = fileURLToPath(new URL('../kafka/log4j2.properties', import.meta.url));
  return [`-Dkafka.logs.dir=${directory}`, `-Dlog4j2.configurationFile=${configuration}`];
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}

async function format(
  directory: string,
  data: string,
  properties: string,
  classpath: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  // A first start that was interrupted leaves half a folder, which the tool would refuse.
  rmSync(data, { recursive: true, force: true });
  // Kafka's Uuid is 16 bytes in base64url; one that begins with a hyphen would read as an option.
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`;
  const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...logging(directory), ...classpath, 'kafka.tools.StorageTool'];
  const made = await run(javaCommand(), [...tool, 'format', '-t', clusterId, '-c', properties], {
    cwd: directory,
    ...(signal && { signal }),
  });
  if (made.status !== 0) throw new InfrastructureError(`Kafka could not make its data folder ${data}: ${made.output.trim()}`);
}
