import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { pruneExpired } from './prune-expired.js';

const pruneEveryMs = 60_000;

/** In every replica: they may prune at the same time, a row is gone once. */
@Injectable()
export class PruneExpiredJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      pruneExpired(this.database).then(
        (rows) => {
          if (rows) this.log.info({ rows }, 'expired records pruned');
        },
        (error: unknown) => this.log.warn({ err: error }, 'pruning failed; the next round tries again'),
      );
    }, pruneEveryMs);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
