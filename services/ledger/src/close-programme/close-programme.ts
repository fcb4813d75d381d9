import { programmeClosingV1 } from '@points/contracts';
import { everyTenant, tenants, type Database } from '@points/database';
import { endOfDayJst, parsePoints, tenantOf, type Instant, type LocalDate, type ProgrammeId } from '@points/kernel';
import { event, publish } from '@points/messaging';
import { closedAt, closingWarning } from '../rules/closing.js';

/**
 * The end of a programme. Before it: warnings for whoever speaks to holders. After it: every open lot ends at the midnight after the
 * last day of use, so that the expiry that runs next posts what remains, effective at that midnight.
 * A programme that takes history in is left alone: what comes in may lie before its end.
 */
export class CloseProgrammes {
  constructor(
    private readonly database: Database,
    private readonly now: () => Instant,
  ) {}

  /** Answers how many warnings were given and lots ended. Run late or twice, it does the same. */
  async run(): Promise<{ warnings: number; lots: number }> {
    const now = this.now();
    let [warnings, lots] = [0, 0];
    for (const { programme, lastDay } of await this.database.transaction(everyTenant, (tx) => tx.query<Ending>(findEnding))) {
      const end = closedAt(lastDay, now);
      if (end !== undefined) lots += await this.endLots(programme, end);
      else if (await this.warn(programme, now)) warnings++;
    }
    return { warnings, lots };
  }

  /** Under the programme's lock: two processes at midnight give one warning. */
  private warn(programme: ProgrammeId, now: Instant): Promise<boolean> {
    return this.database.transaction(tenants(tenantOf(programme)), async (tx) => {
      const [stand] = await tx.query<Stand>(lockStand, [programme]);
      const due = stand && closingWarning(stand.lastDay, stand.announced, now);
      if (!due) return false;
      const [outstanding] = await tx.query<{ holders: number; points: string }>(readOutstanding, [programme, now]);
      await publish(tx, [
        event(programmeClosingV1, {
          municipality: tenantOf(programme),
          programme,
          name: stand.name,
          ...(stand.lastGrantDay !== null && { lastGrantDay: stand.lastGrantDay }),
          lastUseDay: stand.lastDay,
          daysLeft: due.daysLeft,
          expiresAt: endOfDayJst(stand.lastDay),
          outstanding: { holders: outstanding?.holders ?? 0, points: parsePoints(outstanding?.points ?? '0') },
          announcedAt: now,
        }),
      ]);
      await tx.write('update programme set closing_announced = $2 where programme = $1', [programme, due.warning]);
      return true;
    });
  }

  /** In chunks under the accounts' locks, taken in the order in which the door takes them. */
  private async endLots(programme: ProgrammeId, end: Instant): Promise<number> {
    let total = 0;
    for (;;) {
      const ended = await this.database.transaction(tenants(tenantOf(programme)), async (tx) => {
        const accounts = (await tx.query<{ account: string }>(findOpen, [programme, end])).map((row) => row.account);
        if (accounts.length === 0) return 0;
        await tx.query(
          'select from account where programme = $1 and account = any ($2::text[]) order by programme, account for no key update',
          [programme, accounts],
        );
        return tx.write(endOpen, [programme, end, accounts]);
      });
      if (ended === 0) return total;
      total += ended;
    }
  }
}

interface Ending {
  readonly programme: ProgrammeId;
  readonly lastDay: LocalDate;
}

interface Stand {
  readonly name: string;
  readonly lastDay: LocalDate;
  readonly lastGrantDay: LocalDate | null;
  readonly announced: number | null;
}

const findEnding = `
  select programme, last_day::text as "lastDay" from programme where last_day is not null and not history_open order by programme`;

const lockStand = `
  select name, last_day::text as "lastDay", last_grant_day::text as "lastGrantDay", closing_announced as announced
  from programme where programme = $1 and last_day is not null and not history_open for no key update`;

const readOutstanding = `
  select count(distinct account)::int as holders, coalesce(sum(case when expires_at <= $2::timestamptz then held else remaining end), 0)::text as points
  from lot where programme = $1 and open and (expires_at is null or expires_at > $2::timestamptz or held > 0)`;

/** A chunk of this size holds its locks about 20 ms. */
const accountsPerChunk = 500;

const findOpen = `
  select distinct account from (
    select account from lot where programme = $1 and open and (expires_at is null or expires_at > $2::timestamptz) and granted_at < $2::timestamptz limit ${accountsPerChunk}
  ) as part order by account`;

/** A lot ends after its grant: one of a later time, in a programme whose end was moved back, keeps its own end. */
const endOpen = `
  update lot set expires_at = $2::timestamptz
  where programme = $1 and account = any ($3::text[]) and open and (expires_at is null or expires_at > $2::timestamptz) and granted_at < $2::timestamptz`;
