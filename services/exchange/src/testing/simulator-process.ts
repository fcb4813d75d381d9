import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A simulator as a process of its own: no service imports a tool. */
export interface SimulatorProcess {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** @param script its file in tools/simulators/src, without `.ts` */
export async function startSimulatorProcess(
  script: string,
  environment: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<SimulatorProcess> {
  // Node runs the TypeScript source as it is, so that a test needs no build.
  const source = fileURLToPath(new URL(`../../../../tools/simulators/src/${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', source, '--port', '0', ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const [found] = /http:\/\/\S+/.exec(text) ?? [];
      if (found) resolve(found);
    });
    void ended.then(() => reject(new Error(`${script} ended before it was ready`)));
  });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
