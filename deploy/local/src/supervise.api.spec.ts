import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { hasEnded, isPortFree, isStillRunning, readProcessRecord, type ProcessRecord } from '@points/infrastructure';
import { emptyDatabase, eventually, testBrokers, type FreshDatabase } from '@points/testing';

const root = join(import.meta.dirname, '..', '..', '..');
const offsets = [1, 3, 10, 32, 92, 93];

// Every test starts processes; on a machine that is busy with other things that takes its time.
jest.setTimeout(240_000);

let home: string;
let portBase: number;
let databases: { identity: FreshDatabase; ledger: FreshDatabase };
const started: Supervisor[] = [];

beforeAll(async () => {
  databases = { identity: await emptyDatabase('identity'), ledger: await emptyDatabase('ledger') };
});
afterAll(() => Promise.all(Object.values(databases).map((database) => database.close())));

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'points-cloud-'));
  portBase = await freePortBase();
});
afterEach(async () => {
  for (const one of started.splice(0)) {
    one.child.kill('SIGTERM');
    await one.ended;
  }
  rmSync(home, { recursive: true, force: true });
});

describe('the supervisor', () => {
  it('serves, says so when loading fails, and leaves no process after TERM', async () => {
    const cloud = startCloud(external());

    await cloud.says(/Ctrl-C ends the cloud/);
    expect(cloud.output()).toMatch(/ {2}one row of two was loaded\nloading the sample failed \(3\); the cloud goes on serving/);
    expect(cloud.output()).toContain(`ledger       http://127.0.0.1:${portBase + 3}  http://127.0.0.1:${portBase + 3}/docs`);
    expect(await ask(portBase + 3)).toMatchObject({
      KAFKA_BROKERS: testBrokers().join(','),
      TOKEN_JWKS_URL: `http://127.0.0.1:${portBase + 1}/jwks`,
      DATABASE_URL: databases.ledger.url,
    });
    const records = recordsOf(home);
    const begun = Date.now();

    cloud.child.kill('SIGTERM');

    expect(await cloud.ended).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(records.map(({ command }) => command).sort()).toEqual(['card-scheme', 'identity', 'ledger', 'supervisor']);
    expect(records.filter(isStillRunning)).toEqual([]);
    expect(readdirSync(join(home, 'run'))).toEqual([]);
  });

  it('starts a service again that died, and says so', async () => {
    const cloud = startCloud(external());
    await cloud.says(/Ctrl-C ends the cloud/);
    const { pid } = await ask(portBase + 3);

    await fetch(`http://127.0.0.1:${portBase + 3}/crash`).catch(() => undefined);

    await cloud.says(/ledger ended \(code 1\); it is started again in 1 s/);
    await cloud.says(/ledger: told to fall over/);
    await cloud.says(/ledger is ready again/);
    expect((await ask(portBase + 3)).pid).not.toBe(pid);
  });

  it('keeps its secrets to their owner and gives the same ones at the next start', async () => {
    const first = startCloud(external());
    await first.says(/the cloud is ready/);
    const cloudFile = readFileSync(join(home, 'cloud.json'), 'utf8');
    first.child.kill('SIGTERM');
    await first.ended;

    await startCloud(external()).says(/the cloud is ready/);

    expect(readFileSync(join(home, 'cloud.json'), 'utf8')).toBe(cloudFile);
    for (const file of ['cloud.json', 'secrets/identity-jwks.json', 'secrets/bootstrap-clients.json', 'secrets/database-passwords.json'])
      expect(statSync(join(home, file)).mode & 0o777).toBe(0o600);
  });

  it('refuses a second supervisor for the same folder, in one sentence', async () => {
    const first = startCloud(external());
    await first.says(/the cloud is ready/);

    const second = startCloud({ ...external(), CLOUD_PORT_BASE: String(await freePortBase()) });

    expect(await second.ended).toBe(1);
    expect(second.output()).toBe(
      `A cloud already runs in ${home} (supervisor ${first.child.pid}): end it first (kill ${first.child.pid}), or give this one another CLOUD_HOME and CLOUD_PORT_BASE.\n`,
    );
  });

  it('names a port that is taken and the way out, and starts nothing', async () => {
    const server = await listen(portBase + 3);

    const cloud = startCloud(external());

    expect(await cloud.ended).toBe(1);
    expect(cloud.output()).toMatch(new RegExp(`^Port ${portBase + 3} \\(ledger\\) taken by another process: .*CLOUD_PORT_BASE.*\\n$`));
    expect(readdirSync(join(home, 'run'))).toEqual([]);
    server.close();
  });

  it.each([
    [
      'a folder that cannot be written',
      () => ({ CLOUD_HOME: join(fileIn(home), 'below') }),
      /^The folder .* cannot be written \(ENOTDIR\): .*CLOUD_HOME.*\n$/,
    ],
    [
      'a machine without Java',
      () => ({ JAVA_HOME: '/nowhere', KAFKA_BROKERS: '' }),
      /^Java was not found, and the Kafka broker needs it: install .*\n$/,
    ],
    [
      'a machine without Maven',
      () => ({ PATH: '/nowhere', KAFKA_JARS: join(home, 'none'), KAFKA_BROKERS: '', JAVA_HOME: javaHome() }),
      /^Maven was not found, .*\n$/,
    ],
    [
      'a database that does not answer',
      () => ({ LEDGER_DATABASE_URL: 'postgres://ledger:hidden@127.0.0.1:1/points' }),
      /^The database of ledger does not answer \(.*ECONNREFUSED.*\): check LEDGER_DATABASE_URL, or leave it out.*\n$/,
    ],
    [
      'a broker that does not answer',
      () => ({ KAFKA_BROKERS: '127.0.0.1:1' }),
      /^Kafka at 127.0.0.1:1 does not do its work \(.*\): check KAFKA_BROKERS.*\n$/,
    ],
  ])('says in one sentence what is wrong: %s', async (_, environment, sentence) => {
    const cloud = startCloud({ ...external(), ...environment() });

    expect(await cloud.ended).toBe(1);
    expect(cloud.output()).toMatch(sentence);
    expect(cloud.output()).not.toContain('hidden');
  });

  it('ends at once when a service refuses its configuration', async () => {
    const cloud = startCloud({ ...external(), REFUSING_PORT: String(portBase + 3) });

    expect(await cloud.ended).toBe(1);
    expect(cloud.output()).toContain('ledger: config: DATABASE_URL: is missing');
    expect(cloud.output()).toMatch(/ledger refuses its configuration and is not started again/);
    expect(cloud.output()).not.toContain('is started again in');
  });

  it('ends within 10 s and leaves no process when TERM comes while it starts', async () => {
    const cloud = startCloud({ ...external(), LEDGER_DATABASE_URL: '', LEDGER_MIGRATION_DATABASE_URL: '', KAFKA_BROKERS: '' });
    await cloud.says(/Kafka: making a new data folder/);
    const begun = Date.now();

    cloud.child.kill('SIGTERM');

    expect(await cloud.ended).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    for (const offset of offsets) expect(await isPortFree(portBase + offset)).toBe(true);
  });

  it('recovers with its own PostgreSQL and Kafka from a kill -9, by its records, and keeps what was stored', async () => {
    const own = {
      ...external(),
      KAFKA_BROKERS: '',
      LEDGER_DATABASE_URL: '',
      LEDGER_MIGRATION_DATABASE_URL: '',
      IDENTITY_DATABASE_URL: '',
      IDENTITY_MIGRATION_DATABASE_URL: '',
    };
    const killed = startCloud(own);
    await killed.says(/Ctrl-C ends the cloud/);
    const records = recordsOf(home);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(records.filter(isStillRunning)).toHaveLength(3);

    const next = startCloud(own);
    await next.says(/Ctrl-C ends the cloud/);

    for (const name of ['identity', 'ledger', 'card-scheme', 'Kafka', 'PostgreSQL'])
      expect(next.output()).toContain(`ended what an earlier run had left behind: ${name}\n`);
    expect(next.output()).not.toContain('making a new data folder');
    expect(records.filter(isStillRunning)).toEqual([]);

    next.child.kill('SIGINT');
    expect(await next.ended).toBe(0);
    for (const offset of offsets) expect(await isPortFree(portBase + offset)).toBe(true);
  });
});

interface Supervisor {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
  says(line: RegExp): Promise<void>;
}

function startCloud(environment: NodeJS.ProcessEnv): Supervisor {
  const script = join(root, 'deploy/local/dist/rehearsal/small-cloud.js');
  if (!existsSync(script)) throw new Error('the supervisor runs compiled: npx tsc -b deploy/local first');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const supervisor: Supervisor = {
    child,
    ended,
    output: () => output,
    says: async (line) => {
      await eventually(() => line.test(output) || hasEnded(child), { timeoutMs: 80_000 });
      if (!line.test(output)) throw new Error(`the supervisor ended without saying ${line}:\n${output}`);
    },
  };
  started.push(supervisor);
  return supervisor;
}

/** The test run's PostgreSQL and Kafka, so that a start takes a second. */
function external(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CLOUD_HOME: home,
    CLOUD_PORT_BASE: String(portBase),
    KAFKA_JARS: process.env['KAFKA_JARS'] ?? join(root, process.env['CLOUD_HOME'] ?? '.local', 'kafka-jars'),
    KAFKA_BROKERS: testBrokers().join(','),
    IDENTITY_DATABASE_URL: databases.identity.url,
    IDENTITY_MIGRATION_DATABASE_URL: databases.identity.ownerUrl,
    LEDGER_DATABASE_URL: databases.ledger.url,
    LEDGER_MIGRATION_DATABASE_URL: databases.ledger.ownerUrl,
  };
}

function recordsOf(folder: string): ProcessRecord[] {
  return readdirSync(join(folder, 'run')).flatMap((name) => readProcessRecord(join(folder, 'run', name)) ?? []);
}

async function ask(port: number): Promise<Record<string, unknown>> {
  return (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, unknown>;
}

async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 15_000 + Math.floor(Math.random() * 160) * 100;
    if ((await Promise.all(offsets.map((offset) => isPortFree(base + offset)))).every(Boolean)) return base;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}

function fileIn(folder: string): string {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  return file;
}

/** PATH is taken away in that case, so Java must be found by JAVA_HOME. */
function javaHome(): string {
  const java = (process.env['PATH'] ?? '').split(':').find((folder) => existsSync(join(folder, 'java')));
  return process.env['JAVA_HOME'] ?? join(java ?? '/usr/bin', '..');
}
