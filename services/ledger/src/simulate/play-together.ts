import type { Completed } from '../post/request.js';
import { keysOf, togetherText, type Happening } from './admissible-order.js';
import { compareLanes } from './check-round.js';
import { inventBatch, inventIssue } from './invent-batch.js';
import type { ModelProgramme } from './model-books.js';
import type { Random } from './random.js';
import { holdersPerProgramme, type SimulationFailure, type World } from './world.js';

/** Batches of one programme that are decided in one go, atomic or not, some of them dry runs, through one door or through two at once. */
export async function together(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  const what = 'batches';
  world.count(what);
  const budgeted = [...world.books.programmes.values()].filter((one) => hasBudget(one));
  const programme = budgeted.length > 0 && chance.chance(0.5) ? chance.pick(budgeted) : world.pickProgramme(chance);
  const few = new Set(Array.from({ length: chance.whole(1, 4) }, () => chance.whole(0, holdersPerProgramme - 1)));
  const isFew = (id: string, index: number) => id === programme.id && few.has(index);
  const lanes = [0, 1].slice(0, chance.whole(1, 2)).map((number) =>
    Array.from({ length: chance.whole(1, batchesPerDoorMax) }, () => {
      const requests = inventBatch(world, chance, sizeOf(chance), isFew, programme, true);
      // Large grants, which find the end of a budget.
      if (chance.chance(0.5)) requests.push(inventIssue(world, chance, programme, 800), inventIssue(world, chance, programme, 800));
      // Nobody is told by event of a batch.
      for (const request of requests) delete (request as { announce?: unknown }).announce;
      return { number, requests, atomic: chance.chance(0.6), dryRun: chance.chance(0.2) };
    }),
  );
  const happened: Happening[][] = [];
  try {
    const results = await Promise.all(lanes.map((lane) => Promise.all(lane.map((unit) => world.door(unit.number).postTogether(unit)))));
    lanes.forEach((lane, place) =>
      happened.push(
        lane.map(({ number, requests, atomic, dryRun }, index): Happening => {
          // The door answers every batch that it takes.
          return { kind: 'together', requests, atomic, dryRun, now: world.now(number), results: results[place]?.[index] as Completed[] };
        }),
      ),
    );
  } catch (error) {
    return world.failed(what, [String(error instanceof Error ? error.stack : error)]);
  }
  for (const one of happened.flat()) {
    if (one.kind !== 'together') continue;
    world.steps += one.requests.length;
    world.tell(keysOf(one), () => togetherText(one));
    const isRefused = one.results.some(({ outcome }) => outcome.status === 'refused');
    world.count(`${one.dryRun ? 'dry run of a batch' : one.atomic ? 'atomic batch' : 'batch'}${isRefused ? ' with a refusal' : ''}`);
    for (const { outcome } of one.results)
      if (outcome.status === 'refused' && outcome.code === 'cap-exceeded') world.count(`cap ${String(outcome.facts?.['cap'])}`);
  }
  return compareLanes(world, what, happened);
}

function hasBudget({ versions }: ModelProgramme): boolean {
  return (versions.at(-1)?.rules.limits ?? []).some((limit) => limit.kind === 'budget');
}

/** Half of them so small that an atomic one has a chance. */
function sizeOf(chance: Random): number {
  return chance.chance(0.5) ? chance.whole(1, 3) : chance.whole(2, 12);
}

/** Two doors with three each can come in twenty orders. */
const batchesPerDoorMax = 3;
