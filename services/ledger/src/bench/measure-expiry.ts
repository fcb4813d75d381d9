import type { Instant } from '@points/kernel';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { benchProgramme } from './fill-books.js';
import { addEndedLots, type GrowthBooks } from './growth-books.js';
import { cpuMsOf } from '@points/infrastructure';
import { closedLoop, forSeconds, rounded, type Measure } from './measures.js';
import { any, spendOne } from './spends.js';

const callers = 64;

/** Ended lots of a night: beside one raw UPDATE of as many of them, and beside postings. */
export async function measureExpiry(
  books: GrowthBooks,
  { accounts, ended }: { accounts: number; ended: number },
  { seconds, postgresPid }: { seconds: number; postgresPid: number },
): Promise<Measure[]> {
  const now = (): Instant => new Date().toISOString() as Instant;
  const expiry = new ExpireLots(books.database, now);
  try {
    await addEndedLots(books, ended, 11);
    const update = await timed(postgresPid, () => books.admin.query(rawUpdate, [benchProgramme]));
    await books.admin.query(undoUpdate, [benchProgramme]);
    await books.admin.query('vacuum analyze lot');
    await books.admin.query('checkpoint');
    const alone = await timed(postgresPid, () => expiry.run(benchProgramme, now()));
    if (alone.result.lots !== ended) throw new Error(`${ended} lots ended, ${alone.result.lots} expired`);

    await addEndedLots(books, ended, 12);
    const post = () => spendOne(books, any(accounts));
    await closedLoop(callers, forSeconds(seconds), postgresPid, post);
    const usual = await closedLoop(callers, forSeconds(seconds * 2), postgresPid, post);
    let isOver = false;
    const [beside, run] = await Promise.all([
      closedLoop(callers, () => isOver, postgresPid, post),
      timed(postgresPid, () => expiry.run(benchProgramme, now())).finally(() => (isOver = true)),
    ]);
    if (run.result.lots !== ended) throw new Error(`${ended} lots ended, ${run.result.lots} expired`);
    return [
      {
        name: 'expiry',
        lots: ended,
        seconds: rounded(alone.ms / 1_000),
        update_seconds: rounded(update.ms / 1_000),
        cpu_us_per_lot: rounded(alone.cpuUs / ended),
        update_cpu_us_per_lot: rounded(update.cpuUs / ended),
        cpu_ratio: rounded(alone.cpuUs / update.cpuUs, 2),
        ratio: rounded(alone.ms / update.ms, 2),
        ratio_to: 'one raw UPDATE of as many lots',
      },
      {
        name: 'posting_during_expiry',
        callers,
        per_second: beside.perSecond,
        usual_per_second: usual.perSecond,
        p99_ms: beside.p99Ms,
        usual_p99_ms: usual.p99Ms,
        expiry_seconds: rounded(run.ms / 1_000),
        ratio: rounded(beside.p99Ms / usual.p99Ms, 2),
        ratio_to: 'p99 without expiry',
      },
    ];
  } finally {
    await expiry.close();
  }
}

/** CPU is this process's and PostgreSQL's together. */
async function timed<T>(postgresPid: number, work: () => Promise<T>): Promise<{ ms: number; cpuUs: number; result: T }> {
  const before = { own: process.cpuUsage(), server: cpuMsOf(postgresPid) * 1_000, at: performance.now() };
  const result = await work();
  const own = process.cpuUsage(before.own);
  return { ms: performance.now() - before.at, cpuUs: own.user + own.system + cpuMsOf(postgresPid) * 1_000 - before.server, result };
}

/** The same rows, found in the same way, and nothing else: no account, no transfer, no entries, no draw. */
const rawUpdate = `update lot set remaining = 0, expired = amount where programme = $1 and open and expires_at <= now()`;
const undoUpdate = `update lot set remaining = amount, expired = 0 where programme = $1 and not open and expired = amount`;
