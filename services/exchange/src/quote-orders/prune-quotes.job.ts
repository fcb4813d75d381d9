import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { pruneQuotes, quotePruneRowsMax } from './ask-quote.js';

const pruneEveryMs = 600_000;

@Injectable()
export class PruneQuotes implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.prune();
    }, pruneEveryMs);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async prune(): Promise<void> {
    try {
      while ((await this.database.transaction(everyTenant, pruneQuotes)) === quotePruneRowsMax);
    } catch (error) {
      this.log.warn({ err: error }, 'pruning of quotes failed; tried again in ten minutes');
    }
  }
}
