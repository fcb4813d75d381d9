import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from './postgres.js';
import { startTimeOf } from './process-record.js';

// Closed to every other user, like a clone below /root or below `mktemp -d`.
const directory = mkdtempSync(join(tmpdir(), 'points-postgres-'));
let running: RunningPostgres;

beforeAll(async () => {
  running = await startPostgres({ directory, durable: true });
}, 30_000);
afterAll(async () => {
  await running.stop();
  rmSync(directory, { recursive: true });
});

async function ask(server: RunningPostgres, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<{ value: unknown }>(sql)).rows.map(({ value }) => value);
  } finally {
    await client.end();
  }
}

describe('PostgreSQL', () => {
  it('runs in a folder that is closed to other users, with commits that are durable', async () => {
    await ask(running, 'create table kept (value int)');
    await ask(running, 'insert into kept values (1)');
    expect(
      await ask(
        running,
        `select setting as value from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums')`,
      ),
    ).toEqual(['on', 'on', 'on', 'on']);
    expect(await ask(running, `select pg_encoding_to_char(encoding) as value from pg_database where datname = 'postgres'`)).toEqual([
      'UTF8',
    ]);
  }, 30_000);

  it('is taken over by the next start after its starter was killed, with its rows', async () => {
    const orphan = running;

    running = await startPostgres({ directory, durable: true });

    expect(startTimeOf(orphan.pid)).toBeUndefined();
    expect(await ask(running, 'select value from kept')).toEqual([1]);
  }, 30_000);

  it('recovers after its own kill -9', async () => {
    process.kill(running.pid, 'SIGKILL');
    await running.ended;

    running = await startPostgres({ directory, durable: true });

    expect(await ask(running, 'select value from kept')).toEqual([1]);
  }, 30_000);

  it('names a port that is taken', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    await running.stop();

    await expect(startPostgres({ directory, durable: true, port })).rejects.toThrow(
      `Port ${port} for PostgreSQL is taken: end what listens there, or choose other ports with CLOUD_PORT_BASE.`,
    );

    server.close();
  });
});
