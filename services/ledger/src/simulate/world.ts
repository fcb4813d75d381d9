import { tenants, type Database } from '@points/database';
import { tenantOf, type Instant } from '@points/kernel';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { Door } from '../post/door.js';
import type { AnyRequest } from '../post/request.js';
import { insertProgramme } from '../programmes/programme-store.js';
import { ReleaseHolds } from '../release-holds/release-holds.js';
import { dayAfter, inventRules, programmes } from './invent-programme.js';
import type { Books, Mistake, ModelProgramme } from './model-books.js';
import { iso } from './model-time.js';
import { random, type Random } from './random.js';

export interface SimulationOptions {
  /** Migrated and empty. */
  readonly database: Database;
  /** For the door in a process of its own. */
  readonly url: string;
  readonly seed: number;
  /** An instruction or an event is a step. */
  readonly steps: number;
  /** Makes the model wrong, to see that a difference is found. */
  readonly mistake?: Mistake;
  /** Every so many steps a door in a process of its own is killed, which costs a second; never when absent. */
  readonly killEverySteps?: number;
  readonly onProgress?: (line: string) => void;
}

export interface SimulationFailure {
  readonly step: number;
  readonly round: number;
  readonly what: string;
  readonly differences: readonly string[];
  /** What was asked of the accounts that differ, the latest last. */
  readonly story: readonly string[];
}

/** Two doors and the jobs on one database, the model beside them, a clock, and who there is to ask. */
export class World {
  clock = Date.parse('2024-01-15T03:00:00Z');
  skew = 0;
  steps = 0;
  round = 0;
  readonly doors: readonly Door[];
  readonly sweeps: readonly ReleaseHolds[];
  readonly expiry: ExpireLots;
  readonly holders = new Map<string, { account: string; asked: number }[]>();
  settled: AnyRequest[] = [];
  /** Points that the grants of this round may add, by programme: over all its doors. */
  readonly granted = new Map<string, number>();
  private story: { keys: readonly string[]; line: () => string }[] = [];
  readonly counts: Record<string, number> = {};

  private constructor(
    readonly options: SimulationOptions,
    readonly books: Books,
  ) {
    const { database } = options;
    this.doors = [0, 1].map((number) => new Door({ database, now: () => this.instant(number) }));
    this.sweeps = this.doors.map((door, number) => new ReleaseHolds(database, door, () => this.instant(number)));
    this.expiry = new ExpireLots(database, () => this.instant(0));
  }

  static async open(options: SimulationOptions): Promise<World> {
    const books: Books = { programmes: new Map(), ...(options.mistake && { mistake: options.mistake }) };
    const world = new World(options, books);
    for (const { id, expiry, historyOpen } of programmes) {
      const chance = random(options.seed, -1 - books.programmes.size);
      const rules = inventRules(chance, expiry, world.clock);
      const firstDay = dayAfter(world.clock, -40);
      const setUp = { programme: id, name: id, firstDay, lastDay: null, historyOpen };
      await options.database.transaction(tenants(tenantOf(id)), (tx) => insertProgramme(tx, setUp, rules));
      const versions = [{ version: 1, validFrom: firstDay, rules }];
      books.programmes.set(id, {
        id,
        firstDay,
        lastDay: null,
        lastGrantDay: null,
        historyOpen,
        frozen: false,
        versions,
        accounts: new Map(),
        budgets: {},
        answers: new Map(),
        forgotten: 0,
      });
      world.holders.set(
        id,
        Array.from({ length: holdersPerProgramme }, () => ({ account: `holder:${chance.uuid()}`, asked: 0 })),
      );
    }
    return world;
  }

  async close(): Promise<void> {
    for (const door of this.doors) await door.close();
    await this.expiry.close();
  }

  door(number: number): Door {
    const door = this.doors[number];
    if (!door) throw new Error('assertion failed: there are two doors');
    return door;
  }

  pickProgramme(chance: Random): ModelProgramme {
    return chance.pick([...this.books.programmes.values()]);
  }

  holdersOf(programme: string) {
    const pool = this.holders.get(programme);
    if (!pool) throw new Error('assertion failed: a programme has its holders');
    return pool;
  }

  /** The second door's clock may be wrong. */
  now(door: number): number {
    return door === 0 ? this.clock : this.clock + this.skew;
  }

  instant(door: number): Instant {
    return instantOf(this.now(door));
  }

  /** Words are made only when they are needed. */
  tell(keys: readonly string[], line: () => string): void {
    this.story.push({ keys, line });
    if (this.story.length > 2 * storyMax) this.story = this.story.slice(-storyMax);
  }

  count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  failed(what: string, differences: readonly string[], keys: readonly string[] = []): SimulationFailure {
    const named = new Set([...keys, ...differences.flatMap((difference) => difference.match(/\d{6}-[a-z]+\/holder:[0-9a-f-]{36}/g) ?? [])]);
    const story = this.story.filter((one) => one.keys.some((key) => named.has(key))).slice(-storyShownMax);
    return {
      step: this.steps,
      round: this.round,
      what,
      differences: differences.slice(0, differencesShownMax),
      story: story.map((one) => one.line()),
    };
  }
}

export function instantOf(at: number): Instant {
  // Formed by toISOString, as every Instant.
  return iso(at) as Instant;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const dayMs = 86_400_000;
export const holdersPerProgramme = 12;
const storyMax = 20_000;
const storyShownMax = 40;
const differencesShownMax = 60;
