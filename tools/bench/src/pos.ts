import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { aborted, headingOf, lineOf, machine, runLevel, writeReport, type Level } from './level.js';
import { readBooks, type PosBooks } from './pos-books.js';
import { municipality, preparePos, programme, scopes } from './pos-setting.js';
import { startThrowawayCloud, type ThrowawayCloud } from './throwaway-cloud.js';

export interface PosOptions {
  readonly json: string;
  /** Of each level. */
  readonly seconds: number;
  readonly profile?: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const parts = ['settlement', 'ledger', 'identity', 'database', 'broker'] as const;
export type PosCloud = ThrowawayCloud<'identity' | 'ledger' | 'settlement'>;

export interface PosReport {
  readonly machine: ReturnType<typeof machine>;
  readonly secondsPerLevel: number;
  readonly levels: readonly Level[];
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
    services: ['identity', 'ledger', 'settlement'],
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

async function measureIn(cloud: PosCloud, load: ChildProcess, { say, seconds, signal, json }: PosOptions): Promise<PosReport> {
  say('setting up: a programme, 100 shops, 10,000 holders with points');
  const setting = await preparePos(cloud);
  const { token, shops, myKeyIds } = setting;
  const path = `/v1/municipalities/${municipality}/programmes/${programme}/payments`;
  const pids = { ...cloud.pids, load: load.pid ?? 0 };
  const run = (callers: number, time: number) =>
    runLevel(
      load,
      { url: cloud.urls.settlement, path, token, call: { kind: 'payment', shops }, myKeyIds, callers, seconds: time },
      { pids, signal },
    );

  const warm = await run(warmUp.callers, warmUp.seconds);
  say(`warmed up: ${warm.done} payments\n\n${headingOf([...parts, 'load'])}`);
  const measured: Level[] = [];
  for (const callers of levels) {
    measured.push(await run(callers, seconds));
    say(lineOf(measured.at(-1) ?? warm));
  }

  const { books, faults } = await readBooks(
    cloud.adminUrl,
    [warm, ...measured].reduce((sum, one) => sum + one.done, 0),
  );
  const report: PosReport = {
    machine: machine(),
    secondsPerLevel: seconds,
    levels: measured,
    targets: targetsOf(measured),
    books,
    faults,
  };
  tell(report, say);
  writeReport(json, report);
  return report;
}

function targetsOf(measured: readonly Level[]): PosReport['targets'] {
  const at = (callers: number) => measured.find((one) => one.callers === callers);
  const [one, most] = [at(1), at(256)];
  return [
    { what: '1,500 payments/s or more at 256 callers', isMet: (most?.perSecond ?? 0) >= 1_500 },
    { what: 'p99 at 256 callers 250 ms or less', isMet: (most?.p99Ms ?? Infinity) <= 250 },
    { what: 'p50 at 1 caller 15 ms or less', isMet: (one?.p50Ms ?? Infinity) <= 15 },
  ];
}

function tell({ books, targets, faults }: PosReport, say: (line: string) => void): void {
  say('');
  for (const { what, isMet } of targets) say(`${isMet ? 'met   ' : 'MISSED'} ${what}`);
  say(
    `books  ${books.answered201} answered 201, ${books.capturedPayments} captured, ${books.spendTransfers} transfers, entries sum to ${books.sumOfEntries}, ${books.waitingEvents} events waiting`,
  );
  for (const fault of faults) say(`WRONG  ${fault}`);
}
