import type { Instant } from '@points/kernel';
import { createLogger } from '@points/observability';
import { Chainer } from '../chain/chainer.js';
import type { GrowthBooks } from './growth-books.js';
import { closedLoop, forSeconds, rounded, type Measure } from './measures.js';
import { any, spendOne } from './spends.js';

const callers = 64;
/** Long enough for the chainer to fall behind, if it does. */
const loadTimes = 4;

/** Whether the chainer seals what the door posts at full load, both on the same cores, and how long what is left takes after it. */
export async function measureChainer(
  books: GrowthBooks,
  accounts: number,
  { seconds, postgresPid }: { seconds: number; postgresPid: number },
): Promise<Measure[]> {
  const before = await sealed(books);
  const chainer = new Chainer({
    database: books.database,
    now: () => new Date().toISOString() as Instant,
    log: createLogger('bench', 'warn'),
  });
  chainer.start();
  try {
    const load = await closedLoop(callers, forSeconds(seconds * loadTimes), postgresPid, () => spendOne(books, any(accounts)));
    const during = (await sealed(books)) - before;
    const started = performance.now();
    while ((await sealed(books)) - before < load.done) await new Promise((resolve) => setTimeout(resolve, 250));
    const drainMs = performance.now() - started;
    const left = load.done - during;
    return [
      {
        name: 'chainer',
        callers,
        postings_per_second: load.perSecond,
        p99_ms: load.p99Ms,
        sealed_under_load: during,
        left_at_the_end: left,
        // What is left waits for the next tick besides, up to 5 s.
        drained_after_s: rounded(drainMs / 1_000),
        ratio: rounded(load.done / Math.max(during, 1), 2),
        ratio_to: 'sealed meanwhile',
      },
    ];
  } finally {
    await chainer.stop();
  }
}

async function sealed({ admin }: GrowthBooks): Promise<number> {
  const { rows } = await admin.query<{ count: number }>('select count(*)::int as count from seal');
  return rows[0]?.count ?? 0;
}
