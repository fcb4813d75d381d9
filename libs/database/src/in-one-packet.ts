import type { PoolClient } from 'pg';

/** pg writes each statement by itself, and each packet costs both sides a system call. Corking nests, so pg's own does no harm. */
export function inOnePacket<T>(client: PoolClient, send: () => T): T {
  // pg does not type its connection.
  const { stream } = (client as unknown as { connection: { stream: { cork(): void; uncork(): void } } }).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

/** Waits for all, then throws the first failure: a pipeline goes on answering after one. */
export async function settled<T extends readonly unknown[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  // None was rejected, so each is its promise's value.
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as { -readonly [K in keyof T]: Awaited<T[K]> };
}
