import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '@points/database';
import { Answers } from '@points/http';
import type { Logger } from '@points/observability';
import type { OrderEnd } from './place-exchange-order/order-row.js';
import { LOGGER } from '@points/service';

/** A POST answers within this time: with the end of the story, or with 202 and a place to ask. */
export const answerWithinMs = 3_000;

/**
 * Callers that wait for the end of an order or a conversion. The replica that holds the call is not always the one that hears the
 * fact: what nobody here waits for is told to the others. A lost telling costs time only, because the caller reads the row at the end.
 */
@Injectable()
export class Waiting implements OnModuleDestroy {
  private readonly answers = new Answers<OrderEnd | true>();
  private listening: Promise<void> | undefined;
  private session: Session | undefined;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** When the row with this id is over, or at the deadline: its end where this process heard it; else the caller reads the row. */
  async until(id: string, deadlineMs: number = answerWithinMs): Promise<OrderEnd | undefined> {
    const waiting = this.answers.wait(id, deadlineMs);
    this.listening ??= this.listen();
    const end = await waiting;
    return end === true ? undefined : end;
  }

  /** The callers of this process need not wait for the row: it never came to be, or is over already. */
  forget(id: string): void {
    this.answers.wake(id, true);
  }

  /** For `tx.afterCommit`: these rows are over. */
  wake(ids: readonly string[], ends: ReadonlyMap<string, OrderEnd> = new Map()): void {
    const elsewhere = ids.filter((id) => !this.answers.wake(id, ends.get(id) ?? true));
    for (let from = 0; from < elsewhere.length; from += notifyRowsMax)
      // Not in the transaction itself: a commit with a notification takes a lock of the whole server.
      this.database.pool
        .query('select pg_notify($1, $2)', [channel, elsewhere.slice(from, from + notifyRowsMax).join(' ')])
        .catch((error: unknown) => this.log.warn({ err: error }, 'could not tell the other replicas who is done'));
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    this.answers.stop();
    await this.listening;
    await this.session?.end().catch(() => undefined);
  }

  /** Begins with the first caller that waits, and again with the next one after the session was lost. */
  private async listen(): Promise<void> {
    if (this.isStopped) return;
    try {
      const session = await this.database.session('waiting');
      this.session = session;
      session.on('notification', ({ payload = '' }) => {
        for (const id of payload.split(' ')) this.answers.wake(id, true);
      });
      const lost = () => {
        if (this.session === session) [this.session, this.listening] = [undefined, undefined];
      };
      session.on('error', lost);
      session.on('end', lost);
      await session.query(`listen ${channel}`);
    } catch (error) {
      this.log.warn({ err: error }, 'cannot hear the other replicas; callers wait for the deadline where one of them hears the fact');
      this.listening = undefined;
    }
  }
}

type Session = Awaited<ReturnType<Database['session']>>;

const channel = 'exchange_over';
/** A payload has at most 7,999 bytes; an id takes 37. */
const notifyRowsMax = 200;
