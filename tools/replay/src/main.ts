import { accessSync, constants, existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hideKnownWarning, startFreshCloud, type FreshCloud } from '@points/local';
import { compareReports, describeComparison } from './compare-report.js';
import { findCloud } from './cloud/find-cloud.js';
import { progressLine } from './progress-line.js';
import { replayTrial } from './replay/replay-trial.js';
import { describeBadRow, inReadingOrder, type BadRow } from './trial/bad-row.js';
import { readTrial } from './trial/read-trial.js';

const usage = `usage: npm run replay -- DIR [--fresh] [--out FILE] [--errors FILE] [--programme ID] [--home CLOUD_HOME]

  DIR              a trial folder: programme.json, partners.csv, exchanges.csv, conversions.csv, optionally expected.json
  --fresh          replay into a throwaway cloud instead of the running one
  --out FILE       write the ledger's report there, in the shape of expected.json
  --errors FILE    write the bad rows there, as JSON
  --programme ID   book into this programme instead of <municipality code>-trial
  --home DIR       home of the running cloud (default: CLOUD_HOME, else .local)

exit: 0 all rows booked and the report as expected; 1 the report differs, or the replay could not be carried out; 2 bad rows`;

const exit = { asExpected: 0, failed: 1, badRows: 2 } as const;
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** npm runs a script in the project's folder; a path that somebody typed is meant from where he stood. */
const typedFrom = process.env['npm_lifecycle_event'] === 'replay' ? (process.env['INIT_CWD'] ?? process.cwd()) : process.cwd();

let fresh: FreshCloud | undefined;
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (isEnding) return;
    isEnding = true;
    console.error(`replay: ended by ${signal}${fresh ? ', stopping the throwaway cloud' : ''}`);
    void endFresh().finally(() => process.exit(exit.failed));
  });

try {
  process.exitCode = await main();
} catch (error) {
  if (!isEnding) console.error(`replay: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = exit.failed;
} finally {
  if (!isEnding) await endFresh();
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === 'string') {
    console.log(options);
    return options === usage ? exit.asExpected : exit.failed;
  }
  const startedAt = Date.now();
  const {
    trial,
    badRows: unreadable,
    notes,
  } = await readTrial(options.directory, { ...(options.programme !== undefined && { programmeId: options.programme }) });
  for (const note of notes) console.log(note);
  if (!trial) {
    await report(unreadable, options.errors);
    console.log('nothing was booked: the folder cannot be replayed as it is');
    return exit.badRows;
  }

  const home = options.fresh ? (await startFresh()).home : options.home;
  const cloud = await findCloud(home, options.fresh ? {} : process.env);
  const progress = progressLine(`replaying ${trial.programme.name}`);
  const replayed = await replayTrial(cloud, trial, (done, of, bad) =>
    progress.show(`${done} of ${of} rows${bad ? `, ${bad} refused` : ''}`, done === of),
  );
  progress.end();

  const badRows = [...unreadable, ...replayed.badRows];
  await report(badRows, options.errors);
  if (options.out !== undefined) await writeWhole(options.out, replayed.report);
  const comparison = compareReports(replayed.report, trial.expected ?? replayed.report);
  for (const line of describeComparison(comparison, trial.expected !== undefined)) console.log(line);
  const isEqual = comparison.every((line) => line.equal);
  const verdict =
    trial.expected === undefined
      ? 'there is no expected.json to compare with'
      : isEqual
        ? 'equal to expected.json'
        : 'DIFFERENT from expected.json';
  console.log(`${trial.rows.length} rows sent, ${badRows.length} bad; ${verdict}; ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  return badRows.length ? exit.badRows : isEqual ? exit.asExpected : exit.failed;
}

interface Options {
  readonly directory: string;
  readonly fresh: boolean;
  readonly home: string;
  readonly out?: string;
  readonly errors?: string;
  readonly programme?: string;
}

/** The options, or the text to show instead. */
function readOptions(): Options | string {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        fresh: { type: 'boolean', default: false },
        out: { type: 'string' },
        errors: { type: 'string' },
        programme: { type: 'string' },
        home: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return `replay: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`;
  }
  const { values, positionals } = parsed;
  if (values.help) return usage;
  const [directory, ...more] = positionals;
  if (directory === undefined || more.length) return `replay: one trial folder is needed, ${positionals.length} are given\n\n${usage}`;
  const typed = (path: string) => resolve(typedFrom, path);
  if (!existsSync(typed(directory))) return `replay: the folder ${typed(directory)} does not exist`;
  for (const file of [values.out, values.errors]) {
    const problem = file === undefined ? undefined : unwritable(typed(file));
    if (problem !== undefined) return `replay: ${problem}`;
  }
  return {
    directory: typed(directory),
    fresh: values.fresh,
    home: values.home === undefined ? resolve(root, process.env['CLOUD_HOME'] || '.local') : typed(values.home),
    ...(values.out !== undefined && { out: typed(values.out) }),
    ...(values.errors !== undefined && { errors: typed(values.errors) }),
    ...(values.programme !== undefined && { programme: values.programme }),
  };
}

/** Told before anything is booked: a report that cannot be kept is no use after a long replay. */
function unwritable(file: string): string | undefined {
  try {
    accessSync(dirname(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return `${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}): name a file in a folder that exists and is yours`;
  }
}

/** Remembered before it is ready, so that an interrupted start is ended too. */
async function startFresh(): Promise<FreshCloud> {
  console.log('starting a throwaway cloud');
  hideKnownWarning();
  fresh = await startFreshCloud(root, process.env, (line) => line && console.log(`  ${line}`));
  await fresh.ready;
  return fresh;
}

async function endFresh(): Promise<void> {
  const running = fresh;
  fresh = undefined;
  await running?.stop();
}

async function report(badRows: readonly BadRow[], errorsFile: string | undefined): Promise<void> {
  const ordered = inReadingOrder(badRows);
  for (const bad of ordered) console.log(describeBadRow(bad));
  if (errorsFile !== undefined) await writeWhole(errorsFile, ordered);
}

/** Aside and renamed: a reader never sees half of it. */
async function writeWhole(file: string, content: unknown): Promise<void> {
  const aside = join(dirname(file), `.${process.pid}.tmp`);
  try {
    await writeFile(aside, `${JSON.stringify(content, undefined, 2)}\n`);
    await rename(aside, file);
  } catch (error) {
    throw new Error(`${file} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`, { cause: error });
  }
}
