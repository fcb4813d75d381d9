import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { now } from '../clock.js';
import { allocateDue, findDue, type DueHolder } from './allocate-due.js';
import { DueWork } from '../due-work.js';

/** How late after midnight of the 15th day the points may move; where they go does not depend on it. */
const lookEveryMs = 10_000;
const atOnceMax = 4;

/** Gives reserve points that nobody chose for to the holder's base programme. Replicas may run it side by side. */
@Injectable()
export class AllocateDue implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly due: DueWork<DueHolder>;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.due = new DueWork({
      atOnceMax,
      lookEveryMs,
      claim: async (limit) => (await this.database.transaction(everyTenant, (tx) => findDue(tx, now()))).slice(0, limit),
      attempt: (holder) => this.allocate(holder),
      told: (during) =>
        during === 'claim' ? 'could not look for due reserve points; looks again' : 'due reserve points could not be given; tried again',
      log,
    });
  }

  onApplicationBootstrap(): void {
    this.due.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.due.stop();
  }

  private async allocate(holder: DueHolder): Promise<void> {
    const allocations = await this.database.transaction(everyTenant, (tx) => allocateDue(tx, holder, now()));
    if (allocations > 0) this.log.info({ programme: holder.programme, allocations }, 'due reserve points go to the base programme');
  }
}
