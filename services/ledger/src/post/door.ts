import { isTransient, tenants, violatedConstraint, type Database } from '@points/database';
import type { Instant } from '@points/kernel';
import { nudgeRelay } from '@points/messaging';
import type { Pool } from 'pg';
import { keyOf } from './book.js';
import { decideBatch, requestsOf, wantedBy } from './flush.js';
import { AccountAppeared } from './load.js';
import { inPipeline, pipelinePool } from './pipeline.js';
import type { AnyRequest, Completed, Unit } from './request.js';

export interface DoorOptions {
  readonly database: Database;
  /** The time as the door sees it. */
  readonly now: () => Instant;
}

/** The door took as many instructions as it can remember. Ask again. */
export class DoorFull extends Error {
  /** As PostgreSQL says "insufficient resources": the consumer takes it for trouble that passes and asks again. */
  readonly code = '53000';
}

/**
 * Everything that moves points goes through here. Instructions queue up; up to two flushes are in flight, each with accounts of
 * its own; a batch grows with load and adds no delay when idle, because nothing waits for a timer. Measured shape: stack.md §11.
 */
export class Door {
  private readonly pool: Pool;
  private readonly now: () => Instant;
  private queue: Waiting[] = [];
  /** Instructions in the queue. */
  private waiting = 0;
  private readonly busy = new Set<string>();
  private flushes = 0;
  private pumping = false;
  private idle: (() => void)[] = [];
  private readonly known = new Set<string>();

  constructor({ database, now }: DoorOptions) {
    this.pool = pipelinePool(database, flushesInFlightMax);
    this.now = now;
  }

  /** One outcome per request, in their order. Requests of one account are decided in the order in which they came. @throws DoorFull, or the trouble that a request ran into */
  async post(requests: readonly AnyRequest[]): Promise<Completed[]> {
    return outcomes(await this.settle(requests));
  }

  /**
   * Decides a batch in one go, in the order of its requests, so that each sees what the ones before it did. An atomic one is carried
   * out as a whole or not at all, and is never split over flushes. @throws DoorFull, or the trouble that the batch ran into
   */
  async postTogether(unit: Unit): Promise<Completed[]> {
    if (unit.requests.length === 0) return [];
    if (this.waiting + unit.requests.length > queueMax) throw full();
    return outcomes(await new Promise<readonly Result[]>((answer) => this.enqueue(unit, answer)));
  }

  /** Like `post`, with each request's own trouble in its place: one bug does not hide the outcomes of the others. */
  settle(requests: readonly AnyRequest[]): Promise<Result[]> {
    if (this.waiting + requests.length > queueMax) return Promise.reject(full());
    return Promise.all(
      requests.map(
        (request) =>
          new Promise<Result>((answer) => {
            this.enqueue({ requests: [request] }, ([result]) =>
              answer(result ?? new Error('assertion failed: every request has a result')),
            );
          }),
      ),
    );
  }

  private enqueue(unit: Unit, answer: Waiting['answer']): void {
    this.waiting += unit.requests.length;
    this.queue.push({ unit, accounts: accountsOf(unit), answer });
    this.pump();
  }

  /** Waits for what is under way and closes the connections. */
  async close(): Promise<void> {
    while (this.queue.length > 0 || this.flushes > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
    await this.pool.end();
  }

  /** After the current turn of the event loop, so that what arrives together goes together. */
  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    setImmediate(() => {
      this.pumping = false;
      while (this.flushes < flushesInFlightMax) {
        // Shared between the free places: one flush decides while the other waits for its commit, and both cores have work.
        const batch = this.take(Math.ceil(this.queue.length / (flushesInFlightMax - this.flushes)));
        if (batch.length === 0) break;
        void this.run(batch);
      }
      if (this.flushes === 0 && this.queue.length === 0) for (const resolve of this.idle.splice(0)) resolve();
    });
  }

  /**
   * What can go now: nothing that touches an account of a running flush, and nothing behind something that waits for such an account.
   * Beyond its share of `max` a flush takes what only touches accounts that it has anyway: it would have to wait for this flush.
   */
  private take(max: number): Waiting[] {
    const batch: Waiting[] = [];
    const waiting: Waiting[] = [];
    const blocked = new Set<string>();
    const own = new Set<string>();
    let [index, size] = [0, 0];
    for (; index < this.queue.length && size < flushMax && waiting.length < lookAheadMax; index++) {
      // The index is below the length.
      const one = this.queue[index] as Waiting;
      const count = one.unit.requests.length;
      // A batch that is larger than a flush goes alone.
      const fits = size === 0 || (size + count <= flushMax && (size < max || one.accounts.every((key) => own.has(key))));
      if (!fits || one.accounts.some((key) => this.busy.has(key) || blocked.has(key))) {
        for (const key of one.accounts) blocked.add(key);
        waiting.push(one);
      } else {
        batch.push(one);
        size += count;
        for (const key of one.accounts) own.add(key);
      }
    }
    this.waiting -= size;
    this.queue = index < this.queue.length ? [...waiting, ...this.queue.slice(index)] : waiting;
    for (const key of own) this.busy.add(key);
    return batch;
  }

  private async run(batch: readonly Waiting[]): Promise<void> {
    this.flushes++;
    try {
      const results = await this.flush(batch.map((one) => one.unit));
      let from = 0;
      for (const { unit, answer } of batch) answer(results.slice(from, (from += unit.requests.length)));
    } finally {
      this.flushes--;
      for (const one of batch) for (const key of one.accounts) this.busy.delete(key);
      this.pump();
    }
  }

  /** Trouble that passes is tried again; what fails for good is halved until the bad instruction stands alone. */
  private async flush(units: readonly Unit[]): Promise<Result[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.transaction(units);
      } catch (error) {
        this.known.clear();
        if (isWorthAnotherTry(error) && attempt < attemptsMax) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * retryDelayMsMax * 2 ** (attempt - attemptsMax)));
          continue;
        }
        const trouble = error instanceof Error ? error : new Error('a flush failed', { cause: error });
        if (units.length === 1 || isTransient(error)) return requestsOf(units).map(() => trouble);
        const half = units.length >> 1;
        return [...(await this.flush(units.slice(0, half))), ...(await this.flush(units.slice(half)))];
      }
    }
  }

  private async transaction(units: readonly Unit[]): Promise<Result[]> {
    const wanted = wantedBy(units, (key) => this.known.has(key));
    const owners = tenants(...wanted.programmes.map((programme) => programme.slice(0, 6)));
    const { results, opened } = await inPipeline(this.pool, owners, (send) => decideBatch(send, units, wanted, this.now()));
    for (const { programme, account } of opened) this.remember(keyOf(programme, account));
    if (units.some(({ requests }) => requests.some((one) => one.announce))) nudgeRelay();
    return results;
  }

  private remember(key: string): void {
    if (this.known.size >= knownAccountsMax) this.known.clear();
    this.known.add(key);
  }
}

/** One instruction's end: what became of it, or the trouble that it ran into. */
export type Result = Completed | Error;

interface Waiting {
  readonly unit: Unit;
  readonly accounts: readonly string[];
  readonly answer: (results: readonly Result[]) => void;
}

/** Holders' accounts are locked; a receiving system account is not. */
function accountsOf({ requests }: Unit): string[] {
  return requests.flatMap(({ programme, account, instruction }) => {
    const own = keyOf(programme, account);
    return instruction.kind === 'transfer' ? [own, keyOf(programme, instruction.to)] : [own];
  });
}

function outcomes(results: readonly Result[]): Completed[] {
  return results.map((result) => {
    if (result instanceof Error) throw result;
    return result;
  });
}

function full(): DoorFull {
  return new DoorFull(`${queueMax} instructions wait already`);
}

/** A reference, a hold or an account that another process has just written: the next look finds it. */
function isWorthAnotherTry(error: unknown): boolean {
  return isTransient(error) || error instanceof AccountAppeared || racedConstraints.has(violatedConstraint(error) ?? '');
}

const racedConstraints: ReadonlySet<string> = new Set(['posting_pk', 'hold_pk']);

/** Two keep both cores of a small machine busy: one decides while the other waits for its commit. */
const flushesInFlightMax = 2;
/** Instructions per flush: the locks of a flush last about 15 ms at this size. */
const flushMax = 256;
/** How far behind waiting instructions the door looks for others that can go. */
const lookAheadMax = 2_048;
/** Some seconds of full load; whoever comes later is told to ask again. */
const queueMax = 50_000;
const attemptsMax = 6;
const retryDelayMsMax = 400;
/** Keys of accounts that were opened by this process: about 100 bytes each. */
const knownAccountsMax = 100_000;
