import type { Logger } from '@points/observability';

export interface DueWorkOptions<Work> {
  /** Work of one replica at the same time. */
  readonly atOnceMax: number;
  /** Also how soon work is found whose nudge was lost with a process. */
  readonly lookEveryMs: number;
  /** Takes what is due, at most so much, under a lease. */
  readonly claim: (limit: number) => Promise<readonly Work[]>;
  readonly attempt: (work: Work, stop: AbortSignal) => Promise<void>;
  /** Words for the log when `claim` or `attempt` throws. Nothing is lost then: after the lease it is claimed again. */
  readonly told: (during: 'claim' | 'attempt') => string;
  readonly log: Logger;
}

/** Work that waits in a table for its time and is done outside of any transaction: calls of other companies' machines. */
export class DueWork<Work> {
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isAskedAgain = false;

  constructor(private readonly options: DueWorkOptions<Work>) {}

  start(): void {
    this.timer = setInterval(() => this.nudge(), this.options.lookEveryMs);
    this.nudge();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    this.stopping.abort();
    await this.looking;
    await Promise.all(this.running);
  }

  /** Something is due, or a call has ended and makes room. */
  nudge(): void {
    if (!this.timer) return;
    if (this.looking) {
      this.isAskedAgain = true;
      return;
    }
    this.looking = this.look().finally(() => {
      this.looking = undefined;
      if (!this.isAskedAgain) return;
      this.isAskedAgain = false;
      this.nudge();
    });
  }

  private async look(): Promise<void> {
    const { atOnceMax, claim, log, told } = this.options;
    const room = atOnceMax - this.running.size;
    if (room === 0) return;
    try {
      for (const work of await claim(room)) this.begin(work);
    } catch (error) {
      log.warn({ err: error }, told('claim'));
    }
  }

  private begin(work: Work): void {
    const { attempt, log, told } = this.options;
    const call = attempt(work, this.stopping.signal)
      .catch((error: unknown) => log.warn({ err: error }, told('attempt')))
      .finally(() => {
        this.running.delete(call);
        this.nudge();
      });
    this.running.add(call);
  }
}
