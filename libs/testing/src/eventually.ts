/**
 * Asks again until the check neither throws nor answers false, and gives its answer; past the deadline it fails with the last
 * reason. The way to wait for what another process or a consumer will do: a test never sleeps.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, false>> {
  const { timeoutMs = 10_000, everyMs = 25 } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let reason: unknown = new Error(`the condition was still false after ${timeoutMs} ms`);
    try {
      const answer = await check();
      // Only the value false means "not yet": a check of expectations answers nothing at all.
      if (answer !== false) return answer as Exclude<T, false>;
    } catch (error) {
      reason = error;
    }
    if (Date.now() >= deadline) throw reason;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
