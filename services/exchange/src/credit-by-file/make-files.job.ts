import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database, everyTenant, tenants } from '@points/database';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { Gauge } from 'prom-client';
import { now } from '../clock.js';
import { afterCutOffMinutes } from '../rules/scheme-delivery.js';
import { DueWork } from '../due-work.js';
import type { SchemeKey } from '../set-up-schemes/scheme.js';
import { claimFiles, makeFile } from './make-file.js';

/** How late after its minute a file may come to be; what is in it does not depend on it. */
const lookEveryMs = 5_000;
const filesAtOnceMax = 2;

/** Makes the nightly files of card schemes. Replicas share them, each under a lease. */
@Injectable()
export class MakeFiles implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly due: DueWork<SchemeKey>;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    const overdue = new Gauge({
      name: 'points_exchange_scheme_files_overdue_seconds',
      help: 'how long the nightly file of a card scheme is due that waits longest; 0 when there is none',
      registers: [registry],
      collect: async () => {
        overdue.set(await this.overdueSeconds());
      },
    });
    this.due = new DueWork({
      atOnceMax: filesAtOnceMax,
      lookEveryMs,
      claim: (limit) => this.database.transaction(everyTenant, (tx) => claimFiles(tx, limit, now())),
      attempt: (key) => this.make(key),
      told: (during) =>
        during === 'claim'
          ? 'could not look for files of card schemes that are due; looks again'
          : 'a file of a card scheme could not be made; tried again',
      log,
    });
  }

  onApplicationBootstrap(): void {
    this.due.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.due.stop();
  }

  private async make(key: SchemeKey): Promise<void> {
    const made = await this.database.transaction(tenants(key.municipality), (tx) => makeFile(tx, key, now()));
    if (!made) return;
    this.log.info({ programme: key.programme, scheme: key.scheme, ...made }, 'file of a card scheme made');
    if (made.isFull)
      this.log.warn(
        { programme: key.programme, scheme: key.scheme, day: made.day },
        'file of a card scheme is full: the rest waits for the next day',
      );
  }

  private async overdueSeconds(): Promise<number> {
    const [row] = await this.database.transaction(everyTenant, (tx) => tx.query<{ seconds: number }>(selectOverdue, [afterCutOffMinutes]));
    return row?.seconds ?? 0;
  }
}

/** By the cut-off and not by `due_at`, which is the end of a lease while a file is being made. */
const selectOverdue = `
  select greatest(0, coalesce(max(extract(epoch from now() -
    (p.next_day::timestamp + make_interval(hours => s.cut_off_hour)) at time zone 'Asia/Tokyo') - 60 * $1::integer), 0))::float8 as seconds
  from scheme_file_plan p join scheme s on s.programme = p.programme and s.scheme = p.scheme
  where p.due_at is not null`;
