import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@points/infrastructure';
import { checkBooks } from './check-books.js';
import { fillBooks } from './fill-books.js';
import { measureDoor, shapes, type Measured } from './measure-door.js';
import { measureHttp } from './measure-http.js';
import { pgbench } from './pgbench.js';

// npm run bench -- ledger --json FILE: the door and the HTTP API beside real pgbench, on one durable PostgreSQL, one after the other in one run.
const usage = `usage: npm run bench -- ledger --json FILE [--seconds N] [--holders N, at least 10000] [--only NAME,NAME] [--profile DIR]
  --only     some of ${['http', ...shapes.map((shape) => shape.name)].join(', ')}
  --profile  writes a CPU profile of the service that answers HTTP there (and makes it slower)`;

const read = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      holders: { type: 'string', default: '100000' },
      only: { type: 'string' },
      profile: { type: 'string' },
    },
  });

let given: ReturnType<typeof read>;
try {
  given = read();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(64); // EX_USAGE of sysexits.h
}
const { json, profile, ...values } = given.values;
const [seconds = 0, holders = 0] = [values.seconds, values.holders].map(Number);
const names = ['http', ...shapes.map((shape) => shape.name)];
const only = values.only?.split(',') ?? names;
const isUsable = Number.isInteger(seconds) && seconds >= 1 && seconds <= 600 && Number.isInteger(holders) && holders >= 10_000;
if (json === undefined || !isUsable || !only.every((name) => names.includes(name))) {
  console.error(usage);
  process.exit(64);
}

const folder = mkdtempSync(join(tmpdir(), 'points-bench-ledger-'));
// PostgreSQL runs as a user of its own when this process is root; mkdtemp makes a folder that only its maker can pass.
chmodSync(folder, 0o755);
const postgres = await startPostgres({ directory: join(folder, 'postgres'), durable: true });
try {
  const bench = await pgbench(postgres.adminUrl, seconds);
  console.log(`pgbench at 64 callers: one hot row ${Math.round(bench.hotRow)}/s, TPC-B at scale 10 ${Math.round(bench.tpcB)}/s`);
  const books = await fillBooks(postgres.adminUrl, holders);
  const rows: Measured[] = [];
  const note = async (measured: Measured) => {
    rows.push(measured);
    console.log(
      `${measured.name.padEnd(12)} ${String(measured.per_second).padStart(6)}/s  p50 ${measured.p50_ms} ms  p99 ${measured.p99_ms} ms  ` +
        `${measured.cpu_us_per_posting} µs of CPU a posting  ${measured.ratio} × ${measured.ratio_to}`,
    );
    await checkBooks(
      books,
      rows.reduce((sum, row) => sum + row.postings, 0),
    );
  };
  const how = { seconds, postgresPid: postgres.pid, bench };
  // First, because its chainer would seal what the others have left.
  if (only.includes('http')) await note(await measureHttp(books, { ...how, folder, ...(profile !== undefined && { profile }) }));
  for (const shape of shapes) if (only.includes(shape.name)) await note(await measureDoor(books, shape, how));
  await books.close();
  mkdirSync(dirname(resolve(json)), { recursive: true });
  writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
