import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

/** Transactions per second of PostgreSQL's own benchmark on the same server, 64 callers. */
export interface Pgbench {
  /** Interactive: select for update, update, insert, commit, all callers on one row. */
  readonly hotRow: number;
  readonly tpcB: number;
}

const places = [
  '/usr/lib/postgresql/18/bin',
  '/usr/lib/postgresql/17/bin',
  '/usr/lib/postgresql/16/bin',
  '/usr/lib/postgresql/15/bin',
  '/usr/bin',
];
const callers = '64';
const run = promisify(execFile);

export async function pgbench(adminUrl: string, seconds: number): Promise<Pgbench> {
  const program = places.map((place) => join(place, 'pgbench')).find((path) => existsSync(path));
  if (!program) throw new Error('pgbench is not installed: on Debian, `apt-get install postgresql-15` has it.');
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  const scripts = mkdtempSync(join(tmpdir(), 'points-pgbench-'));
  try {
    await client.query('create database pgbench');
    const { username, password, hostname, port } = new URL(adminUrl);
    const env = {
      ...process.env,
      PGUSER: username,
      PGPASSWORD: decodeURIComponent(password),
      PGHOST: hostname,
      PGPORT: port,
      PGDATABASE: 'pgbench',
    };
    const perSecond = async (...args: string[]) => {
      const { stdout } = await run(program, ['-n', '-c', callers, '-j', '2', '-T', String(seconds), ...args], { env });
      const tps = /tps = ([\d.]+)/.exec(stdout)?.[1];
      if (!tps) throw new Error(`pgbench said nothing of tps: ${stdout}`);
      return Number(tps);
    };
    await run(program, ['-i', '-s', '10', '-q'], { env });
    const tpcB = await perSecond();
    const hot = join(scripts, 'hot-row.sql');
    writeFileSync(
      hot,
      `begin;
select abalance from pgbench_accounts where aid = 1 for update;
update pgbench_accounts set abalance = abalance + 1 where aid = 1;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (1, 1, 1, 1, now());
commit;
`,
    );
    return { tpcB, hotRow: await perSecond('-f', hot) };
  } finally {
    await client.query('drop database if exists pgbench with (force)');
    await client.end();
    rmSync(scripts, { recursive: true, force: true });
  }
}
