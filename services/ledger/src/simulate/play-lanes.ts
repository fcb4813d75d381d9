import { isTransient } from '@points/database';
import type { Result } from '../post/door.js';
import type { AnyRequest, Completed } from '../post/request.js';
import { completedText, keysOf, requestText, type Happening } from './admissible-order.js';
import { compareAnnounced, compareBalance, compareLanes } from './check-round.js';
import type { Random } from './random.js';
import { wait, type SimulationFailure, type World } from './world.js';

/** Sends every lane through its door at once, asks again for lost answers, and compares. */
export async function playLanes(
  world: World,
  what: string,
  chance: Random,
  lanes: readonly { readonly number: number; readonly requests: readonly AnyRequest[] }[],
  how: { isCut: boolean; wasLost?: boolean; beside?: () => Promise<void>; lanes?: Happening[][] },
): Promise<SimulationFailure | undefined> {
  world.count(what);
  world.steps += lanes.reduce((sum, lane) => sum + lane.requests.length, 0);
  const cut = how.isCut ? cutConnections(world, chance) : undefined;
  const [results] = await Promise.all([
    Promise.all(lanes.map(({ number, requests }) => settle(world, chance, number, requests))),
    how.beside?.(),
    cut,
  ]);

  const happened: Happening[][] = [...(how.lanes ?? [])];
  const lost: { number: number; request: AnyRequest }[] = [];
  const bugs: string[] = [];
  lanes.forEach(({ number, requests }, lane) => {
    const done: Happening[] = [];
    requests.forEach((request, index) => {
      const result = results[lane]?.[index];
      if (result === undefined || result instanceof Error) {
        lost.push({ number, request });
        if (!how.isCut || !isTransient(result)) bugs.push(`${requestText(request, world.now(number))}: ${result?.stack ?? 'no result'}`);
      } else done.push({ kind: 'post', request, now: world.now(number), result, wasLost: how.isCut || how.wasLost === true });
    });
    happened.push(done);
  });
  if (bugs.length > 0) return world.failed(what, bugs);
  for (const number of [0, 1]) {
    // A request whose answer was lost may have been carried out before or after those behind it.
    const again = lost.filter((one) => one.number === number).map((one) => one.request);
    if (again.length === 0) continue;
    world.count('lost answers', again.length);
    const results = await world.door(number).post(again);
    happened.push(
      again.map((request, index) => ({
        kind: 'post',
        request,
        now: world.now(number),
        // The door answers every request.
        result: results[index] as Completed,
        wasLost: true,
      })),
    );
  }
  for (const lane of happened) {
    for (const one of lane) {
      if (one.kind !== 'post') continue;
      world.tell(keysOf(one), () => `${requestText(one.request, one.now)}: ${completedText(one.result)}`);
      const { outcome } = one.result;
      world.count(`${one.request.instruction.kind} ${outcome.status === 'posted' ? 'posted' : outcome.code}`);
    }
  }
  const failure =
    (await compareLanes(world, what, happened)) ??
    (await compareAnnounced(world, what, happened)) ??
    (await compareBalance(world, what, chance, happened));
  if (!failure)
    remember(
      world,
      lanes.flatMap((lane) => lane.requests),
    );
  return failure;
}

function settle(world: World, chance: Random, number: number, requests: readonly AnyRequest[]): Promise<Result[]> {
  const door = world.door(number);
  if (requests.length < 4 || chance.chance(0.6)) return door.settle(requests);
  const third = Math.ceil(requests.length / 3);
  return Promise.all([0, 1, 2].map((part) => door.settle(requests.slice(part * third, (part + 1) * third)))).then((parts) => parts.flat());
}

async function cutConnections(world: World, chance: Random): Promise<void> {
  await wait(chance.next() * 12);
  await world.options.database.pool.query(cutPipelines);
}

/** A few hundred that may come again, later. */
function remember(world: World, requests: readonly AnyRequest[]): void {
  const pools = new Set([...world.holders.values()].flatMap((pool) => pool.map((one) => one.account)));
  world.settled = [...world.settled, ...requests.filter((one) => pools.has(one.account))].slice(-settledMax);
}

const settledMax = 600;
const cutPipelines = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name like '%-pipeline' and datname = current_database() and usename = current_user`;
