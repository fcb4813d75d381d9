import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { allCreated, cpuMsOf, type LoadResult } from '@points/infrastructure';
import type { PaymentOrder } from './load.js';
import { readBooks, type PosBooks } from './pos-books.js';
import { municipality, preparePos, programme, scopes, type PosSetting } from './pos-setting.js';
import { startThrowawayCloud, type ThrowawayCloud } from './throwaway-cloud.js';

export interface PosOptions {
  readonly json: string;
  /** Of each level. */
  readonly seconds: number;
  readonly profile?: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const parts = ['settlement', 'ledger', 'identity', 'database', 'broker', 'load'] as const;
type Part = (typeof parts)[number];

export interface PosLevel {
  readonly callers: number;
  readonly payments: number;
  readonly notPaid: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU milliseconds per payment. */
  readonly cpuMs: Readonly<Record<Part, number>>;
}

export interface PosReport {
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  readonly secondsPerLevel: number;
  readonly levels: readonly PosLevel[];
  readonly targets: readonly { readonly what: string; readonly isMet: boolean }[];
  readonly books: PosBooks;
  /** What is wrong with the books; empty when nothing is. */
  readonly faults: readonly string[];
}

const levels = [1, 64, 256] as const;
/** Until the code is compiled by V8, the plans are made and the caches are filled. */
const warmUp = { callers: 256, seconds: 8 };

/** Full POS payments, HTTP to HTTP, in a closed loop at 1, 64 and 256 callers. */
export async function measurePos(options: PosOptions): Promise<PosReport> {
  const { say, signal } = options;
  say('starting throwaway PostgreSQL (fsync on), Kafka, identity, ledger and settlement');
  const cloud = await startThrowawayCloud({
    municipality,
    scopes,
    say,
    ...(options.profile !== undefined && { profile: options.profile }),
  });
  const load = fork(join(import.meta.dirname, 'load.js'), { stdio: 'inherit' });
  try {
    return await Promise.race([measureIn(cloud, load, options), aborted(signal)]);
  } finally {
    load.disconnect();
    await cloud.stop();
  }
}

async function measureIn(cloud: ThrowawayCloud, load: ChildProcess, { say, seconds, signal, json }: PosOptions): Promise<PosReport> {
  say('setting up: a programme, 100 shops, 10,000 holders with points');
  const setting = await preparePos(cloud);
  const run = (callers: number, time: number) => runLevel({ cloud, load, setting, callers, seconds: time, signal });

  const warm = await run(warmUp.callers, warmUp.seconds);
  say(`warmed up: ${warm.payments} payments\n\n${heading}`);
  const measured: PosLevel[] = [];
  for (const callers of levels) {
    measured.push(await run(callers, seconds));
    say(lineOf(measured.at(-1) ?? warm));
  }

  const { books, faults } = await readBooks(
    cloud.adminUrl,
    [warm, ...measured].reduce((sum, one) => sum + one.payments, 0),
  );
  const report: PosReport = {
    machine: { cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', node: process.version },
    secondsPerLevel: seconds,
    levels: measured,
    targets: targetsOf(measured),
    books,
    faults,
  };
  tell(report, say);
  mkdirSync(dirname(resolve(json)), { recursive: true });
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

/** What is under way ends with the services that it talks to. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error('stopped'));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

interface LevelRun {
  readonly cloud: ThrowawayCloud;
  readonly load: ChildProcess;
  readonly setting: PosSetting;
  readonly callers: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

async function runLevel({ cloud, load, setting, callers, seconds, signal }: LevelRun): Promise<PosLevel> {
  const pids: Record<Part, number> = { ...cloud.pids, load: load.pid ?? 0 };
  const cpu = () => Object.fromEntries(parts.map((part) => [part, cpuMsOf(pids[part])])) as Record<Part, number>;
  const path = `/v1/municipalities/${municipality}/programmes/${programme}/payments`;
  const before = cpu();
  load.send({ url: cloud.urls.settlement, path, ...setting, callers, seconds } satisfies PaymentOrder);
  // The load answers once per order.
  const [result] = (await once(load, 'message', { signal })) as [LoadResult];
  const after = cpu();
  const payments = allCreated(result);
  return {
    callers,
    payments,
    // Another answer has thrown.
    notPaid: 0,
    perSecond: round((payments * 1_000) / result.elapsedMs, 0),
    p50Ms: round(result.p50Ms, 1),
    p99Ms: round(result.p99Ms, 1),
    maxMs: round(result.maxMs, 1),
    cpuMs: Object.fromEntries(parts.map((part) => [part, round((after[part] - before[part]) / payments, 3)])) as Record<Part, number>,
  };
}

function targetsOf(measured: readonly PosLevel[]): PosReport['targets'] {
  const at = (callers: number) => measured.find((one) => one.callers === callers);
  const [one, most] = [at(1), at(256)];
  return [
    { what: '1,500 payments/s or more at 256 callers', isMet: (most?.perSecond ?? 0) >= 1_500 },
    { what: 'p99 at 256 callers 250 ms or less', isMet: (most?.p99Ms ?? Infinity) <= 250 },
    { what: 'p50 at 1 caller 15 ms or less', isMet: (one?.p50Ms ?? Infinity) <= 15 },
  ];
}

const heading = `${['callers', 'payments/s', 'p50 ms', 'p99 ms', 'max ms'].map((name) => name.padStart(10)).join('')}   CPU ms per payment: ${parts.map((name) => name.padStart(10)).join('')}`;

function lineOf(level: PosLevel): string {
  const numbers = [level.callers, level.perSecond, level.p50Ms, level.p99Ms, level.maxMs]
    .map((value) => String(value).padStart(10))
    .join('');
  return `${numbers}${' '.repeat(23)}${parts.map((part) => level.cpuMs[part].toFixed(3).padStart(10)).join('')}`;
}

function tell({ books, targets, faults }: PosReport, say: (line: string) => void): void {
  say('');
  for (const { what, isMet } of targets) say(`${isMet ? 'met   ' : 'MISSED'} ${what}`);
  say(
    `books  ${books.answered201} answered 201, ${books.capturedPayments} captured, ${books.spendTransfers} transfers, entries sum to ${books.sumOfEntries}, ${books.waitingEvents} events waiting`,
  );
  for (const fault of faults) say(`WRONG  ${fault}`);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
