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
    const until = this.now();
    let after: Pick<Due, 'expiresAt' | 'programme' | 'account' | 'hold'> = { expiresAt: new Date(0), programme: '' as ProgrammeId, account: '', hold: nilUuid };
    for (;;) {
      const due = await this.database.transaction(everyTenant, (tx) =>
        tx.query<Due>(findDue, [until, holdsPerChunk, after.expiresAt, after.programme, after.account, after.hold]),
      );
      const results = await this.door.post(
        due.map(({ programme, account, hold, expiresAt }) => ({
          // Callers choose the ids of holds, each for its own account.
          reference: `ledger:release/${account}/${hold}`,
          programme,
          account,
          instruction: { kind: 'release', hold },
          // Read as the time of a row that the ledger wrote itself.
          effectiveAt: expiresAt.toISOString() as Instant,
          actor: 'ledger:holds',
          internal: true,
        })),
      );
      released += results.filter(({ outcome, repeated }) => outcome.status === 'posted' && !repeated).length;
      // Refused ones (a frozen programme) stay due for the next run, and do not stand in the way of those behind them.
      const last = due.at(-1);
      if (due.length < holdsPerChunk || !last) return released;
      after = last;
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
    and (expires_at, programme, account, hold) > ($3::timestamptz, $4::text, $5::text, $6::uuid)
  order by expires_at, programme, account, hold limit $2`;
const nilUuid = '00000000-0000-0000-0000-000000000000';
const holdsPerChunk = 500;
