import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import { addDays, jstDateOf, startOfDayJst, type ProgrammeId } from '@points/kernel';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { CLOCK, type Clock } from '../clock.js';
import { CloseProgrammes } from '../close-programme/close-programme.js';
import { pruneCounters } from '../prune-counters/prune-counters.js';
import { ReleaseHolds } from '../release-holds/release-holds.js';
import { ExpireLots } from './expire-lots.js';

/** Posts what time has brought about: the end of programmes and expiry at midnight in Tokyo and once at the start, holds at their time. */
@Injectable()
export class ExpiryJob implements OnApplicationBootstrap, OnApplicationShutdown {
  private midnight: NodeJS.Timeout | undefined;
  private sweep: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ExpireLots) private readonly expiry: ExpireLots,
    @Inject(ReleaseHolds) private readonly holds: ReleaseHolds,
    @Inject(CloseProgrammes) private readonly closing: CloseProgrammes,
    @Inject(CLOCK) private readonly now: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.start(() => this.expireAll());
    this.waitForMidnight();
    this.sweep = setInterval(() => this.start(() => this.releaseHolds()), holdSweepMs);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.midnight);
    clearInterval(this.sweep);
    await this.running;
    await this.expiry.close();
  }

  private waitForMidnight(): void {
    const now = this.now();
    const next = startOfDayJst(addDays(jstDateOf(now), 1));
    this.midnight = setTimeout(
      () => {
        this.start(() => this.expireAll());
        this.waitForMidnight();
      },
      Date.parse(next) - Date.parse(now),
    );
  }

  /** One after the other; trouble is logged and met again at the next run, because nothing is lost by running late. */
  private start(work: () => Promise<void>): void {
    this.running = this.running
      .then(() => (this.isStopping ? undefined : work()))
      .catch((error: unknown) => this.log.error({ err: error }, 'a run of the ledger’s jobs failed'));
  }

  /** A programme that still takes history in expires on request only: what comes in may lie before what is over today. */
  private async expireAll(): Promise<void> {
    const closed = await this.closing.run();
    if (closed.warnings + closed.lots > 0) this.log.info({ ...closed }, 'programmes are closing');
    await pruneCounters(this.database, this.now());
    const due = await this.database.transaction(everyTenant, (tx) =>
      tx.query<{ programme: ProgrammeId }>('select programme from programme where not history_open order by programme'),
    );
    for (const { programme } of due) {
      if (this.isStopping) return;
      const run = await this.expiry.run(programme, this.now());
      if (run.lots > 0) this.log.info({ programme, ...run }, 'lots expired');
    }
  }

  private async releaseHolds(): Promise<void> {
    const released = await this.holds.run();
    if (released > 0) this.log.info({ holds: released }, 'holds released at their time');
  }
}

/** A hold ends by itself at its time whether this ran or not; this gives its points back. */
const holdSweepMs = 5_000;
