import { programmeId } from '@points/kernel';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { keysOf, type Happening } from './admissible-order.js';
import { compareKeys, compareLanes } from './check-round.js';
import { inventBatch } from './invent-batch.js';
import type { ModelProgramme } from './model-books.js';
import { dueHolds, expire } from './model-lots.js';
import { dayNumber, iso, midnightAfter } from './model-time.js';
import { post } from './model.js';
import { playLanes } from './play-lanes.js';
import type { Random } from './random.js';
import { dayMs, instantOf, wait, type SimulationFailure, type World } from './world.js';

/** Expiry while postings go on: it may come before, between or after them. */
export async function expireBeside(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  const programme = world.pickProgramme(chance);
  const requests = inventBatch(world, chance, chance.whole(1, 25), (id) => id === programme.id, programme);
  const until = untilWhen(world, chance);
  const isCancelled = chance.chance(0.3);
  const due = dueAccounts(world, programme, until);
  const touched = new Set(requests.flatMap((request) => keysOf({ kind: 'post', request } as Happening)));
  const accounts = new Set([...due, ...[...touched].map((key) => key.slice(programme.id.length + 1))]);
  const lanes = [...accounts].map((account): Happening[] => [
    { kind: 'expire', programme: programme.id, account, until, now: world.now(0), isCertain: !isCancelled && due.has(account) },
  ]);
  world.steps++;
  world.tell(
    [...accounts].map((account) => `${programme.id}/${account}`),
    () => `expiry until ${iso(until)}${isCancelled ? ', cancelled' : ''}, beside what follows`,
  );
  const beside = () =>
    isCancelled
      ? cancelledExpiry(world, chance, programme, until)
      : world.expiry.run(programmeId(programme.id), instantOf(until)).then(() => undefined);
  return playLanes(world, isCancelled ? 'expiry beside, cancelled' : 'expiry beside', chance, [{ number: chance.whole(0, 1), requests }], {
    isCut: false,
    beside,
    lanes,
  });
}

/** Expiry by itself: early, late, twice, cancelled half way and run again; what it says it took must be what the model takes. */
export async function expireAlone(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  const programme = world.pickProgramme(chance);
  const until = untilWhen(world, chance);
  if (chance.chance(0.3)) {
    world.count('expiry cancelled');
    await cancelledExpiry(world, chance, programme, until);
    const lanes = [...dueAccounts(world, programme, until)].map((account): Happening[] => [
      { kind: 'expire', programme: programme.id, account, until, now: world.now(0), isCertain: false },
    ]);
    const failure = await compareLanes(world, 'expiry, cancelled', lanes);
    if (failure) return failure;
  }
  const [expected, keys] = [{ lots: 0, points: 0, holders: 0 }, [] as string[]];
  for (const account of programme.accounts.values()) {
    const { lots, points } = expire(world.books, programme, account, until, world.now(0));
    if (lots === 0) continue;
    keys.push(`${programme.id}/${account.account}`);
    expected.lots += lots;
    expected.points += points;
    expected.holders++;
  }
  const run = () => world.expiry.run(programmeId(programme.id), instantOf(until));
  world.steps++;
  world.count('expiry');
  const now = world.now(0);
  world.tell(keys, () => `${iso(now)} expiry until ${iso(until)}`);
  const isTwice = chance.chance(0.2);
  // The second one at the same time shares the work; together they take everything once.
  const second = isTwice ? new ExpireLots(world.options.database, () => world.instant(0)) : undefined;
  const [one, other] = await Promise.all([run(), second?.run(programmeId(programme.id), instantOf(until))]);
  await second?.close();
  const actual = {
    lots: one.lots + (other?.lots ?? 0),
    points: one.points + (other?.points ?? 0),
    holders: one.holders + (other?.holders ?? 0),
  };
  const failure = await compareKeys(world, 'expiry', keys);
  if (failure || JSON.stringify(actual) === JSON.stringify(expected)) return failure;
  return world.failed('expiry', [`${JSON.stringify(expected)} expected, ${JSON.stringify(actual)} answered`], keys);
}

/** Releases the holds whose time has come, by one process or by two at the same time. */
export async function sweep(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  world.skew = 0;
  const keys: string[] = [];
  let expected = 0;
  for (const programme of world.books.programmes.values()) {
    for (const { account, hold, until } of dueHolds(programme, world.clock)) {
      const request = {
        reference: `ledger:release/${account.account}/${hold}`,
        programme: programme.id,
        account: account.account,
        instruction: { kind: 'release' as const, hold },
        effectiveAt: instantOf(until),
        internal: true,
      };
      const { outcome } = post(world.books, request, world.clock);
      keys.push(`${programme.id}/${account.account}`);
      const now = world.clock;
      world.tell([`${programme.id}/${account.account}`], () => `${iso(now)} sweep releases ${hold} at ${iso(until)}: ${outcome.status}`);
      if (outcome.status === 'posted') expected++;
    }
  }
  world.steps++;
  world.count('sweep');
  const released = await Promise.all(world.sweeps.slice(0, chance.chance(0.3) ? 2 : 1).map((one) => one.run()));
  const actual = released.reduce((sum, one) => sum + one, 0);
  const failure = await compareKeys(world, 'sweep', [...new Set(keys)]);
  return (
    failure ?? (actual === expected ? undefined : world.failed('sweep', [`${expected} holds released expected, ${actual} answered`], keys))
  );
}

/** Shutting the job down in the middle lets the chunk under way end and no other begin. */
async function cancelledExpiry(world: World, chance: Random, programme: ModelProgramme, until: number): Promise<void> {
  const job = new ExpireLots(world.options.database, () => world.instant(0));
  const running = job.run(programmeId(programme.id), instantOf(until)).then(
    () => undefined,
    () => undefined,
  );
  await wait(chance.next() * 8);
  await job.close();
  await running;
}

/** Now, or a time for which somebody is late. */
function untilWhen(world: World, chance: Random): number {
  const now = world.now(0);
  return chance.weighed([
    [6, now],
    [1, now - chance.whole(0, 3 * dayMs)],
    [1, midnightAfter(dayNumber(now)) - dayMs],
  ]);
}

function dueAccounts(world: World, programme: ModelProgramme, until: number): Set<string> {
  const due = new Set<string>();
  for (const account of programme.accounts.values())
    if (account.lots.some((lot) => lot.left > lot.held && lot.end !== null && lot.end <= until)) due.add(account.account);
  return due;
}
