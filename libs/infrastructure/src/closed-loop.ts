import { HttpLine } from './http-line.js';

/** What a load process is told. */
export interface LoadOrder {
  readonly url: string;
  readonly path: string;
  readonly token: string;
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

/**
 * Closed loop over HTTP: each caller has a connection of its own and posts again when the request before is answered. `next` says what
 * the n-th request sends; each has an Idempotency-Key of its own.
 */
export async function postInClosedLoop(order: LoadOrder, next: (n: number) => { key: string; body: string }): Promise<LoadResult> {
  const { url, path, token, callers, seconds } = order;
  const lines = await Promise.all(Array.from({ length: callers }, () => HttpLine.open(url)));
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  let connectionFaults = 0;
  let firstOther: string | undefined;
  let sequence = 0;

  const started = performance.now();
  const end = started + seconds * 1_000;
  await Promise.all(
    lines.map(async (line) => {
      while (performance.now() < end) {
        const { key, body } = next(sequence++);
        const before = performance.now();
        try {
          const { status, body: answer } = await line.post(path, `authorization: Bearer ${token}\r\nidempotency-key: ${key}\r\n`, body);
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

/**
 * The whole of a load process, forked by whoever measures: a process of its own, so that its CPU time is its own too. Each order is
 * answered with one message; it ends with its parent.
 */
export function serveOrders<Order extends LoadOrder>(nextOf: (order: Order) => (n: number) => { key: string; body: string }): void {
  process.on('message', (order: Order) => {
    void postInClosedLoop(order, nextOf(order)).then((result) => process.send?.(result));
  });
  process.on('disconnect', () => process.exit(0));
}

/** How many were answered 201. @throws when none or not all were */
export function allCreated({ statuses, connectionFaults, firstOther }: LoadResult): number {
  const created = statuses['201'] ?? 0;
  const others = Object.values(statuses).reduce((sum, count) => sum + count, 0) - created + connectionFaults;
  if (created === 0 || others > 0) throw new Error(`${others} requests were not answered 201; the first: ${firstOther ?? 'none at all'}`);
  return created;
}
