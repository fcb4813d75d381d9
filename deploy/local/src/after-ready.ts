import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { recordProcess } from '@points/infrastructure';
import type { CommandDefinition } from './cloud.js';

export interface AfterReady {
  readonly root: string;
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One after the other, with their lines on the console. A command that fails is told and ends nothing: the cloud serves. */
export async function runAfterReady(commands: readonly CommandDefinition[], options: AfterReady): Promise<void> {
  for (const command of commands) {
    if (options.signal.aborted) return;
    options.say(`loading ${command.title}`);
    const code = await runCommand(command, options);
    if (code !== 0 && !options.signal.aborted)
      options.say(
        `loading ${command.title} failed (${code}); the cloud goes on serving. Again by hand: node ${[command.script, ...command.args].join(' ')}`,
      );
  }
}

async function runCommand(command: CommandDefinition, { root, home, environment, say, signal }: AfterReady): Promise<number | string> {
  const child = spawn(process.execPath, ['--enable-source-maps', command.script, ...command.args], {
    cwd: root,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const record = join(home, 'run', 'after-ready.json');
  if (child.pid !== undefined) recordProcess(record, child.pid, command.title);
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => say(`  ${line}`));
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  try {
    return await new Promise((resolve) => {
      child.once('close', (code, name) => resolve(code ?? name ?? 'no code'));
      child.once('error', (error) => resolve(error.message));
    });
  } finally {
    signal.removeEventListener('abort', end);
    rmSync(record, { force: true });
  }
}
