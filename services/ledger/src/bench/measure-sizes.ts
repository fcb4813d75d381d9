import { tenants } from '@points/database';
import type { Instant } from '@points/kernel';
import { balanceAt, balanceNow } from '../statement/balance.js';
import { benchProgramme, holderAccount } from './fill-books.js';
import type { GrowthBooks } from './growth-books.js';
import { closedLoop, forSeconds, median, rounded, type Load, type Measure } from './measures.js';
import { any, spendOne } from './spends.js';

const callers = { posting: 64, balance: 8, balance_past: 8 } as const;
const rounds = 3;
const warmUpSeconds = 3;

type What = keyof typeof callers;
type Size = 'few' | 'many';

/**
 * The same callers with the same number of active holders, spread over all accounts, in a small and in a large ledger. Both take turns,
 * so that what else the machine does meets both; the figure is CPU per call, of this process and of PostgreSQL together.
 */
export async function measureSizes(
  books: Readonly<Record<Size, GrowthBooks>>,
  accounts: Readonly<Record<Size, number>>,
  { seconds, postgresPid }: { seconds: number; postgresPid: number },
): Promise<Measure[]> {
  const active = accounts.few;
  const holder = (size: Size) => any(active) * Math.floor(accounts[size] / active);
  const past = new Date(Date.now() - 3_600_000).toISOString() as Instant;
  const once: Record<What, (size: Size) => Promise<unknown>> = {
    posting: (size) => spendOne(books[size], holder(size)),
    balance: (size) => inTx(books[size], (tx) => balanceNow(tx, benchProgramme, holderAccount(holder(size)), past)),
    balance_past: (size) => inTx(books[size], (tx) => balanceAt(tx, benchProgramme, holderAccount(holder(size)), past)),
  };
  const measures: Measure[] = [];
  for (const what of Object.keys(callers) as What[]) {
    const loads: Record<Size, Load[]> = { few: [], many: [] };
    const run = (size: Size, time: number) =>
      closedLoop(callers[what], forSeconds(time), postgresPid, async () => {
        await once[what](size);
      });
    await run('few', warmUpSeconds);
    await run('many', warmUpSeconds * 2);
    for (let round = 0; round < rounds; round++) for (const size of ['few', 'many'] as const) loads[size].push(await run(size, seconds));
    const few = median(loads.few.map((one) => one.cpuUsEach));
    for (const size of ['few', 'many'] as const) {
      const of = (figure: (load: Load) => number) => rounded(median(loads[size].map(figure)), 2);
      measures.push({
        name: `${what}_${accounts[size]}_accounts`,
        callers: callers[what],
        per_second: of((load) => load.perSecond),
        p50_ms: of((load) => load.p50Ms),
        p99_ms: of((load) => load.p99Ms),
        cpu_us_each: of((load) => load.cpuUsEach),
        ratio: rounded(of((load) => load.cpuUsEach) / few, 2),
        ratio_to: `CPU each with ${accounts.few} accounts`,
      });
    }
  }
  return measures;
}

function inTx<T>({ database }: GrowthBooks, work: Parameters<typeof database.transaction<T>>[1]): Promise<T> {
  return database.transaction(tenants('141305'), work);
}
