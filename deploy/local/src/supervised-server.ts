import { failuresInARow, restartDelayMs } from './backoff.js';

export interface Server {
  readonly pid: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Keeps PostgreSQL or Kafka running. The services find a server that comes back by themselves. */
export async function superviseServer<S extends Server>(
  name: string,
  start: () => Promise<S>,
  say: (line: string) => void,
): Promise<{ first: S; stop(): Promise<void> }> {
  const first = await start();
  let current: S = first;
  let failures = 0;
  let isStopping = false;
  let restart: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  watch(first);
  return { first, stop };

  function watch(server: S): void {
    const startedAt = Date.now();
    void server.ended.then(() => {
      if (!isStopping) again(failuresInARow(failures, Date.now() - startedAt), 'ended');
    });
  }

  function again(count: number, what: string): void {
    failures = count;
    const delayMs = restartDelayMs(failures);
    say(`${name} ${what}; it is started again in ${delayMs / 1_000} s`);
    restart = setTimeout(() => {
      starting = start().then(
        (server) => {
          current = server;
          say(`${name} runs again`);
          watch(server);
        },
        (error: unknown) => {
          if (!isStopping) again(failures + 1, `did not start (${error instanceof Error ? error.message : String(error)})`);
        },
      );
    }, delayMs);
  }

  async function stop(): Promise<void> {
    isStopping = true;
    clearTimeout(restart);
    await starting;
    await current.stop();
  }
}
