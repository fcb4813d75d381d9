import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { call } from '@points/service-testing';

/** The simulator of a card scheme as a process of its own: no service imports a tool. */
export interface CardSchemeProcess {
  readonly url: string;
  control(changes: Readonly<Record<string, unknown>>): Promise<void>;
  credits(scheme: string): Promise<{ id: string; member: string; points: number; receipt: string }[]>;
  stop(): Promise<void>;
}

export async function startCardSchemeProcess(secret: string): Promise<CardSchemeProcess> {
  // Node runs the TypeScript source as it is, so that a test needs no build.
  const source = fileURLToPath(new URL('../../../../tools/simulators/src/card-scheme.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', source, '--port', '0'], {
    env: { CARD_SCHEME_SECRET: secret },
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
    void ended.then(() => reject(new Error('the card scheme ended before it was ready')));
  });
  return {
    url,
    control: async (changes) => {
      const { status } = await call(`${url}/control`, { method: 'PUT', body: changes });
      if (status !== 200) throw new Error(`the card scheme did not take the control: ${status}`);
    },
    credits: async (scheme) => {
      const { body } = await call<{ credits: { id: string; member: string; points: number; receipt: string }[] }>(
        `${url}/schemes/${encodeURIComponent(scheme)}/credits`,
        { headers: { authorization: `Bearer ${secret}` } },
      );
      return body.credits;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
