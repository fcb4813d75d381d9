import { inLanes } from './in-lanes.js';

const limits = { atOnceMax: 4, aheadMax: 16 };
/** Lets everything that is ready go on, a different number of turns for each task. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

describe('tasks in lanes', () => {
  it('keep their order in every lane they share and never run at the same time there', async () => {
    const tasks = Array.from({ length: 300 }, (_, n) => ({ n, lanes: [`holder ${n % 7}`, `id ${n % 11}`] }));
    const seen = new Map<string, number[]>();
    const busy = new Set<string>();

    await inLanes(
      tasks,
      limits,
      (task) => task.lanes,
      async ({ n, lanes }) => {
        for (const lane of lanes) {
          expect(busy.has(lane)).toBe(false);
          busy.add(lane);
          seen.set(lane, [...(seen.get(lane) ?? []), n]);
        }
        await turns((n * 7919) % 13);
        for (const lane of lanes) busy.delete(lane);
      },
    );

    for (const order of seen.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
    expect([...seen.values()].flat()).toHaveLength(600);
  });

  it('are at most so many at once, and as many as that where lanes allow', async () => {
    let [now, most] = [0, 0];

    await inLanes(
      Array.from({ length: 50 }, (_, n) => n),
      limits,
      (n) => [String(n)],
      async () => {
        most = Math.max(most, ++now);
        await turns(5);
        now--;
      },
    );

    expect(most).toBe(4);
  });

  it('stop at the first error, which is thrown', async () => {
    const done: number[] = [];

    const all = inLanes(
      [1, 2, 3, 4, 5],
      { atOnceMax: 1, aheadMax: 2 },
      () => ['one'],
      (n) => {
        if (n === 3) return Promise.reject(new Error('three'));
        done.push(n);
        return Promise.resolve();
      },
    );

    await expect(all).rejects.toThrow('three');
    expect(done).toEqual([1, 2]);
  });
});
