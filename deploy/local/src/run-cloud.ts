import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSettings } from './settings.js';
import { supervise } from './supervise.js';
import type { CloudDefinition } from './cloud.js';

/** The whole life of the supervisor's process: brings the cloud up, serves until INT, TERM or HUP, ends everything, exits. */
export async function runCloud(definition: CloudDefinition): Promise<void> {
  hideKnownWarning();
  const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
  const say = (line: string) => console.log(line);
  // A terminal that went away must not end the supervisor before its parts.
  process.stdout.on('error', () => undefined);
  let settings;
  try {
    settings = readSettings(
      process.env,
      root,
      definition.services.map(({ name }) => name),
    );
  } catch (error) {
    fail(error);
    return;
  }
  const running = supervise(definition, settings, say);
  let isStopping = false;
  const stop = (exitCode: number) => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), stopMsMax).unref();
    void running.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        fail(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!isStopping) say('ending the cloud');
      stop(0);
    });
  try {
    await running.ready;
  } catch (error) {
    if (isStopping) return;
    fail(error);
    stop(1);
  }
}

/** A little more than the parts are given together: it is for a part that outlives even KILL. */
const stopMsMax = 15_000;

/** One clear sentence: the stack of a mistake of the machine helps nobody, the stack of one of ours is in its cause. */
function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** kafkajs 2.2.4 on Node 24 sets a timer in the past, which does no harm. The supervisor is not started with flags of its own. */
export function hideKnownWarning(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') console.error(`${warning.name}: ${warning.message}`);
  });
}
