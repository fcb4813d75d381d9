import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { endChild, hasEnded, nodeArguments, recordProcess, type EndStep } from '@points/infrastructure';
import { failuresInARow, restartDelayMs } from './backoff.js';
import { openLog } from './service-log.js';

export interface SupervisedService {
  readonly name: string;
  /** The first time that it answers ready; rejects when it refuses its configuration or the deadline passes. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceProcess {
  readonly name: string;
  readonly url: string;
  readonly script: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly root: string;
  readonly home: string;
  readonly say: (line: string) => void;
}

/** Keeps one Node process running: starts it again with backoff when it ends, and when it says that it is stuck. */
export function superviseService(service: ServiceProcess): SupervisedService {
  const { name, say } = service;
  const log = openLog(join(service.home, 'logs', `${name}.log`), (line) => say(`${name}: ${line}`));
  const record = join(service.home, 'run', `${name}.json`);
  let child: ChildProcess;
  let failures = 0;
  let isStopping = false;
  let restart: NodeJS.Timeout | undefined;
  let watch: NodeJS.Timeout | undefined;
  const ready = Promise.withResolvers<void>();
  // Whoever waits for it handles it; a service that stops before must not end the supervisor.
  ready.promise.catch(() => undefined);
  const deadline = setTimeout(
    () => ready.reject(new Error(`${name} was not ready after ${readyDeadlineMs / 1_000} s: see ${log.file}`)),
    readyDeadlineMs,
  );

  start();
  return { name, ready: ready.promise, stop };

  function start(): void {
    const startedAt = Date.now();
    child = spawn(process.execPath, [...nodeArguments(name), service.script], {
      cwd: service.root,
      env: service.environment,
      // Ctrl-C in a terminal reaches the supervisor only, which ends the parts in their order.
      detached: true,
      stdio: ['ignore', log.descriptor, log.descriptor],
    });
    if (child.pid !== undefined) recordProcess(record, child.pid, name);
    child.once('exit', (code, signal) => onEnd(startedAt, code, signal));
    child.once('error', (error) => say(`${name} could not be started: ${error.message}`));
    watchHealth(child);
  }

  function onEnd(startedAt: number, code: number | null, signal: NodeJS.Signals | null): void {
    clearTimeout(watch);
    if (isStopping) return;
    rmSync(record, { force: true });
    if (code === configurationExitCode) {
      ready.reject(new Error(`${name} refuses its configuration and is not started again: see ${log.file}`));
      return;
    }
    failures = failuresInARow(failures, Date.now() - startedAt);
    const delayMs = restartDelayMs(failures);
    say(`${name} ended (${signal ?? `code ${code}`}); it is started again in ${delayMs / 1_000} s. Its log: ${log.file}`);
    restart = setTimeout(start, delayMs);
  }

  /** Often until it is ready, then now and then. Not being ready is told; being stuck is cured. */
  function watchHealth(watched: ChildProcess): void {
    let wasReady: boolean | undefined;
    let stuckInARow = 0;
    const look = async () => {
      const isReady = (await statusOf(`${service.url}/health/ready`)) === 200;
      if (watched !== child || hasEnded(watched) || isStopping) return;
      if (isReady && !wasReady) {
        clearTimeout(deadline);
        ready.resolve();
        if (wasReady === false || failures > 0) say(`${name} is ready again`);
      }
      if (!isReady && wasReady) say(`${name} is not ready: ${service.url}/health/ready tells why`);
      wasReady = isReady ? true : wasReady === undefined ? undefined : false;

      if (wasReady !== undefined && !isReady) {
        const live = await statusOf(`${service.url}/health/live`);
        if (watched !== child || hasEnded(watched)) return;
        stuckInARow = live === 200 ? 0 : stuckInARow + 1;
        if (stuckInARow === stuckLooksMax) {
          say(`${name} is stuck and is ended`);
          void endChild(watched, endSteps);
          return;
        }
      } else stuckInARow = 0;
      watch = setTimeout(() => void look(), isReady ? lookEveryMs : lookSoonMs(wasReady));
    };
    watch = setTimeout(() => void look(), firstLookMs);
  }

  async function stop(): Promise<void> {
    isStopping = true;
    for (const timer of [restart, watch, deadline]) clearTimeout(timer);
    ready.reject(new Error(`${name} was stopped`));
    if (child.pid !== undefined) await endChild(child, endSteps);
    rmSync(record, { force: true });
    log.close();
  }
}

/** EX_CONFIG of sysexits.h: the service has said what is wrong, and another try would say the same. */
const configurationExitCode = 78;
const readyDeadlineMs = 60_000;
const firstLookMs = 200;
const lookEveryMs = 3_000;
const stuckLooksMax = 5;
const askTimeoutMs = 2_000;

/** A service promises to end within 5 s of TERM. */
const endSteps: readonly EndStep[] = [
  { signal: 'SIGTERM', waitMs: 5_200 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

function lookSoonMs(wasReady: boolean | undefined): number {
  return wasReady === undefined ? 100 : 1_000;
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(askTimeoutMs) });
    await response.body?.cancel();
    return response.status;
  } catch {
    // Nobody listens yet, or no answer in time: the same as "not ready".
    return undefined;
  }
}
