import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '@points/infrastructure';
import { checkBooks } from './check-books.js';
import { fillBooks } from './fill-books.js';
import { measureDoor, shapes, type Measured } from './measure-door.js';
import { pgbench } from './pgbench.js';

// npm run bench -- ledger --json FILE: the door beside real pgbench, on one durable PostgreSQL, one after the other in one run.
const { values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, seconds: { type: 'string', default: '10' }, holders: { type: 'string', default: '100000' } },
});
const [seconds = 0, holders = 0] = [values.seconds, values.holders].map(Number);
if (!values.json || !Number.isInteger(seconds) || seconds < 1 || !Number.isInteger(holders) || holders < 10_000) {
  console.error('usage: npm run bench -- ledger --json FILE [--seconds N] [--holders N, at least 10000]');
  process.exit(64); // EX_USAGE of sysexits.h
}

const directory = mkdtempSync(join(tmpdir(), 'points-bench-ledger-'));
const postgres = await startPostgres({ directory, durable: true });
try {
  const bench = await pgbench(postgres.adminUrl, seconds);
  console.log(`pgbench at 64 callers: one hot row ${Math.round(bench.hotRow)}/s, TPC-B at scale 10 ${Math.round(bench.tpcB)}/s`);
  const books = await fillBooks(postgres.adminUrl, holders);
  const rows: Measured[] = [];
  for (const shape of shapes) {
    const measured = await measureDoor(books, shape, { seconds, postgresPid: postgres.pid, bench });
    rows.push(measured);
    console.log(
      `${measured.name.padEnd(12)} ${String(measured.per_second).padStart(6)}/s  p50 ${measured.p50_ms} ms  p99 ${measured.p99_ms} ms  ` +
        `${measured.cpu_us_per_posting} µs of CPU a posting  ${measured.ratio} × ${measured.ratio_to}`,
    );
    await checkBooks(books, rows.reduce((sum, row) => sum + row.postings, 0));
  }
  await books.close();
  writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
