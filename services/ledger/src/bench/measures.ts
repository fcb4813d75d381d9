import { cpuMsOf } from '@points/infrastructure';

/** One measured thing; names in snake_case as other tools of measurement write them. */
export interface Measure {
  readonly name: string;
  readonly [figure: string]: string | number;
  /** So many times what `ratio_to` names; the smaller the better. */
  readonly ratio: number;
  readonly ratio_to: string;
}

export function quantile(sorted: readonly number[], share: number): number {
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

export function rounded(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export interface Load {
  readonly done: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUsEach: number;
}

/** Closed loop: each caller does it again when it is done, until `isOver`. Times are of the whole call. */
export async function closedLoop(callers: number, isOver: () => boolean, postgresPid: number, once: () => Promise<void>): Promise<Load> {
  const times: number[] = [];
  const before = { own: process.cpuUsage(), server: cpuMsOf(postgresPid) * 1_000, at: performance.now() };
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (!isOver()) {
        const started = performance.now();
        await once();
        times.push(performance.now() - started);
      }
    }),
  );
  const own = process.cpuUsage(before.own);
  const cpuUs = own.user + own.system + cpuMsOf(postgresPid) * 1_000 - before.server;
  times.sort((a, b) => a - b);
  return {
    done: times.length,
    perSecond: Math.round((times.length * 1_000) / (performance.now() - before.at)),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    cpuUsEach: rounded(cpuUs / times.length),
  };
}

export function forSeconds(seconds: number): () => boolean {
  const end = performance.now() + seconds * 1_000;
  return () => performance.now() >= end;
}
