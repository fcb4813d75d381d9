import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { now } from '../clock.js';
import { allocateDue, claimDue, type DueArrival } from './allocate-due.js';
import { DueWork } from '../due-work.js';
import { watchOpenParts } from './watch.js';

/** How late after midnight of the 15th day the points may move; where they go does not depend on it. */
const lookEveryMs = 10_000;
const atOnceMax = 4;

/** Gives reserve points that nobody chose for to the holder's base programme. Replicas may run it side by side. */
@Injectable()
export class AllocateDue implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly due: DueWork<DueArrival>;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    watchOpenParts(database, registry);
    this.due = new DueWork({
      atOnceMax,
      lookEveryMs,
      claim: (limit) => this.database.transaction(everyTenant, (tx) => claimDue(tx, limit, now())),
      attempt: (arrival) => this.allocate(arrival),
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

  nudge(): void {
    this.due.nudge();
  }

  private async allocate(arrival: DueArrival): Promise<void> {
    const isStarted = await this.database.transaction(everyTenant, (tx) => allocateDue(tx, arrival, now()));
    if (isStarted) this.log.info({ arrival: arrival.id, programme: arrival.programme }, 'due reserve points go to the base programme');
  }
}
