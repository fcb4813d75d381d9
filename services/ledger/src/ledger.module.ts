import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '@points/database';
import { AdjustmentsController } from './adjust-points/adjustments.http.js';
import { ChainController } from './chain/chain.http.js';
import { ChainerJob } from './chain/chainer.job.js';
import { CLOCK, systemClock, type Clock } from './clock.js';
import { CloseProgrammes } from './close-programme/close-programme.js';
import { ExtensionsController } from './extend-lots/extensions.http.js';
import { ExtensionsJob } from './extend-lots/extensions.job.js';
import { RunExtensions } from './extend-lots/run-extensions.js';
import { ExpireLots } from './expire-lots/expire-lots.js';
import { ExpiryJob } from './expire-lots/expiry.job.js';
import { FreezeController } from './freeze/freeze.http.js';
import { ImportsController } from './move/imports.http.js';
import { Door } from './post/door.js';
import { OnPostingRequested } from './post/on-posting-requested.js';
import { PostingsController } from './post/postings.http.js';
import { ProgrammesController } from './programmes/programmes.http.js';
import { ReleaseHolds } from './release-holds/release-holds.js';
import { ReconcileController } from './reconcile/reconcile.http.js';
import { ReportController } from './report/report.http.js';
import { ReportsController } from './report/reports.http.js';
import { AccountsController } from './statement/accounts.http.js';
import { ReversalsController } from './reverse-grant/reversals.http.js';
import { RollUpJob } from './roll-up/roll-up.job.js';
import { StatementController } from './statement/statement.http.js';

/** After the HTTP server and the consumer have stopped, nothing new comes; what is under way is finished. */
@Injectable()
class CloseDoor implements OnApplicationShutdown {
  constructor(@Inject(Door) private readonly door: Door) {}

  onApplicationShutdown(): Promise<void> {
    return this.door.close();
  }
}

@Module({
  controllers: [ProgrammesController, PostingsController, AdjustmentsController, ReversalsController, ExtensionsController, FreezeController, StatementController, AccountsController, ReportController, ReportsController, ReconcileController, ChainController, ImportsController, OnPostingRequested],
  providers: [
    { provide: CLOCK, useValue: systemClock },
    { provide: Door, inject: [Database, CLOCK], useFactory: (database: Database, now: Clock) => new Door({ database, now }) },
    { provide: ExpireLots, inject: [Database, CLOCK], useFactory: (database: Database, now: Clock) => new ExpireLots(database, now) },
    { provide: CloseProgrammes, inject: [Database, CLOCK], useFactory: (database: Database, now: Clock) => new CloseProgrammes(database, now) },
    {
      provide: ReleaseHolds,
      inject: [Database, Door, CLOCK],
      useFactory: (database: Database, door: Door, now: Clock) => new ReleaseHolds(database, door, now),
    },
    {
      provide: RunExtensions,
      inject: [Database, Door, CLOCK],
      useFactory: (database: Database, door: Door, now: Clock) => new RunExtensions(database, door, now),
    },
    ExtensionsJob,
    ExpiryJob,
    ChainerJob,
    RollUpJob,
    CloseDoor,
  ],
})
export class LedgerModule {}
