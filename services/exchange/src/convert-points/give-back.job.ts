import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { now } from '../clock.js';
import { CreditAtScheme } from './credit-at-scheme.job.js';
import { giveBackRowsMax, giveBackUnanswered } from './give-back.js';

/** The days end at midnight; a resident's points are back some seconds later. */
const lookEveryMs = 10_000;

/** Gives points back for which no card scheme has answered within its days. */
@Injectable()
export class GiveBackUnanswered implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isStopping = false;

  constructor(
    @Inject(Database) private readonly database: Database,
    private readonly credits: CreditAtScheme,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    }, lookEveryMs);
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    try {
      for (let done = giveBackRowsMax; done === giveBackRowsMax && !this.isStopping;) done = await this.giveBack();
    } catch (error) {
      this.log.warn({ err: error }, 'could not look for conversions that nobody answers; looks again');
    }
  }

  private async giveBack(): Promise<number> {
    const { released, lastAsked } = await this.database.transaction(everyTenant, (tx) => giveBackUnanswered(tx, now()));
    for (const conversion of released)
      this.log.error({ conversion }, 'card scheme did not answer its file within its days: the points go back');
    if (lastAsked.length > 0) this.credits.nudge();
    return released.length + lastAsked.length;
  }
}
