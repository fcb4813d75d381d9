import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DoorOrder } from './door-process.js';
import { inventBatch, inventIssue } from './invent-batch.js';
import { changeProgramme, freezeAccount, isExceptional, moveClock, retire } from './pass-time.js';
import { expireAlone, expireBeside, sweep } from './play-expiry.js';
import { isShort } from './model-limits.js';
import { playLanes } from './play-lanes.js';
import { together } from './play-together.js';
import type { Random } from './random.js';
import { dayMs, holdersPerProgramme, instantOf, wait, type SimulationFailure, type World } from './world.js';

export async function playRound(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  if (chance.chance(0.7)) moveClock(world, chance);
  world.granted.clear();
  world.skew = chance.chance(0.1) ? chance.whole(-300_000, 300_000) : 0;
  if (chance.chance(0.06)) await changeProgramme(world, chance, world.pickProgramme(chance));
  // A freeze and a last day are exceptions: they end soon.
  for (const programme of world.books.programmes.values())
    if (isExceptional(programme) && chance.chance(0.25)) await changeProgramme(world, chance, programme);
  if (chance.chance(0.08)) await freezeAccount(world, chance);
  retire(world, chance);
  const { killEverySteps = Infinity } = world.options;
  if (world.steps > killEverySteps * ((world.counts['process killed'] ?? 0) + 0.5)) return killProcess(world, chance);
  return chance.weighed<() => Promise<SimulationFailure | undefined>>([
    [40, () => oneDoor(world, chance, false)],
    [14, () => twoDoors(world, chance, false)],
    [11, () => twoDoorsMeet(world, chance, false)],
    [12, () => together(world, chance)],
    [7, () => expireBeside(world, chance)],
    [7, () => expireAlone(world, chance)],
    [6, () => sweep(world, chance)],
    [3, () => oneDoor(world, chance, true)],
    [2, () => twoDoors(world, chance, true)],
    [2, () => twoDoorsMeet(world, chance, true)],
    [0.1, () => harvest(world, chance)],
  ])();
}

/** One batch through one door, in one call or in several that come at once. */
async function oneDoor(world: World, chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
  const number = chance.whole(0, 1);
  const requests = inventBatch(world, chance, sizeOf(chance), () => true);
  return playLanes(world, isCut ? 'one door, connections cut' : 'one door', chance, [{ number, requests }], { isCut });
}

/** Two doors at once, each with holders of its own: nothing is left to chance but the database's own work. */
async function twoDoors(world: World, chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
  const size = sizeOf(chance);
  const lanes = [0, 1].map((number) => ({ number, requests: inventBatch(world, chance, size, (_, index) => index % 2 === number) }));
  return playLanes(world, isCut ? 'two doors, connections cut' : 'two doors', chance, lanes, { isCut });
}

/** Two doors at once with the same few holders, and the same requests among them. */
async function twoDoorsMeet(world: World, chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
  const programme = world.pickProgramme(chance);
  const few = new Set([0, 1, 2].map(() => chance.whole(0, holdersPerProgramme - 1)).slice(0, chance.whole(1, 3)));
  const all = inventBatch(world, chance, chance.whole(2, 14), (id, index) => id === programme.id && few.has(index), programme);
  const lanes = [0, 1].map((number) => ({ number, requests: all.filter(() => chance.chance(0.6)) }));
  return playLanes(world, isCut ? 'two doors meet, connections cut' : 'two doors meet', chance, lanes, { isCut });
}

/** More lots with one end than a run of expiry takes at once, so that a cancelled run stops between two chunks. */
async function harvest(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  const programme = world.pickProgramme(chance);
  if (isShort(programme, harvestLots * harvestPointsMax, world.clock)) return oneDoor(world, chance, false);
  const requests = Array.from({ length: harvestLots }, () => inventIssue(world, chance, programme, harvestPointsMax));
  const failure = await playLanes(world, 'harvest', chance, [{ number: 0, requests }], { isCut: false });
  if (failure) return failure;
  const ends = [...programme.accounts.values()].flatMap((account) =>
    account.lots.flatMap((lot) => (lot.left > lot.held && lot.end !== null && lot.end > world.clock ? [lot.end] : [])),
  );
  if (ends.length > 0) world.clock = Math.min(Math.max(...ends), world.clock + 60 * dayMs);
  return expireAlone(world, chance);
}

const harvestLots = 1_100;
const harvestPointsMax = 9;

/** A door in a process of its own is killed while it works. What became of its requests is learnt by sending them again. */
async function killProcess(world: World, chance: Random): Promise<SimulationFailure | undefined> {
  const requests = inventBatch(world, chance, 250, () => true);
  const child = fork(childProgram, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error('the door’s process ended before it was ready')));
  });
  const order: DoorOrder = { url: world.options.url, now: instantOf(world.clock), requests };
  child.send(order);
  await ready;
  await wait(chance.next() * 60);
  child.kill('SIGKILL');
  await ended;
  world.skew = 0;
  return playLanes(world, 'process killed', chance, [{ number: 0, requests }], { isCut: false, wasLost: true });
}

/** Mostly some dozens, sometimes one, sometimes more than one flush. */
function sizeOf(chance: Random): number {
  return chance.weighed([
    [1, 1],
    [3, chance.whole(2, 10)],
    [8, chance.whole(30, 160)],
    [5, chance.whole(120, 500)],
  ]);
}

/** Compiled, also where this file runs from its source. */
const childProgram = fileURLToPath(new URL('../../dist/simulate/door-process.js', import.meta.url));
