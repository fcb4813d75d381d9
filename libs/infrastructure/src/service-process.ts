import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { waitUntil } from './wait.js';

export interface ServiceProcess {
  readonly name: string;
  /** The compiled main.js. */
  readonly main: string;
  /** Gets the log, `<name>.log`. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets a CPU profile, `<name>.cpuprofile`, when the process ends. */
  readonly profile?: string;
}

/** A service as a child process. It is not ready yet. */
export function startServiceProcess({ name, main, folder, env, profile }: ServiceProcess): ChildProcess {
  const output = openSync(logOf({ name, folder }), 'a');
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`, `--cpu-prof-name=${name}.cpuprofile`];
  const args = [...nodeArguments(name), ...profiling, main];
  // A process group of its own: Ctrl-C reaches the measurement only, which ends its parts in their order.
  const child = spawn(process.execPath, args, { env, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

/** With which Node runs a service, wherever it runs; the images say the same (deploy/images, docker-compose.yml). */
export function nodeArguments(service: string): string[] {
  return ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning', ...(heapOf[service] ?? [])];
}

/**
 * V8 sizes a heap by the memory of the machine and collects when it likes: with 24 GB, uploads took the exchange to 579 MB with 61 MB of
 * live data in it (docs/decisions/0011-memory-and-cost-of-an-upload.md).
 */
const heapOf: Readonly<Record<string, readonly string[]>> = { exchange: ['--max-semi-space-size=8', '--max-old-space-size=256'] };

/** @throws with the end of its log when it ends or takes too long */
export async function serviceReady(
  child: ChildProcess,
  { name, folder, url }: { name: string; folder: string; url: string },
): Promise<void> {
  const isEnded = () => child.exitCode !== null || child.signalCode !== null;
  const isReady = await waitUntil(
    async () =>
      isEnded() ||
      (await fetch(`${url}/health/ready`).then(
        (answer) => answer.ok,
        () => false,
      )),
    { deadlineMs: readyMsMax, everyMs: 50 },
  );
  if (isReady && !isEnded()) return;
  throw new Error(`${name} did not start; the end of its log says:\n${readFileSync(logOf({ name, folder }), 'utf8').slice(-3_000)}`);
}

function logOf({ name, folder }: { name: string; folder: string }): string {
  return join(folder, `${name}.log`);
}

const readyMsMax = 60_000;
