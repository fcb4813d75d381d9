import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStillRunning, readProcessRecord, type ProcessRecord } from '@points/infrastructure';
import { eventually } from '@points/testing';

const folder = mkdtempSync(join(tmpdir(), 'points-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const here = import.meta.dirname;
const dist = (name: string) => JSON.stringify(join(here, '../../..', name));

/** A test that has started a cloud: each part in a process group of its own, with a record. It does not end by itself. */
const test = (home: string) => `
  import { spawn } from 'node:child_process';
  import { recordProcess } from ${dist('libs/infrastructure/dist/index.js')};
  const part = (file) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { detached: true, stdio: 'ignore' });
    recordProcess(file, child.pid, 'a part');
  };
  part(${JSON.stringify(join(home, 'run/ledger.json'))});
  part(${JSON.stringify(join(home, 'kafka/kafka.pid.json'))});
  recordProcess(${JSON.stringify(join(home, 'run/supervisor.json'))}, process.pid, 'the test itself');
  setInterval(() => undefined, 1000);`;

/** What `npm test` does with its commands. */
const wholeRun = (temporary: string, script: string) => `
  import { interruptible } from ${JSON.stringify(join(here, '../interruptible.mjs'))};
  import { endLeftovers } from ${dist('tools/check/dist/index.js')};
  const commands = interruptible({ root: process.cwd(), limitMs: 60_000, onInterrupt: (reason) => console.log('interrupted by', reason) });
  await commands.run(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(script)}]);
  await commands.end();
  console.log('left behind:', await endLeftovers(${JSON.stringify(temporary)}));`;

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends what a test has started, in whatever process group it is', async (signal) => {
  const temporary = mkdtempSync(join(folder, 'run-'));
  const home = join(temporary, 'points-cloud-1');
  for (const one of ['run', 'kafka']) mkdirSync(join(home, one), { recursive: true });
  const run = spawn(process.execPath, ['--input-type=module', '-e', wholeRun(temporary, test(home))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise((resolve) => run.once('exit', resolve));
  const files = ['run/ledger.json', 'kafka/kafka.pid.json', 'run/supervisor.json'].map((name) => join(home, name));
  await eventually(() => Promise.resolve(files.every((file) => existsSync(file))));
  const records = files.map((file) => readProcessRecord(file)).filter((one): one is ProcessRecord => one !== undefined);
  expect(records.map(isStillRunning)).toEqual([true, true, true]);

  run.kill(signal);

  await ended;
  expect(said).toBe(`interrupted by ${signal}\nleft behind: 2\n`);
  expect(records.map(isStillRunning)).toEqual([false, false, false]);
});

it('`npm test` runs its commands so, and gives the tests the folder that is looked through', () => {
  const text = readFileSync(join(here, '../run.mjs'), 'utf8');

  expect(text).toContain('TMPDIR: temporary');
  expect(text).toContain('endLeftovers?.(temporary)');
});
