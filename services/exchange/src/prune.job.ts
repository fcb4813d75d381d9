import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, type Tx } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { pruneStarts, startPruneRowsMax } from './link-accounts/link.js';
import { pruneQuotes, quotePruneRowsMax } from './quote-orders/ask-quote.js';
import { guessPruneRowsMax, pruneGuesses } from './redeem-coupons/redeem-coupon.js';
import { pruneAttempts, pruneEvents, pruneSecrets, webhookPruneRowsMax } from './tell-partners/prune.js';
import { pruneUploads, pruneUploadsMax } from './upload-orders/prune-uploads.js';

const pruneEveryMs = 600_000;

/** What is kept for a time only. Each step deletes up to its maximum, in a transaction of its own. */
const steps: readonly { readonly prune: (tx: Tx) => Promise<number>; readonly rowsMax: number }[] = [
  { prune: pruneQuotes, rowsMax: quotePruneRowsMax },
  { prune: pruneGuesses, rowsMax: guessPruneRowsMax },
  { prune: pruneEvents, rowsMax: webhookPruneRowsMax },
  { prune: pruneAttempts, rowsMax: webhookPruneRowsMax },
  { prune: pruneSecrets, rowsMax: webhookPruneRowsMax },
  { prune: pruneStarts, rowsMax: startPruneRowsMax },
  { prune: pruneUploads, rowsMax: pruneUploadsMax },
];

@Injectable()
export class Prune implements OnApplicationBootstrap, OnModuleDestroy {
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
      for (const { prune, rowsMax } of steps) while ((await this.database.transaction(everyTenant, prune)) === rowsMax);
    } catch (error) {
      this.log.warn({ err: error }, 'pruning failed; tried again in ten minutes');
    }
  }
}
