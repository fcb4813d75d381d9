import { randomUUID } from 'node:crypto';
import { HttpLine } from './http-line.js';

/** What the parent sends to have one level run. */
export interface LoadOrder {
  readonly url: string;
  readonly path: string;
  readonly token: string;
  readonly shops: readonly string[];
  readonly myKeyIds: readonly string[];
  readonly callers: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly connectionFaults: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The first answer that was no 201, for the report. */
  readonly firstOther?: string;
}

/** A process of its own, so that its CPU time is its own too. */
process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));

/** Closed loop: each caller sends its next payment when the one before is answered. */
async function run(order: LoadOrder): Promise<LoadResult> {
  const { callers, seconds, shops, myKeyIds } = order;
  const lines = await Promise.all(Array.from({ length: callers }, () => HttpLine.open(order.url)));
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  let connectionFaults = 0;
  let firstOther: string | undefined;
  const authorization = `authorization: Bearer ${order.token}\r\nidempotency-key: `;
  const run = randomUUID();
  let sequence = 0;

  const started = performance.now();
  const end = started + seconds * 1_000;
  await Promise.all(
    lines.map(async (line) => {
      while (performance.now() < end) {
        const n = sequence++;
        const shop = shops[n % shops.length];
        // Spread, so that no holder pays twice at once more often than chance has it.
        const myKeyId = myKeyIds[Math.floor(Math.random() * myKeyIds.length)];
        const body = `{"shop":"${shop}","myKeyId":"${myKeyId}","amount":1,"terminal":"T1","receipt":"R${n}"}`;
        const before = performance.now();
        try {
          const { status, body: answer } = await line.post(order.path, `${authorization}${run}-${n}\r\n`, body);
          times.push(performance.now() - before);
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (status !== 201) firstOther ??= answer.slice(0, 500);
        } catch (error) {
          connectionFaults++;
          firstOther ??= String(error);
          return;
        }
      }
    }),
  );
  const elapsedMs = performance.now() - started;
  for (const line of lines) line.close();
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    statuses,
    connectionFaults,
    elapsedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: times.at(-1) ?? 0,
    ...(firstOther !== undefined && { firstOther }),
  };
}
