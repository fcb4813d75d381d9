import { everyTenant, tenants } from '@points/database';
import { tenantOf } from '@points/kernel';
import type { Completed } from '../post/request.js';
import { balanceAt } from '../statement/balance.js';
import { compareAccounts, compareRound, keysOf, type Happening } from './admissible-order.js';
import { readAccounts } from './compare.js';
import { heldOf } from './model-books.js';
import { worth } from './model-lots.js';
import { iso } from './model-time.js';
import type { Random } from './random.js';
import { instantOf, type SimulationFailure, type World } from './world.js';

export async function compareLanes(world: World, what: string, lanes: readonly Happening[][]): Promise<SimulationFailure | undefined> {
  const keys = [...new Set(lanes.flatMap((lane) => lane.flatMap((one) => keysOf(one))))];
  const stored = await readAccounts(world.options.database, wanted(world, keys));
  const differences = compareRound(world.books, lanes, stored);
  return differences.length > 0 ? world.failed(what, differences) : undefined;
}

export async function compareKeys(world: World, what: string, keys: readonly string[]): Promise<SimulationFailure | undefined> {
  if (keys.length === 0) return undefined;
  const stored = await readAccounts(world.options.database, wanted(world, keys));
  const differences = compareAccounts(world.books, keys, stored);
  return differences.length > 0 ? world.failed(what, differences) : undefined;
}

/** Whoever asked by event was told, once for each time he asked, and what he was told is the outcome. */
export async function compareAnnounced(world: World, what: string, lanes: readonly Happening[][]): Promise<SimulationFailure | undefined> {
  const asked = lanes.flat().flatMap((one) => (one.kind === 'post' && one.request.announce ? [one] : []));
  if (asked.length === 0) return undefined;
  const rows = await world.options.database.transaction(everyTenant, (tx) =>
    tx.query<{ payload: string }>(`with told as (delete from outbox returning id, payload) select payload from told order by id`),
  );
  const text = (reference: string, { outcome, completedAt }: Pick<Completed, 'outcome' | 'completedAt'>) =>
    `${reference} ${completedAt} ${outcome.status === 'posted' ? `${outcome.posting} ${outcome.balance} ${outcome.available}` : `${outcome.code}`}`;
  const told = new Map<string, number>();
  for (const { payload } of rows) {
    const event = JSON.parse(payload) as Completed & { reference: string };
    const key = text(event.reference, event);
    told.set(key, (told.get(key) ?? 0) + 1);
  }
  const differences: string[] = [];
  for (const { request, result, wasLost } of asked) {
    const key = text(request.reference, result);
    const left = told.get(key) ?? 0;
    if (left > 0) told.set(key, wasLost ? left : left - 1);
    else differences.push(`nothing was told of ${key}`);
  }
  if (asked.every((one) => !one.wasLost))
    for (const [key, left] of told) if (left > 0) differences.push(`told ${left} times too often: ${key}`);
  return differences.length > 0 ? world.failed(what, differences) : undefined;
}

/** The balance that a holder would read now. */
export async function compareBalance(
  world: World,
  what: string,
  chance: Random,
  lanes: readonly Happening[][],
): Promise<SimulationFailure | undefined> {
  const posts = lanes.flat().filter((one) => one.kind === 'post');
  if (posts.length === 0 || !chance.chance(0.3)) return undefined;
  const { programme: id, account } = chance.pick(posts).request;
  const model = world.books.programmes.get(id)?.accounts.get(account);
  if (!model) return undefined;
  const at = Math.max(world.clock, model.latest);
  const read = await world.options.database.transaction(tenants(tenantOf(id)), (tx) => balanceAt(tx, id, account, instantOf(at)));
  const expected = {
    posted: worth(world.books, model, at).balance,
    held: heldOf(model),
    available: worth(world.books, model, at).available,
  };
  const actual = { posted: read.posted, held: read.held, available: read.available };
  if (JSON.stringify(expected) === JSON.stringify(actual)) return undefined;
  return world.failed(
    what,
    [`balance of ${account} at ${iso(at)}: ${JSON.stringify(expected)} expected, ${JSON.stringify(actual)} read`],
    [`${id}/${account}`],
  );
}

function wanted(world: World, keys: readonly string[]) {
  return keys.map((key) => {
    const slash = key.indexOf('/');
    const [programme, account] = [key.slice(0, slash), key.slice(slash + 1)];
    return { programme, account, model: world.books.programmes.get(programme)?.accounts.get(account) };
  });
}
