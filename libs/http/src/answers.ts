/**
 * Lets an HTTP call wait for a fact that comes back over Kafka. `wait` is called before the request is sent to Kafka or right
 * after; a fact that arrives earlier is not kept, so the caller must look at the table once the row could be there.
 */
export class Answers<T> {
  private readonly waiting = new Map<string, Set<(value: T | undefined) => void>>();

  /** The value, or undefined when the deadline passes or the process stops. */
  wait(id: string, deadlineMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const all = this.waiting.get(id) ?? new Set();
      if (all.size === 0) this.waiting.set(id, all);
      const end = (value: T | undefined) => {
        clearTimeout(timer);
        all.delete(end);
        if (all.size === 0) this.waiting.delete(id);
        resolve(value);
      };
      const timer = setTimeout(end, deadlineMs, undefined);
      all.add(end);
    });
  }

  /** @returns false when nobody here waits: another replica may hold the call. */
  wake(id: string, value: T): boolean {
    const all = this.waiting.get(id);
    if (!all) return false;
    for (const end of [...all]) end(value);
    return true;
  }

  get size(): number {
    return this.waiting.size;
  }

  /** On shutdown nobody is left hanging: all get their "not yet". */
  stop(): void {
    for (const all of [...this.waiting.values()]) for (const end of [...all]) end(undefined);
  }
}
