// npm test: build, lint of the whole workspace, every spec in one jest with a throwaway PostgreSQL and Kafka of its own.
// Arguments go to jest: `npm test -- libs/messaging`. The last line is `N passed, N failed`.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { interruptible } from './interruptible.mjs';
import { requireNode } from './node-version.mjs';

requireNode('npm test');

/** The whole run takes about eight minutes on two cores that do nothing else; this is for one that hangs. */
const limitMs = 20 * 60_000;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const work = mkdtempSync(join(tmpdir(), 'points-check-'));
// What the tests start records itself in here, so that it can be ended when they cannot do it any more.
const temporary = join(work, 'tmp');
mkdirSync(temporary);
// PostgreSQL runs as a user of its own when this process is root, and has to pass.
for (const folder of [work, temporary]) chmodSync(folder, 0o755);
const problems = [];
let passed = 0;
let failed = 0;
let infrastructure;
let endLeftovers;
const commands = interruptible({ root, limitMs, onInterrupt: (reason) => problem(`interrupted by ${reason}`) });

try {
  await check();
} catch (error) {
  problem(error instanceof Error ? error.message : String(error));
} finally {
  await commands.end();
  const left = await endLeftovers?.(temporary).catch((error) => problem(`what the tests left behind did not end: ${error.message}`));
  if (left > 0) console.log(`ended ${left} processes that the tests had left behind`);
  await infrastructure?.stop().catch((error) => problem(`the infrastructure did not stop: ${error.message}`));
  rmSync(work, { recursive: true, force: true });
}
for (const line of problems) console.log(`FAILED ${line}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

async function check() {
  const built = await timed('build', () => run('tsc', ['-b']));
  if (commands.isInterrupted()) return;
  if (built !== 0) problem('build: tsc -b reports errors');
  const library = join(root, 'tools/check/dist/index.js');
  if (!existsSync(library)) throw new Error('tools/check could not be built, so nothing can be tested');
  const { startTestInfrastructure, ...check } = await import(pathToFileURL(library).href);
  endLeftovers = check.endLeftovers;
  // Lint waits for the build because it reads the types of what was built; the two servers start meanwhile.
  const starting = startTestInfrastructure({ onProgress: (line) => console.log(line) });
  const [linted] = await Promise.all([timed('lint', lint), starting.then((started) => (infrastructure = started))]);
  if (commands.isInterrupted()) return;
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
    // Not among the temporary files: it is worth keeping.
    `--cacheDirectory=${join(root, 'node_modules/.cache/jest')}`,
    // forceExit: a handle that a failed test left open must not keep the verdict back.
    ...['--ci', '--json', `--outputFile=${report}`, '--passWithNoTests', '--forceExit', ...process.argv.slice(2)],
  ]);
  if (commands.isInterrupted()) return;
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
  return commands.run(command, args, {
    quiet,
    environment: {
      PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
      NX_DAEMON: 'false',
      KAFKAJS_NO_PARTITIONER_WARNING: '1',
      ...(infrastructure && {
        TMPDIR: temporary,
        TEST_DATABASE_ADMIN_URL: infrastructure.databaseAdminUrl,
        TEST_KAFKA_BROKERS: infrastructure.kafkaBrokers,
      }),
    },
  });
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
