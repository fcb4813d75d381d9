import { everyTenant, type Database } from '@points/database';
import type { Instant, ProgrammeId } from '@points/kernel';
import type { Door } from '../post/door.js';

/** Gives the points of holds back whose time has come, effective at that time. */
export class ReleaseHolds {
  constructor(
    private readonly database: Database,
    private readonly door: Door,
    private readonly now: () => Instant,
  ) {}

  /** Answers how many were released. Running it twice at the same time releases nothing twice: the reference is the hold's. */
  async run(): Promise<number> {
    let released = 0;
    for (;;) {
      const due = await this.database.transaction(everyTenant, (tx) => tx.query<Due>(findDue, [this.now(), holdsPerChunk]));
      const results = await this.door.post(
        due.map(({ programme, account, hold, expiresAt }) => ({
          reference: `ledger:release/${hold}`,
          programme,
          account,
          instruction: { kind: 'release', hold },
          // Read as the time of a row that the ledger wrote itself.
          effectiveAt: expiresAt.toISOString() as Instant,
          actor: 'ledger:holds',
          internal: true,
        })),
      );
      const posted = results.filter(({ outcome, repeated }) => outcome.status === 'posted' && !repeated).length;
      released += posted;
      // Refused ones (a frozen programme) stay due: without progress, the next run is soon enough.
      if (due.length < holdsPerChunk || posted === 0) return released;
    }
  }
}

interface Due {
  readonly programme: ProgrammeId;
  readonly account: string;
  readonly hold: string;
  readonly expiresAt: Date;
}

const findDue = `
  select programme, account, hold, expires_at as "expiresAt" from hold
  where not ended and expires_at is not null and expires_at <= $1::timestamptz
  order by expires_at limit $2`;
const holdsPerChunk = 500;
