// npm test: build, lint of the whole workspace, every spec in one jest with a throwaway PostgreSQL and Kafka of its own.
// Arguments go to jest: `npm test -- libs/messaging`. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { requireNode } from './node-version.mjs';

requireNode('npm test');

/** The whole run takes about eight minutes on two cores that do nothing else; this is for one that hangs. */
const limitMs = 20 * 60_000;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const work = mkdtempSync(join(tmpdir(), 'points-check-'));
const running = new Set();
const problems = [];
let passed = 0;
let failed = 0;
let infrastructure;
let isInterrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));
const limit = setTimeout(() => interrupt(`the limit of ${limitMs / 60_000} minutes`), limitMs);

try {
  await check();
} catch (error) {
  problem(error instanceof Error ? error.message : String(error));
} finally {
  clearTimeout(limit);
  endChildren();
  await infrastructure?.stop().catch((error) => problem(`the infrastructure did not stop: ${error.message}`));
  rmSync(work, { recursive: true, force: true });
}
for (const line of problems) console.log(`FAILED ${line}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function check() {
  const built = await timed('build', () => run('tsc', ['-b']));
  if (isInterrupted) return;
  if (built !== 0) problem('build: tsc -b reports errors');
  const library = join(root, 'tools/check/dist/index.js');
  if (!existsSync(library)) throw new Error('tools/check could not be built, so nothing can be tested');
  const { startTestInfrastructure } = await import(pathToFileURL(library).href);
  // Lint waits for the build because it reads the types of what was built; the two servers start meanwhile.
  const starting = startTestInfrastructure({ onProgress: (line) => console.log(line) });
  const [linted] = await Promise.all([timed('lint', lint), starting.then((started) => (infrastructure = started))]);
  if (isInterrupted) return;
  if (linted !== 0) problem('lint: eslint reports errors');
  await timed('test', test);
}

async function lint() {
  // The rule about module boundaries reads Nx's project graph from a file and is skipped where there is none.
  const graph = await run('nx', ['show', 'projects'], { quiet: true });
  return graph === 0 ? run('eslint', ['.', '--concurrency', '2']) : graph;
}

async function test() {
  const report = join(work, 'jest.json');
  const code = await run(process.execPath, [
    ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'],
    join(root, 'node_modules/jest/bin/jest.js'),
    // forceExit: a handle that a failed test left open must not keep the verdict back.
    ...['--ci', '--json', `--outputFile=${report}`, '--passWithNoTests', '--forceExit', ...process.argv.slice(2)],
  ]);
  if (isInterrupted) return;
  if (!existsSync(report)) return problem(`jest ended with ${code} and without a report`);
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed += result.numPassedTests;
  failed += result.numFailedTests;
  for (const suite of result.testResults) {
    const name = suite.name.replace(`${root}/`, '');
    for (const one of suite.assertionResults.filter(({ status }) => status === 'failed')) problems.push(`${name}: ${one.fullName}`);
    // A file that cannot even be loaded has no tests to count.
    if (suite.status === 'failed' && !suite.assertionResults.some(({ status }) => status === 'failed'))
      problem(`${name}: ${firstLine(suite.message)}`);
  }
  if (code !== 0 && failed === 0) problem(`jest ended with ${code}`);
}

function run(command, args, { quiet = false } = {}) {
  if (isInterrupted) return Promise.resolve(130);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      // Its own process group: an interrupt ends jest with all its workers.
      detached: true,
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
      env: {
        ...process.env,
        PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
        NX_DAEMON: 'false',
        KAFKAJS_NO_PARTITIONER_WARNING: '1',
        ...(infrastructure && {
          TEST_DATABASE_ADMIN_URL: infrastructure.databaseAdminUrl,
          TEST_KAFKA_BROKERS: infrastructure.kafkaBrokers,
        }),
      },
    });
    running.add(child);
    child.once('error', () => resolve(127));
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
}

function interrupt(reason) {
  if (isInterrupted) return;
  isInterrupted = true;
  problem(`interrupted by ${reason}`);
  endChildren();
}

function endChildren() {
  for (const child of running)
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It ended by itself in this moment.
    }
}

async function timed(name, work) {
  const start = Date.now();
  const result = await work();
  console.log(`${name}: ${((Date.now() - start) / 1_000).toFixed(1)} s`);
  return result;
}

function problem(line) {
  failed += 1;
  problems.push(line);
}

function firstLine(message) {
  return (
    (message ?? '')
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line && !line.startsWith('●')) ?? 'the file could not be run'
  );
}
