import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, everyTenant, tenants } from '@points/database';
import { Problem } from '@points/http';
import { uuidv7 } from '@points/kernel';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { askAction } from './ask-action.js';

const lapseEveryMs = 60_000;
const lapseHoldsMax = 500;
/** The ledger may refuse for a while (a frozen programme): it is not asked again within this time. */
const lapseAgainHours = 1;

/** A hold whose time is over is released, so that the payment ends by itself. */
@Injectable()
export class LapseHolds implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(
      () => void this.run().catch((error: unknown) => this.log.warn({ err: error }, 'holds could not be ended; tried again')),
      lapseEveryMs,
    );
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async run(): Promise<number> {
    const ended = await lapseHolds(this.database, new Date());
    if (ended > 0) this.log.info({ payments: ended }, 'holds ended because their time is over');
    return ended;
  }
}

/** Answers how many releases were asked of the ledger. Two replicas at once do no harm: the second finds the payment taken. */
export async function lapseHolds(database: Database, now: Date): Promise<number> {
  const due = await database.transaction(everyTenant, (tx) =>
    tx.query<{ tenant: string; id: string; programme: string }>(
      `select tenant, id, programme from payment p
       where hold_until < $1 and state = 'authorised'
         and not exists (select 1 from payment_action a
                         where a.tenant = p.tenant and a.payment = p.id and a.kind = 'lapse' and a.created_at > $1 - make_interval(hours => $2))
       order by hold_until limit $3`,
      [now, lapseAgainHours, lapseHoldsMax],
    ),
  );
  let asked = 0;
  for (const { tenant, id: payment, programme } of due) {
    const action = uuidv7();
    const wanted = {
      programme,
      payment,
      key: { tenant, client: 'settlement', key: `lapse:${action}` },
      fingerprint: 'lapse',
      asked: { kind: 'lapse' },
      id: action,
    } as const;
    try {
      await database.transaction(tenants(tenant), (tx) => askAction(tx, wanted, now));
      asked++;
    } catch (error) {
      // Captured or cancelled at this very moment: it ends that way.
      if (!(error instanceof Problem)) throw error;
    }
  }
  return asked;
}
