import { spawn } from 'node:child_process';

/** Runs a short command to its end. A command that cannot be started rejects with the system's error. */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd: string; uid?: number; gid?: number; signal?: AbortSignal },
): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-outputMaxChars)));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

const outputMaxChars = 4_000;
