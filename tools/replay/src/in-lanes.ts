/**
 * Works on tasks in their order, many at a time; tasks that share a lane wait for each other, so that in every lane all goes as
 * if there were one worker. At most `atOnceMax` are being worked on; at most `aheadMax` wait, so that a long list stays cheap.
 * The first error ends it: no further task begins, those under way come to their end, and the error is thrown.
 */
export async function inLanes<T>(
  tasks: readonly T[],
  limits: { readonly atOnceMax: number; readonly aheadMax: number },
  lanesOf: (task: T) => readonly string[],
  work: (task: T) => Promise<void>,
): Promise<void> {
  const tails = new Map<string, Promise<void>>();
  const slots = gate(limits.atOnceMax);
  const window = gate(limits.aheadMax);
  const failures: unknown[] = [];
  const all = new Set<Promise<void>>();

  for (const task of tasks) {
    await window.enter();
    if (failures.length) break;
    const lanes = lanesOf(task);
    const before = lanes.map((lane) => tails.get(lane)).filter((tail) => tail !== undefined);
    const done = (async () => {
      // Waits for its lanes first and takes a slot afterwards: a task in a slot never waits for one without, so there is no deadlock.
      await Promise.all(before);
      await slots.enter();
      try {
        if (failures.length === 0) await work(task);
      } catch (error) {
        failures.push(error);
      } finally {
        slots.leave();
        window.leave();
      }
    })();
    all.add(done);
    for (const lane of lanes) tails.set(lane, done);
    void done.then(() => {
      all.delete(done);
      for (const lane of lanes) if (tails.get(lane) === done) tails.delete(lane);
    });
  }
  await Promise.all(all);
  if (failures.length) throw failures[0];
}

function gate(places: number): { enter(): Promise<void>; leave(): void } {
  const waiting: (() => void)[] = [];
  let free = places;
  return {
    enter: () => {
      if (free > 0) {
        free--;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    leave: () => {
      const next = waiting.shift();
      if (next) next();
      else free++;
    },
  };
}
