import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  base,
  faultsOfBooks,
  partner,
  prepareExchange,
  startExchangeCloud,
  type ExchangeCloud,
  type ExchangeSetting,
} from './exchange-setting.js';
import { aborted, cpuOf, cpuPer, machine, round, writeReport } from './level.js';
import type { PosOptions } from './pos.js';

export interface UploadOptions extends Pick<PosOptions, 'json' | 'signal' | 'say' | 'profile'> {
  readonly rows: number;
}

export interface UploadReport {
  readonly machine: ReturnType<typeof machine>;
  readonly rows: number;
  readonly bytes: number;
  readonly receivedMs: number;
  /** From the first byte sent until every row is a lot and every order has ended. */
  readonly elapsedMs: number;
  readonly rowsPerSecond: number;
  /** CPU milliseconds per row, by part. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly exchangeMemoryMbMax: number;
  /** COPY of the same rows into a table without an index: what the database alone can do. */
  readonly plainRowsPerSecond: number;
  readonly targets: readonly { readonly what: string; readonly isMet: boolean }[];
  readonly faults: readonly string[];
}

/** Until the code is compiled by V8 and the plans are made. */
const warmUpRows = 20_000;
const askEveryMs = 200;

/** A file of orders from its first byte until all of its rows are lots in the ledger. */
export async function measureUpload(options: UploadOptions): Promise<UploadReport> {
  const { say, signal, profile } = options;
  say('starting throwaway PostgreSQL (fsync on), Kafka, identity, ledger and exchange');
  const cloud = await startExchangeCloud({ say, ...(profile !== undefined && { profile }) });
  try {
    return await Promise.race([measureIn(cloud, options), aborted(signal)]);
  } finally {
    await cloud.stop();
  }
}

async function measureIn(cloud: ExchangeCloud, { say, json, rows }: UploadOptions): Promise<UploadReport> {
  say('setting up: a programme, a partner, 10,000 holders');
  const setting = await prepareExchange(cloud);
  try {
    await run(cloud, setting, warmUpRows);
    say(`warmed up: ${warmUpRows} rows`);
    const before = cpuOf(cloud.pids);
    const measured = await run(cloud, setting, rows);
    const after = cpuOf(cloud.pids);
    const plainRowsPerSecond = await copyPlain(setting, rows);
    const faults = await faultsOfBooks(setting.database, warmUpRows + rows);
    const rowsPerSecond = round((rows * 1_000) / measured.elapsedMs, 0);
    const report: UploadReport = {
      machine: machine(),
      rows,
      ...measured,
      rowsPerSecond,
      cpuMs: cpuPer(rows, before, after),
      plainRowsPerSecond,
      targets: [
        { what: '5,000 rows/s or more into ledger lots', isMet: rowsPerSecond >= 5_000 },
        { what: 'memory of the exchange 256 MB or less', isMet: measured.exchangeMemoryMbMax <= 256 },
      ],
      faults,
    };
    say(
      `\n${rows} rows, ${measured.bytes} bytes: received in ${measured.receivedMs} ms, all lots after ${measured.elapsedMs} ms: ${rowsPerSecond} rows/s`,
    );
    say(`COPY of the same rows into a plain table: ${plainRowsPerSecond} rows/s`);
    say(
      `CPU ms per row: ${Object.entries(report.cpuMs)
        .map(([part, ms]) => `${part} ${ms.toFixed(3)}`)
        .join(', ')}`,
    );
    say(`memory of the exchange: ${measured.exchangeMemoryMbMax} MB at most\n`);
    for (const { what, isMet } of report.targets) say(`${isMet ? 'met   ' : 'MISSED'} ${what}`);
    for (const fault of faults) say(`WRONG  ${fault}`);
    writeReport(json, report);
    return report;
  } finally {
    await setting.database.close();
  }
}

async function run(cloud: ExchangeCloud, { token, myKeyIds }: ExchangeSetting, rows: number) {
  const name = randomUUID().slice(0, 8);
  const file = csvOf(rows, name, myKeyIds);
  const url = `${cloud.urls.exchange}${base}/partners/${partner}/order-uploads`;
  const authorization = `Bearer ${token}`;
  const started = performance.now();
  const taken = await fetch(url, {
    method: 'POST',
    headers: {
      authorization,
      'content-type': 'text/csv',
      'content-digest': `sha-256=:${createHash('sha256').update(file).digest('base64')}:`,
      'idempotency-key': name,
    },
    body: file,
  });
  const answer = (await taken.json()) as { upload?: string };
  if (taken.status !== 202 || answer.upload === undefined)
    throw new Error(`the file was not taken: ${taken.status} ${JSON.stringify(answer)}`);
  const receivedMs = round(performance.now() - started, 0);
  let exchangeMemoryMbMax = 0;
  for (;;) {
    exchangeMemoryMbMax = Math.max(exchangeMemoryMbMax, memoryMbOf(cloud.pids.exchange));
    const view = (await (await fetch(`${url}/${answer.upload}`, { headers: { authorization } })).json()) as {
      state: string;
      booked: number;
    };
    if (view.state === 'done' && view.booked === rows) break;
    if (!['received', 'checking', 'booking'].includes(view.state)) throw new Error(`the upload ended otherwise: ${JSON.stringify(view)}`);
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  return { bytes: file.length, receivedMs, elapsedMs: round(performance.now() - started, 0), exchangeMemoryMbMax };
}

function csvOf(rows: number, name: string, myKeyIds: readonly string[]): Buffer {
  const lines = Array.from({ length: rows }, (_, n) => `${name}-${n},${myKeyIds[(n * 7_919) % myKeyIds.length]},1`);
  return Buffer.from(`orderId,myKeyId,partnerPoints\n${lines.join('\n')}\n`);
}

/** Server-side COPY: out of a file of the same rows, into a table without an index. */
async function copyPlain({ database }: ExchangeSetting, rows: number): Promise<number> {
  const { pool } = database;
  const { rows: found } = await pool.query<{ file: string }>(`select current_setting('data_directory') || '/bench-rows.csv' as file`);
  const file = `'${(found[0]?.file ?? '').replaceAll("'", "''")}'`;
  await pool.query(
    `copy (select order_id, my_key_id, partner_points from exchange.exchange_order order by id desc limit ${rows}) to ${file} (format csv)`,
  );
  await pool.query('create table public.bench_plain (order_id text, my_key_id text, partner_points bigint)');
  const started = performance.now();
  await pool.query(`copy public.bench_plain from ${file} (format csv)`);
  return round((rows * 1_000) / (performance.now() - started), 0);
}

function memoryMbOf(pid: number): number {
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return round(Number(resident ?? 0) / 1_024, 0);
}
