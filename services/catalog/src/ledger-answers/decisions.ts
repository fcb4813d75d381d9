import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { answer, Answers, Problem, type Answer } from '@points/http';
import { CatalogConfig } from '../catalog-config.js';
import type { Decision } from '../rules/decision.js';

/** What a call wants to hear of, and how to read it. */
export interface Awaited<T> {
  /** Of the posting's reference. */
  readonly id: string;
  /** What `once` answered when the ledger was asked. */
  readonly asked: Answer<T>;
  /** Where the caller reads how it ended. */
  readonly location: string;
  readonly read: () => Promise<{ readonly decision: Decision; readonly view: T }>;
}

/** Calls that wait for the ledger's word. */
@Injectable()
export class Decisions implements OnModuleDestroy {
  private readonly answers = new Answers<true>();

  constructor(private readonly config: CatalogConfig) {}

  /**
   * 201 when the ledger has posted, 202 when it has not said its word by the deadline: the row ends by itself when it does. A
   * repeated request hears what is true now.
   * @throws Problem 422 with the ledger's code
   */
  async answer<T>({ id, asked, location, read }: Awaited<T>): Promise<Answer<T>> {
    const isReplay = asked.headers?.['idempotency-replayed'] === 'true';
    const headers = isReplay ? { 'idempotency-replayed': 'true' } : {};
    const { decision, view } = await this.settled(id, read, isReplay);
    if (decision.state === 'refused') {
      const { code, detail, facts } = decision.refusal;
      throw new Problem(422, code, detail, { ...facts, at: location }, headers);
    }
    return answer(decision.state === 'pending' ? 202 : 201, view, { location, ...headers });
  }

  wake(id: string): void {
    this.answers.wake(id, true);
  }

  onModuleDestroy(): void {
    this.answers.stop();
  }

  /** A fact that another replica consumed, or that came before this call waited, wakes nobody here: the row is read again now and then. */
  private async settled<T extends { readonly decision: Decision }>(id: string, read: () => Promise<T>, readFirst: boolean): Promise<T> {
    const deadline = performance.now() + this.config.ANSWER_DEADLINE_MS;
    const wait = () => this.answers.wait(id, Math.max(1, Math.min(rereadMs, deadline - performance.now())));
    if (!readFirst) await wait();
    for (;;) {
      const found = await read();
      if (found.decision.state !== 'pending' || performance.now() >= deadline) return found;
      await wait();
    }
  }
}

/** Seldom needed with one replica; with several it is the most that a word heard by another one is late. */
const rereadMs = 250;
