import type { Tx } from '@points/database';
import { answer, once, type Answer, type Cause } from '@points/http';

/**
 * Like `once`, for answers that carry a new secret: what is stored with the Idempotency-Key is the answer without it, because a
 * secret is kept nowhere but as a hash. So a repeated request hears that it was done, and whoever lost the secret rotates.
 */
export async function onceWithSecret<T extends { secret?: string }>(
  tx: Tx,
  cause: Cause,
  work: () => Promise<{ status: number; body: Omit<T, 'secret'>; secret: string }>,
): Promise<Answer<T>> {
  let secret: string | undefined;
  const stored = await once(tx, cause, async () => {
    const done = await work();
    secret = done.secret;
    return answer(done.status, done.body);
  });
  // `secret` is optional in T: without it the body is a T all the same.
  const body = { ...stored.body, ...(secret !== undefined && { secret }) } as T;
  return answer(stored.status, body, { ...stored.headers, 'cache-control': 'no-store' });
}
