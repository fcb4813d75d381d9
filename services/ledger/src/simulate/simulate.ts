import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { everyTenant, isTransient, tenants, type Database } from '@points/database';
import { points, programmeId, tenantOf, type Instant, type LocalDate } from '@points/kernel';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { Door, type Result } from '../post/door.js';
import type { AnyRequest, Completed } from '../post/request.js';
import { insertProgramme, insertRules, updateProgramme } from '../programmes/programme-store.js';
import { ReleaseHolds } from '../release-holds/release-holds.js';
import type { Expiry } from '../rules/programme.js';
import { balanceAt } from '../statement/balance.js';
import { compareAccounts, compareRound, completedText, keysOf, requestText, type Happening } from './admissible-order.js';
import { checkWhole } from './check-whole.js';
import { readAccounts } from './compare.js';
import type { DoorOrder } from './door-process.js';
import { invent } from './invent.js';
import { dayAfter, inventRules, programmes } from './invent-programme.js';
import {
  dueHolds,
  expire,
  heldOf,
  iso,
  midnightAfter,
  dayNumber,
  post,
  worth,
  type Books,
  type Mistake,
  type ModelProgramme,
} from './model.js';
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

export interface Simulated {
  readonly seed: number;
  readonly steps: number;
  readonly rounds: number;
  readonly seconds: number;
  /** How often each kind of thing was done, and each outcome was given. */
  readonly counts: Readonly<Record<string, number>>;
  readonly failure?: SimulationFailure;
}

export interface SimulationFailure {
  readonly step: number;
  readonly round: number;
  readonly what: string;
  readonly differences: readonly string[];
  /** What was asked of the accounts that differ, the latest last. */
  readonly story: readonly string[];
}

/**
 * Sends what a seed invents through two doors on one database and carries the same out in the model; after every round the
 * outcomes and every account it touched must be the same on both sides. A round's chance comes from the seed and its number
 * alone, so a replay asks the same even where the database may choose between orders.
 */
export async function simulate(options: SimulationOptions): Promise<Simulated> {
  const world = await World.open(options);
  try {
    return await world.run();
  } finally {
    await world.close();
  }
}

class World {
  private clock = Date.parse('2024-01-15T03:00:00Z');
  private skew = 0;
  private steps = 0;
  private round = 0;
  private readonly doors: readonly Door[];
  private readonly sweeps: readonly ReleaseHolds[];
  private readonly expiry: ExpireLots;
  private readonly holders = new Map<string, { account: string; asked: number }[]>();
  private settled: AnyRequest[] = [];
  private story: { keys: readonly string[]; line: () => string }[] = [];
  private readonly counts: Record<string, number> = {};

  private constructor(
    private readonly options: SimulationOptions,
    private readonly books: Books,
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

  async run(): Promise<Simulated> {
    const { seed, steps, onProgress } = this.options;
    const started = performance.now();
    const checkEvery = Math.max(checkStepsMin, Math.floor(steps / 10));
    let [checked, failure] = [0, undefined as SimulationFailure | undefined];
    while (this.steps < steps && !failure) {
      failure = await this.playRound(random(seed, this.round));
      this.round++;
      if (!failure && (this.steps - checked >= checkEvery || this.steps >= steps)) {
        checked = this.steps;
        const differences = await checkWhole(this.options.database, this.books);
        if (differences.length > 0) failure = this.failed('check of everything', differences);
        onProgress?.(
          `seed ${seed}: ${this.steps} steps, ${this.round} rounds, ${Math.round(this.steps / ((performance.now() - started) / 1000))} steps/s, ${iso(this.clock)}`,
        );
      }
    }
    return {
      seed,
      steps: this.steps,
      rounds: this.round,
      seconds: (performance.now() - started) / 1000,
      counts: this.counts,
      ...(failure && { failure }),
    };
  }

  private async playRound(chance: Random): Promise<SimulationFailure | undefined> {
    if (chance.chance(0.7)) this.moveClock(chance);
    this.skew = chance.chance(0.1) ? chance.whole(-300_000, 300_000) : 0;
    if (chance.chance(0.06)) await this.changeProgramme(chance, this.pickProgramme(chance));
    // A freeze and a last day are exceptions: they end soon.
    for (const programme of this.books.programmes.values())
      if (isExceptional(programme) && chance.chance(0.25)) await this.changeProgramme(chance, programme);
    if (chance.chance(0.08)) await this.freezeAccount(chance);
    this.retire(chance);
    const { killEverySteps = Infinity } = this.options;
    if (this.steps > killEverySteps * ((this.counts['process killed'] ?? 0) + 0.5)) return this.killProcess(chance);
    return chance.weighed<() => Promise<SimulationFailure | undefined>>([
      [40, () => this.oneDoor(chance, false)],
      [14, () => this.twoDoors(chance, false)],
      [11, () => this.twoDoorsMeet(chance, false)],
      [7, () => this.expireBeside(chance)],
      [7, () => this.expireAlone(chance)],
      [6, () => this.sweep(chance)],
      [3, () => this.oneDoor(chance, true)],
      [2, () => this.twoDoors(chance, true)],
      [2, () => this.twoDoorsMeet(chance, true)],
      [0.1, () => this.harvest(chance)],
    ])();
  }

  /** One batch through one door, in one call or in several that come at once. */
  private async oneDoor(chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
    const number = chance.whole(0, 1);
    const requests = this.inventBatch(chance, sizeOf(chance), () => true);
    return this.playLanes(isCut ? 'one door, connections cut' : 'one door', chance, [{ number, requests }], { isCut });
  }

  /** Two doors at once, each with holders of its own: nothing is left to chance but the database's own work. */
  private async twoDoors(chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
    const size = sizeOf(chance);
    const lanes = [0, 1].map((number) => ({ number, requests: this.inventBatch(chance, size, (_, index) => index % 2 === number) }));
    return this.playLanes(isCut ? 'two doors, connections cut' : 'two doors', chance, lanes, { isCut });
  }

  /** Two doors at once with the same few holders, and the same requests among them. */
  private async twoDoorsMeet(chance: Random, isCut: boolean): Promise<SimulationFailure | undefined> {
    const programme = this.pickProgramme(chance);
    const few = new Set([0, 1, 2].map(() => chance.whole(0, holdersPerProgramme - 1)).slice(0, chance.whole(1, 3)));
    const all = this.inventBatch(chance, chance.whole(2, 14), (id, index) => id === programme.id && few.has(index), programme);
    const lanes = [0, 1].map((number) => ({ number, requests: all.filter(() => chance.chance(0.6)) }));
    return this.playLanes(isCut ? 'two doors meet, connections cut' : 'two doors meet', chance, lanes, { isCut });
  }

  /** Expiry while postings go on: it may come before, between or after them. */
  private async expireBeside(chance: Random): Promise<SimulationFailure | undefined> {
    const programme = this.pickProgramme(chance);
    const requests = this.inventBatch(chance, chance.whole(1, 25), (id) => id === programme.id, programme);
    const until = this.untilWhen(chance);
    const isCancelled = chance.chance(0.3);
    const due = this.dueAccounts(programme, until);
    const touched = new Set(requests.flatMap((request) => keysOf({ kind: 'post', request } as Happening)));
    const accounts = new Set([...due, ...[...touched].map((key) => key.slice(programme.id.length + 1))]);
    const lanes = [...accounts].map((account): Happening[] => [
      { kind: 'expire', programme: programme.id, account, until, now: this.now(0), isCertain: !isCancelled && due.has(account) },
    ]);
    this.steps++;
    this.tell(
      [...accounts].map((account) => `${programme.id}/${account}`),
      () => `expiry until ${iso(until)}${isCancelled ? ', cancelled' : ''}, beside what follows`,
    );
    const beside = () =>
      isCancelled
        ? this.cancelledExpiry(chance, programme, until)
        : this.expiry.run(programmeId(programme.id), instantOf(until)).then(() => undefined);
    return this.playLanes(isCancelled ? 'expiry beside, cancelled' : 'expiry beside', chance, [{ number: chance.whole(0, 1), requests }], {
      isCut: false,
      beside,
      lanes,
    });
  }

  /** Expiry by itself: early, late, twice, cancelled half way and run again; what it says it took must be what the model takes. */
  private async expireAlone(chance: Random): Promise<SimulationFailure | undefined> {
    const programme = this.pickProgramme(chance);
    const until = this.untilWhen(chance);
    if (chance.chance(0.3)) {
      this.count('expiry cancelled');
      await this.cancelledExpiry(chance, programme, until);
      const lanes = [...this.dueAccounts(programme, until)].map((account): Happening[] => [
        { kind: 'expire', programme: programme.id, account, until, now: this.now(0), isCertain: false },
      ]);
      const failure = await this.compare('expiry, cancelled', lanes);
      if (failure) return failure;
    }
    const [expected, keys] = [{ lots: 0, points: 0, holders: 0 }, [] as string[]];
    for (const account of programme.accounts.values()) {
      const { lots, points } = expire(this.books, programme, account, until, this.now(0));
      if (lots === 0) continue;
      keys.push(`${programme.id}/${account.account}`);
      expected.lots += lots;
      expected.points += points;
      expected.holders++;
    }
    const run = () => this.expiry.run(programmeId(programme.id), instantOf(until));
    this.steps++;
    this.count('expiry');
    const now = this.now(0);
    this.tell(keys, () => `${iso(now)} expiry until ${iso(until)}`);
    const isTwice = chance.chance(0.2);
    // The second one at the same time shares the work; together they take everything once.
    const second = isTwice ? new ExpireLots(this.options.database, () => this.instant(0)) : undefined;
    const [one, other] = await Promise.all([run(), second?.run(programmeId(programme.id), instantOf(until))]);
    await second?.close();
    const actual = {
      lots: one.lots + (other?.lots ?? 0),
      points: one.points + (other?.points ?? 0),
      holders: one.holders + (other?.holders ?? 0),
    };
    const failure = await this.compareKeys('expiry', keys);
    if (failure || JSON.stringify(actual) === JSON.stringify(expected)) return failure;
    return this.failed('expiry', [`${JSON.stringify(expected)} expected, ${JSON.stringify(actual)} answered`], keys);
  }

  /** Releases the holds whose time has come, by one process or by two at the same time. */
  private async sweep(chance: Random): Promise<SimulationFailure | undefined> {
    this.skew = 0;
    const keys: string[] = [];
    let expected = 0;
    for (const programme of this.books.programmes.values()) {
      for (const { account, hold, until } of dueHolds(programme, this.clock)) {
        const request = {
          reference: `ledger:release/${account.account}/${hold}`,
          programme: programme.id,
          account: account.account,
          instruction: { kind: 'release' as const, hold },
          effectiveAt: instantOf(until),
          internal: true,
        };
        const { outcome } = post(this.books, request, this.clock);
        keys.push(`${programme.id}/${account.account}`);
        const now = this.clock;
        this.tell([`${programme.id}/${account.account}`], () => `${iso(now)} sweep releases ${hold} at ${iso(until)}: ${outcome.status}`);
        if (outcome.status === 'posted') expected++;
      }
    }
    this.steps++;
    this.count('sweep');
    const released = await Promise.all(this.sweeps.slice(0, chance.chance(0.3) ? 2 : 1).map((one) => one.run()));
    const actual = released.reduce((sum, one) => sum + one, 0);
    const failure = await this.compareKeys('sweep', [...new Set(keys)]);
    return (
      failure ?? (actual === expected ? undefined : this.failed('sweep', [`${expected} holds released expected, ${actual} answered`], keys))
    );
  }

  /** More lots with one end than a run of expiry takes at once, so that a cancelled run stops between two chunks. */
  private async harvest(chance: Random): Promise<SimulationFailure | undefined> {
    const programme = this.pickProgramme(chance);
    const requests = Array.from({ length: 1100 }, () => this.inventIssue(chance, programme));
    const failure = await this.playLanes('harvest', chance, [{ number: 0, requests }], { isCut: false });
    if (failure) return failure;
    const ends = [...programme.accounts.values()].flatMap((account) =>
      account.lots.flatMap((lot) => (lot.left > lot.held && lot.end !== null && lot.end > this.clock ? [lot.end] : [])),
    );
    if (ends.length > 0) this.clock = Math.min(Math.max(...ends), this.clock + 60 * dayMs);
    return this.expireAlone(chance);
  }

  /** A door in a process of its own is killed while it works. What became of its requests is learnt by sending them again. */
  private async killProcess(chance: Random): Promise<SimulationFailure | undefined> {
    const requests = this.inventBatch(chance, 250, () => true);
    const child = fork(childProgram, { stdio: 'ignore' });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const ready = new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error('the door’s process ended before it was ready')));
    });
    const order: DoorOrder = { url: this.options.url, now: instantOf(this.clock), requests };
    child.send(order);
    await ready;
    await wait(chance.next() * 60);
    child.kill('SIGKILL');
    await ended;
    this.skew = 0;
    return this.playLanes('process killed', chance, [{ number: 0, requests }], { isCut: false, wasLost: true });
  }

  /** Sends every lane through its door at once, asks again for lost answers, and compares. */
  private async playLanes(
    what: string,
    chance: Random,
    lanes: readonly { readonly number: number; readonly requests: readonly AnyRequest[] }[],
    how: { isCut: boolean; wasLost?: boolean; beside?: () => Promise<void>; lanes?: Happening[][] },
  ): Promise<SimulationFailure | undefined> {
    this.count(what);
    this.steps += lanes.reduce((sum, lane) => sum + lane.requests.length, 0);
    const cut = how.isCut ? this.cutConnections(chance) : undefined;
    const [beside, ...results] = await Promise.all([
      how.beside?.(),
      ...lanes.map(({ number, requests }) => this.settle(chance, number, requests)),
    ]);
    void beside;
    await cut;

    const happened: Happening[][] = [...(how.lanes ?? [])];
    const lost: { number: number; request: AnyRequest }[] = [];
    const bugs: string[] = [];
    lanes.forEach(({ number, requests }, lane) => {
      const done: Happening[] = [];
      requests.forEach((request, index) => {
        const result = results[lane]?.[index];
        if (result === undefined || result instanceof Error) {
          lost.push({ number, request });
          if (!how.isCut || !isTransient(result)) bugs.push(`${requestText(request, this.now(number))}: ${result?.stack ?? 'no result'}`);
        } else done.push({ kind: 'post', request, now: this.now(number), result, wasLost: how.isCut || how.wasLost === true });
      });
      happened.push(done);
    });
    if (bugs.length > 0) return this.failed(what, bugs);
    for (const number of [0, 1]) {
      // A request whose answer was lost may have been carried out before or after those behind it.
      const again = lost.filter((one) => one.number === number).map((one) => one.request);
      if (again.length === 0) continue;
      this.count('lost answers', again.length);
      const results = await (this.doors[number] as Door).post(again);
      happened.push(
        again.map((request, index) => ({
          kind: 'post',
          request,
          now: this.now(number),
          result: results[index] as Completed,
          wasLost: true,
        })),
      );
    }
    for (const lane of happened) {
      for (const one of lane) {
        if (one.kind !== 'post') continue;
        this.tell(keysOf(one), () => `${requestText(one.request, one.now)}: ${completedText(one.result)}`);
        const { outcome } = one.result;
        this.count(`${one.request.instruction.kind} ${outcome.status === 'posted' ? 'posted' : outcome.code}`);
      }
    }
    const failure =
      (await this.compare(what, happened)) ??
      (await this.compareAnnounced(what, happened)) ??
      (await this.compareBalance(what, chance, happened));
    if (!failure) this.remember(lanes.flatMap((lane) => lane.requests));
    return failure;
  }

  private settle(chance: Random, number: number, requests: readonly AnyRequest[]): Promise<Result[]> {
    const door = this.doors[number] as Door;
    if (requests.length < 4 || chance.chance(0.6)) return door.settle(requests);
    const third = Math.ceil(requests.length / 3);
    return Promise.all([0, 1, 2].map((part) => door.settle(requests.slice(part * third, (part + 1) * third)))).then((parts) =>
      parts.flat(),
    );
  }

  private async compare(what: string, lanes: readonly Happening[][]): Promise<SimulationFailure | undefined> {
    const keys = [...new Set(lanes.flatMap((lane) => lane.flatMap((one) => keysOf(one))))];
    const stored = await readAccounts(this.options.database, this.wanted(keys));
    const differences = compareRound(this.books, lanes, stored);
    return differences.length > 0 ? this.failed(what, differences) : undefined;
  }

  private async compareKeys(what: string, keys: readonly string[]): Promise<SimulationFailure | undefined> {
    if (keys.length === 0) return undefined;
    const stored = await readAccounts(this.options.database, this.wanted(keys));
    const differences = compareAccounts(this.books, keys, stored);
    return differences.length > 0 ? this.failed(what, differences) : undefined;
  }

  /** Whoever asked by event was told, once for each time he asked, and what he was told is the outcome. */
  private async compareAnnounced(what: string, lanes: readonly Happening[][]): Promise<SimulationFailure | undefined> {
    const asked = lanes.flat().flatMap((one) => (one.kind === 'post' && one.request.announce ? [one] : []));
    if (asked.length === 0) return undefined;
    const rows = await this.options.database.transaction(everyTenant, (tx) =>
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
    return differences.length > 0 ? this.failed(what, differences) : undefined;
  }

  /** The balance that a holder would read now. */
  private async compareBalance(what: string, chance: Random, lanes: readonly Happening[][]): Promise<SimulationFailure | undefined> {
    const posts = lanes.flat().filter((one) => one.kind === 'post');
    if (posts.length === 0 || !chance.chance(0.3)) return undefined;
    const { programme: id, account } = chance.pick(posts).request;
    const model = this.books.programmes.get(id)?.accounts.get(account);
    if (!model) return undefined;
    const at = Math.max(this.clock, model.latest);
    const read = await this.options.database.transaction(tenants(tenantOf(id)), (tx) => balanceAt(tx, id, account, instantOf(at)));
    const expected = {
      posted: worth(this.books, model, at).balance,
      held: heldOf(model),
      available: worth(this.books, model, at).available,
    };
    const actual = { posted: read.posted, held: read.held, available: read.available };
    if (JSON.stringify(expected) === JSON.stringify(actual)) return undefined;
    return this.failed(
      what,
      [`balance of ${account} at ${iso(at)}: ${JSON.stringify(expected)} expected, ${JSON.stringify(actual)} read`],
      [`${id}/${account}`],
    );
  }

  private inventBatch(
    chance: Random,
    size: number,
    mayAsk: (programme: string, index: number) => boolean,
    only?: ModelProgramme,
  ): AnyRequest[] {
    const round: AnyRequest[] = [];
    const announces = chance.chance(0.25);
    for (let number = 0; number < size; number++) {
      const programme = only ?? this.pickProgramme(chance);
      const holders = this.holdersOf(programme.id).filter((_, index) => mayAsk(programme.id, index));
      const request = invent({
        random: chance,
        books: this.books,
        clock: this.clock,
        programme,
        holders: holders.map((one) => one.account),
        settled: this.settled,
        round,
        announces,
      });
      const holder = holders.find((one) => one.account === request.account);
      if (holder) holder.asked++;
      round.push(request);
    }
    return round;
  }

  private inventIssue(chance: Random, programme: ModelProgramme): AnyRequest {
    const { account } = chance.pick(this.holdersOf(programme.id));
    return {
      reference: `simulation:${chance.uuid()}`,
      programme: programmeId(programme.id),
      account,
      instruction: { kind: 'issue', amount: points(chance.whole(1, 9)), source: 'campaign', funding: 'free' },
      actor: 'simulation',
    };
  }

  /** To midnights and ends and the milliseconds around them, by minutes, by weeks, and back. */
  private moveClock(chance: Random): void {
    const midnight = midnightAfter(dayNumber(this.clock));
    const ends = this.endsAhead(chance);
    const near = chance.weighed([
      [3, 0],
      [2, -1],
      [1, 1],
    ]);
    this.clock = chance.weighed([
      [40, this.clock + chance.whole(0, 20 * 60_000)],
      [12, this.clock + chance.whole(0, 12 * 3_600_000)],
      [15, midnight + near],
      [20, ends.length > 0 ? chance.pick(ends) + near : midnight],
      [2, this.clock + chance.whole(0, 25 * dayMs)],
      [4, this.clock - chance.whole(0, 2 * dayMs)],
      [4, midnight - dayMs + near],
    ]);
  }

  /** The next end of a programme's lots, and of its holds, in the next weeks. */
  private endsAhead(chance: Random): number[] {
    const soonest = (ends: readonly number[]): number[] => {
      const ahead = ends.filter((end) => end > this.clock && end < this.clock + 45 * dayMs);
      return ahead.length > 0 ? [ahead.reduce((a, b) => Math.min(a, b))] : [];
    };
    const accounts = [...this.pickProgramme(chance).accounts.values()];
    const lots = accounts.flatMap((account) => account.lots.flatMap((lot) => (lot.left > lot.held && lot.end !== null ? [lot.end] : [])));
    const holds = accounts.flatMap((account) =>
      Object.values(account.holds).flatMap((hold) => (!hold.ended && hold.until !== null ? [hold.until] : [])),
    );
    return [...soonest(lots), ...soonest(lots), ...soonest(holds)];
  }

  /** New rules, a freeze or its end, a last day, history opened or closed. */
  private async changeProgramme(chance: Random, programme: ModelProgramme): Promise<void> {
    const id = programmeId(programme.id);
    this.steps++;
    this.count('programme changed');
    const kind = chance.weighed<'rules' | 'frozen' | 'last day' | 'history'>([
      [4, 'rules'],
      [2, 'frozen'],
      [1, 'last day'],
      [1, 'history'],
    ]);
    const last = programme.versions.at(-1);
    const change = async (): Promise<void> => {
      if (kind === 'rules') {
        const today = dayAfter(this.clock, 0);
        const validFrom =
          last && last.validFrom >= today
            ? dayAfter(Date.parse(last.validFrom), chance.whole(1, 3))
            : dayAfter(this.clock, chance.whole(0, 3));
        const own = programmes.find((one) => one.id === programme.id)?.expiry ?? 'none';
        const expiry: Expiry['kind'] =
          own === 'none' || chance.chance(0.7)
            ? own
            : chance.pick(['days-after-grant', 'end-of-month', 'fiscal-year-end', 'fixed-day', 'months-after-last-use', 'none']);
        const added = { version: (last?.version ?? 0) + 1, validFrom, rules: inventRules(chance, expiry, Date.parse(validFrom)) };
        await this.options.database.transaction(tenants(tenantOf(id)), (tx) => insertRules(tx, id, added));
        programme.versions.push(added);
        return;
      }
      if (kind === 'frozen') programme.frozen = !programme.frozen;
      if (kind === 'last day') programme[chance.pick(['lastDay', 'lastGrantDay'] as const)] = dayAfter(this.clock, chance.whole(-1, 5));
      if (kind === 'history') programme.historyOpen = !programme.historyOpen;
      await this.options.database.transaction(tenants(tenantOf(id)), async (tx) => {
        // Days in this form are LocalDates.
        const days = { lastDay: programme.lastDay as LocalDate | null, lastGrantDay: programme.lastGrantDay as LocalDate | null };
        await updateProgramme(tx, { programme: id, name: id, ...days, historyOpen: programme.historyOpen });
        await tx.write('update programme set frozen = $2 where programme = $1', [id, programme.frozen]);
      });
    };
    if (isExceptional(programme)) {
      programme.frozen = false;
      programme.lastDay = null;
      programme.lastGrantDay = null;
      await this.options.database.transaction(tenants(tenantOf(id)), (tx) =>
        tx.write('update programme set frozen = false, last_day = null, last_grant_day = null where programme = $1', [id]),
      );
      return;
    }
    if (kind === 'rules' && programme.versions.length >= versionsMax) return;
    await change();
  }

  /** Freezes an account, or lifts its freeze. */
  private async freezeAccount(chance: Random): Promise<void> {
    const programme = this.pickProgramme(chance);
    const accounts = this.holdersOf(programme.id).flatMap(({ account }) => programme.accounts.get(account) ?? []);
    if (accounts.length === 0) return;
    const account = accounts.find((one) => one.frozen) ?? chance.pick(accounts);
    account.frozen = !account.frozen;
    this.steps++;
    this.count('account frozen or freed');
    await this.options.database.transaction(everyTenant, (tx) =>
      tx.write('update account set frozen = $3 where programme = $1 and account = $2', [programme.id, account.account, account.frozen]),
    );
  }

  /** A holder who has asked often enough makes room for a new one; what he has stays and expires as everybody's. */
  private retire(chance: Random): void {
    for (const programme of this.books.programmes.values()) {
      const pool = this.holdersOf(programme.id);
      pool.forEach((holder, index) => {
        if (holder.asked < askedMax) return;
        pool[index] = { account: `holder:${chance.uuid()}`, asked: 0 };
        const account = programme.accounts.get(holder.account);
        for (const [hold, { ended }] of Object.entries(account?.holds ?? {})) if (ended) delete account?.holds[hold];
        for (const reference of Object.keys(account?.uses ?? {})) delete account?.uses[reference];
        for (const reference of Object.keys(account?.grants ?? {})) delete account?.grants[reference];
        this.settled = this.settled.filter((one) => one.account !== holder.account);
      });
      if (programme.answers.size <= answersMax) continue;
      // What may be asked again is kept; the rest is counted.
      const kept = new Set(this.settled.map((one) => one.reference));
      for (const reference of programme.answers.keys()) {
        if (kept.has(reference) || reference.startsWith('ledger:release/')) continue;
        programme.answers.delete(reference);
        programme.forgotten++;
      }
    }
  }

  /** A few hundred that may come again, later. */
  private remember(requests: readonly AnyRequest[]): void {
    const pools = new Set([...this.holders.values()].flatMap((pool) => pool.map((one) => one.account)));
    this.settled = [...this.settled, ...requests.filter((one) => pools.has(one.account))].slice(-settledMax);
  }

  private async cutConnections(chance: Random): Promise<void> {
    await wait(chance.next() * 12);
    await this.options.database.pool.query(cutPipelines);
  }

  /** Shutting the job down in the middle lets the chunk under way end and no other begin. */
  private async cancelledExpiry(chance: Random, programme: ModelProgramme, until: number): Promise<void> {
    const job = new ExpireLots(this.options.database, () => this.instant(0));
    const running = job.run(programmeId(programme.id), instantOf(until)).then(
      () => undefined,
      () => undefined,
    );
    await wait(chance.next() * 8);
    await job.close();
    await running;
  }

  /** Now, or a time for which somebody is late. */
  private untilWhen(chance: Random): number {
    const now = this.now(0);
    return chance.weighed([
      [6, now],
      [1, now - chance.whole(0, 3 * dayMs)],
      [1, midnightAfter(dayNumber(now)) - dayMs],
    ]);
  }

  private dueAccounts(programme: ModelProgramme, until: number): Set<string> {
    const due = new Set<string>();
    for (const account of programme.accounts.values())
      if (account.lots.some((lot) => lot.left > lot.held && lot.end !== null && lot.end <= until)) due.add(account.account);
    return due;
  }

  private wanted(keys: readonly string[]) {
    return keys.map((key) => {
      const slash = key.indexOf('/');
      const [programme, account] = [key.slice(0, slash), key.slice(slash + 1)];
      return { programme, account, model: this.books.programmes.get(programme)?.accounts.get(account) };
    });
  }

  private pickProgramme(chance: Random): ModelProgramme {
    return chance.pick([...this.books.programmes.values()]);
  }

  private holdersOf(programme: string) {
    const pool = this.holders.get(programme);
    if (!pool) throw new Error('assertion failed: a programme has its holders');
    return pool;
  }

  /** The second door's clock may be wrong. */
  private now(door: number): number {
    return door === 0 ? this.clock : this.clock + this.skew;
  }

  private instant(door: number): Instant {
    return instantOf(this.now(door));
  }

  /** Words are made only when they are needed. */
  private tell(keys: readonly string[], line: () => string): void {
    this.story.push({ keys, line });
    if (this.story.length > 2 * storyMax) this.story = this.story.slice(-storyMax);
  }

  private count(what: string, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  private failed(what: string, differences: readonly string[], keys: readonly string[] = []): SimulationFailure {
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

/** Mostly a handful, sometimes more than one flush. */
function sizeOf(chance: Random): number {
  return chance.weighed([
    [1, 1],
    [3, chance.whole(2, 10)],
    [8, chance.whole(30, 160)],
    [5, chance.whole(120, 500)],
  ]);
}

function isExceptional({ frozen, lastDay, lastGrantDay }: ModelProgramme): boolean {
  return frozen || lastDay !== null || lastGrantDay !== null;
}

function instantOf(at: number): Instant {
  // Formed by toISOString, as every Instant.
  return iso(at) as Instant;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const dayMs = 86_400_000;
const holdersPerProgramme = 12;
/** About 60 lots and 30 holds per holder. */
const askedMax = 160;
const settledMax = 600;
const answersMax = 8_000;
const versionsMax = 40;
const storyMax = 20_000;
const storyShownMax = 40;
const differencesShownMax = 60;
/** A check of everything reads every row; the first comes after some seconds. */
const checkStepsMin = 5_000;
/** Compiled, also where this file runs from its source. */
const childProgram = fileURLToPath(new URL('../../dist/simulate/door-process.js', import.meta.url));
const cutPipelines = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where application_name like '%-pipeline' and datname = current_database() and usename = current_user`;
