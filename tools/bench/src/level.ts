import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { allCreated, cpuMsOf, type LoadResult } from '@points/infrastructure';
import type { CallOrder } from './load.js';

/** Closed-loop calls at one number of callers. */
export interface Level {
  readonly callers: number;
  /** Answered 201. */
  readonly done: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU milliseconds per call, by part. */
  readonly cpuMs: Readonly<Record<string, number>>;
}

export const machine = () => ({ cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown', node: process.version });

/** @throws Error when a call was not answered 201: then nothing was measured */
export async function runLevel(
  load: ChildProcess,
  order: CallOrder,
  { pids, signal }: { readonly pids: Readonly<Record<string, number>>; readonly signal: AbortSignal },
): Promise<Level> {
  const before = cpuOf(pids);
  load.send(order);
  // The load answers once per order.
  const [result] = (await once(load, 'message', { signal })) as [LoadResult];
  const after = cpuOf(pids);
  const done = allCreated(result);
  return {
    callers: order.callers,
    done,
    perSecond: round((done * 1_000) / result.elapsedMs, 0),
    p50Ms: round(result.p50Ms, 1),
    p99Ms: round(result.p99Ms, 1),
    maxMs: round(result.maxMs, 1),
    cpuMs: cpuPer(done, before, after),
  };
}

export function cpuOf(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, cpuMsOf(pid)]));
}

export function cpuPer(count: number, before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([part, ms]) => [part, round((ms - (before[part] ?? 0)) / count, 3)]));
}

export function headingOf(parts: readonly string[]): string {
  return `${['callers', 'per second', 'p50 ms', 'p99 ms', 'max ms'].map((name) => name.padStart(11)).join('')}   CPU ms each: ${parts.map((name) => name.padStart(11)).join('')}`;
}

export function lineOf(level: Level): string {
  const numbers = [level.callers, level.perSecond, level.p50Ms, level.p99Ms, level.maxMs]
    .map((value) => String(value).padStart(11))
    .join('');
  return `${numbers}${' '.repeat(16)}${Object.values(level.cpuMs)
    .map((ms) => ms.toFixed(3).padStart(11))
    .join('')}`;
}

/** What is under way ends with the services that it talks to. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error('stopped'));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}

export function writeReport(file: string, report: object): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
