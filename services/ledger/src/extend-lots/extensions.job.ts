import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { RunExtensions } from './run-extensions.js';

/** Carries out what staff have ordered: when an order comes, and again every few seconds while one is open, so that a crash or a freeze only delays it. */
@Injectable()
export class ExtensionsJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private sweep: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isWaiting = false;
  private isStopping = false;

  constructor(
    @Inject(RunExtensions) private readonly extensions: RunExtensions,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.wake();
    this.sweep = setInterval(() => this.wake(), sweepMs);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.sweep);
    await this.running;
  }

  /** One run after the other; whoever wakes it while one waits already is served by that one. */
  wake(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.running = this.running
      .then(() => {
        this.isWaiting = false;
        return this.isStopping ? undefined : this.run();
      })
      .catch((error: unknown) => this.log.error({ err: error }, 'a run of extensions failed'));
  }

  private async run(): Promise<void> {
    const { finished, stopped } = await this.extensions.run(() => this.isStopping);
    if (finished > 0) this.log.info({ extensions: finished }, 'lots extended');
    for (const one of stopped) this.log.warn({ ...one }, 'an extension waits: the ledger refuses its postings for now');
  }
}

const sweepMs = 5_000;
