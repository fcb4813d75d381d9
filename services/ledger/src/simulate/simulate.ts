import { checkWhole } from './check-whole.js';
import { iso } from './model-time.js';
import { playRound } from './play-round.js';
import { random } from './random.js';
import { World, type SimulationFailure, type SimulationOptions } from './world.js';

export type { SimulationOptions };

export interface Simulated {
  readonly seed: number;
  readonly steps: number;
  readonly rounds: number;
  readonly seconds: number;
  /** How often each kind of thing was done, and each outcome was given. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failure?: SimulationFailure;
}

/**
 * Sends what a seed invents through two doors on one database and carries the same out in the model; after every round the
 * outcomes and every account it touched must be the same on both sides. A round's chance comes from the seed and its number
 * alone, so a replay asks the same even where the database may choose between orders.
 */
export async function simulate(options: SimulationOptions): Promise<Simulated> {
  const world = await World.open(options);
  try {
    return await run(world);
  } finally {
    await world.close();
  }
}

async function run(world: World): Promise<Simulated> {
  const { seed, steps, onProgress } = world.options;
  const started = performance.now();
  const checkEvery = Math.max(checkStepsMin, Math.floor(steps / 10));
  let [checked, failure] = [0, undefined as SimulationFailure | undefined];
  while (world.steps < steps && !failure) {
    failure = await playRound(world, random(seed, world.round));
    world.round++;
    if (!failure && (world.steps - checked >= checkEvery || world.steps >= steps)) {
      checked = world.steps;
      const differences = await checkWhole(world.options.database, world.books);
      if (differences.length > 0) failure = world.failed('check of everything', differences);
      onProgress?.(
        `seed ${seed}: ${world.steps} steps, ${world.round} rounds, ${Math.round(world.steps / ((performance.now() - started) / 1000))} steps/s, ${iso(world.clock)}`,
      );
    }
  }
  return {
    seed,
    steps: world.steps,
    rounds: world.round,
    seconds: (performance.now() - started) / 1000,
    counts: world.counts,
    ...(failure && { failure }),
  };
}

/** A check of everything reads every row; the first comes after some seconds. */
const checkStepsMin = 5_000;
