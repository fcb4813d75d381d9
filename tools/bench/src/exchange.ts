import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import {
  base,
  faultsOfBooks,
  fillPastOrders,
  partner,
  prepareExchange,
  startExchangeCloud,
  type ExchangeCloud,
} from './exchange-setting.js';
import { aborted, headingOf, lineOf, machine, runLevel, writeReport, type Level } from './level.js';
import type { PosOptions } from './pos.js';

export interface ExchangeOptions extends PosOptions {
  /** Orders of the past before the last level. */
  readonly pastOrders: number;
}

export interface ExchangeReport {
  readonly machine: ReturnType<typeof machine>;
  readonly secondsPerLevel: number;
  readonly levels: readonly Level[];
  /** At 64 callers, by how many orders are there before. */
  readonly past: readonly { readonly orders: number; readonly level: Level }[];
  readonly targets: readonly { readonly what: string; readonly isMet: boolean }[];
  readonly faults: readonly string[];
}

const levels = [1, 64, 256] as const;
const pastCallers = 64;
const fewPastOrders = 10_000;
/** Until the code is compiled by V8, the plans are made and the caches are filled. */
const warmUp = { callers: 64, seconds: 10 };
/** CPU time of the exchange and the database per order may grow by this much from few past orders to many. */
const flatWithin = 1.25;

/** Orders from HTTP to the lot in the ledger and back to the answer, in a closed loop. */
export async function measureExchange(options: ExchangeOptions): Promise<ExchangeReport> {
  const { say, signal, profile } = options;
  say('starting throwaway PostgreSQL (fsync on), Kafka, identity, ledger and exchange');
  const cloud = await startExchangeCloud({ say, ...(profile !== undefined && { profile }) });
  const load = fork(join(import.meta.dirname, 'load.js'), { stdio: 'inherit' });
  try {
    return await Promise.race([measureIn(cloud, load, options), aborted(signal)]);
  } finally {
    load.disconnect();
    await cloud.stop();
  }
}

async function measureIn(cloud: ExchangeCloud, load: ChildProcess, options: ExchangeOptions): Promise<ExchangeReport> {
  const { say, seconds, signal, json, pastOrders } = options;
  say('setting up: a programme, a partner, 10,000 holders');
  const { token, myKeyIds, database } = await prepareExchange(cloud);
  try {
    const pids = { ...cloud.pids, load: load.pid ?? 0 };
    let placed = 0;
    const run = async (callers: number, time: number) => {
      const call = { kind: 'exchange-order', partner } as const;
      const order = { url: cloud.urls.exchange, path: `${base}/exchange-orders`, token, call, myKeyIds, callers, seconds: time };
      const level = await runLevel(load, order, { pids, signal });
      placed += level.done;
      return level;
    };
    const told = (level: Level) => {
      say(lineOf(level));
      return level;
    };

    const warm = await run(warmUp.callers, warmUp.seconds);
    say(`warmed up: ${warm.done} orders\n\n${headingOf(Object.keys(pids))}`);
    const measured: Level[] = [];
    for (const callers of levels) measured.push(told(await run(callers, seconds)));
    const past: { orders: number; level: Level }[] = [];
    let filled = 0;
    for (const orders of [fewPastOrders, pastOrders]) {
      await fillPastOrders(database, { from: filled, to: orders });
      filled = orders;
      say(`with ${orders} past orders:`);
      past.push({ orders, level: told(await run(pastCallers, seconds)) });
    }

    const faults = await faultsOfBooks(database, placed);
    const report = { machine: machine(), secondsPerLevel: seconds, levels: measured, past, targets: targetsOf(measured, past), faults };
    say('');
    for (const { what, isMet } of report.targets) say(`${isMet ? 'met   ' : 'MISSED'} ${what}`);
    say(`books  ${placed} answered 201${faults.length === 0 ? ', each completed and one lot in the ledger' : ''}`);
    for (const fault of faults) say(`WRONG  ${fault}`);
    writeReport(json, report);
    return report;
  } finally {
    await database.close();
  }
}

function targetsOf(measured: readonly Level[], past: ExchangeReport['past']): ExchangeReport['targets'] {
  const at = (callers: number) => measured.find((one) => one.callers === callers);
  const cost = (index: number) => (past[index]?.level.cpuMs['exchange'] ?? 0) + (past[index]?.level.cpuMs['database'] ?? 0);
  return [
    { what: '1,000 orders/s or more at 64 callers', isMet: (at(64)?.perSecond ?? 0) >= 1_000 },
    { what: '1,500 orders/s or more at 256 callers', isMet: (at(256)?.perSecond ?? 0) >= 1_500 },
    { what: 'p50 at 1 caller 15 ms or less', isMet: (at(1)?.p50Ms ?? Infinity) <= 15 },
    {
      what: `CPU of exchange and database per order flat from ${past[0]?.orders} to ${past[1]?.orders} past orders (${cost(0).toFixed(3)} and ${cost(1).toFixed(3)} ms)`,
      isMet: cost(1) <= cost(0) * flatWithin,
    },
  ];
}
