/** Asks again every few milliseconds until the answer is yes or the deadline has passed; answers which of the two it was. */
export async function waitUntil(
  isSo: () => boolean | Promise<boolean>,
  options: { deadlineMs: number; everyMs?: number },
): Promise<boolean> {
  const deadline = Date.now() + options.deadlineMs;
  for (;;) {
    if (await isSo()) return true;
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20));
  }
}
