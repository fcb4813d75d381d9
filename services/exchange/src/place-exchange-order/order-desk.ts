import { Inject, Injectable } from '@nestjs/common';
import { Database, isTransient, tenants, violatedConstraint } from '@points/database';
import {
  answer,
  answeredOnce,
  keyOf,
  Problem,
  problem,
  recallAnswers,
  storeAnswersAtCommit,
  type Answer,
  type Cause,
  type Keyed,
} from '@points/http';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { now } from '../clock.js';
import { AskPartners } from '../exchange-by-link/ask-partners.job.js';
import type { Order } from './order-row.js';
import { OrdersRaced, placeOrders, readAhead, type OrderWish } from './place-orders.js';

/** Orders of one transaction: they are decided and written in a few milliseconds, and those who come next wait for no more than that. */
const flushOrdersMax = 256;
const flushAttemptsMax = 5;

interface Entry {
  readonly wish: OrderWish;
  readonly request: Keyed;
  readonly resolve: (answer: Answer<Order>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Takes orders from HTTP calls: those that arrive together share one transaction, so that under load an order costs a share of a commit.
 * One flush at a time and no timer: an order that comes alone is placed at once. A flush is three round trips to the database, four where
 * something is counted.
 */
@Injectable()
export class OrderDesk {
  private queue: Entry[] = [];
  private isBusy = false;
  /** Keys in the queue or in the flush: the second request of a key is told so at once. */
  private readonly underWay = new Set<string>();

  constructor(
    @Inject(Database) private readonly database: Database,
    private readonly partners: AskPartners,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** The order as it was placed, under its key for ever: how it ends is read from its row. @throws Problem */
  async place(cause: Cause, wish: OrderWish): Promise<Answer<Order>> {
    const request = keyOf(cause);
    const name = `${request.tenant} ${request.client} ${request.key}`;
    if (this.underWay.has(name))
      throw problem(409, 'request-in-progress', 'a request with this Idempotency-Key is still being worked on; ask again shortly');
    this.underWay.add(name);
    try {
      return await new Promise((resolve, reject) => {
        this.queue.push({ wish, request, resolve, reject });
        this.schedule();
      });
    } finally {
      this.underWay.delete(name);
    }
  }

  /** After the callbacks of this turn of the event loop: all requests that one read of the sockets brought are in. */
  private schedule(): void {
    if (this.isBusy || this.queue.length === 0) return;
    this.isBusy = true;
    setImmediate(() => void this.flush());
  }

  private async flush(): Promise<void> {
    await this.work(this.queue.splice(0, flushOrdersMax));
    this.isBusy = false;
    this.schedule();
  }

  /** Never throws: what fails is told to the caller whose order it is. */
  private async work(entries: readonly Entry[]): Promise<void> {
    for (let attempt = 1; ; attempt++)
      try {
        const ends = await this.write(entries).catch(raced);
        entries.forEach(({ resolve, reject }, index) => {
          const end = ends[index];
          if (end instanceof Problem || end === undefined) reject(end ?? new Error('assertion failed: every order has an answer'));
          else resolve(end);
        });
        return;
      } catch (error) {
        if (isTransient(error) && attempt < flushAttemptsMax) {
          if (!(error instanceof OrdersRaced))
            this.log.warn({ err: error, attempt, orders: entries.length }, 'flush of orders tried again');
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
          continue;
        }
        if (entries.length === 1 || isTransient(error)) {
          for (const one of entries) one.reject(error);
          return;
        }
        // One of them is poison: the others must not fail with it.
        for (const one of entries) await this.work([one]);
        return;
      }
  }

  private write(entries: readonly Entry[]): Promise<(Answer<Order> | Problem)[]> {
    const owners = tenants(...entries.map(({ wish }) => wish.municipality));
    return this.database.transaction(owners, async (tx) => {
      const at = now();
      const ahead = readAhead(
        tx,
        entries.map((one) => one.wish),
        at,
      );
      const [known] = await Promise.all([
        recallAnswers<Order>(
          tx,
          entries.map((one) => one.request),
        ),
        ahead,
      ]);
      const open = entries.filter((_, index) => known[index] === undefined);
      const placed = await placeOrders(
        tx,
        open.map((one) => one.wish),
        at,
        ahead,
      );
      const ends = new Map(
        open.map((entry, index) => {
          const one = placed[index];
          if (!one) throw new Error('assertion failed: every wish has an end');
          return [entry, 'problem' in one ? one.problem : answer(one.isNew ? 201 : 200, one.order)];
        }),
      );
      if (placed.some((one) => 'order' in one && one.isNew && one.order.view.state === 'reserving'))
        tx.afterCommit(() => this.partners.nudge());
      const answered = [...ends].flatMap(([{ request }, end]) => (end instanceof Problem ? [] : [{ request, answer: end }]));
      storeAnswersAtCommit(tx, answered);
      return entries.map((entry, index) => known[index] ?? ends.get(entry) ?? new Problem(500, 'internal', 'the order has no end'));
    });
  }
}

/** Another replica has answered one of the keys meanwhile: what it said is known now. */
function raced(error: unknown): never {
  throw violatedConstraint(error) === answeredOnce ? new OrdersRaced() : error;
}
