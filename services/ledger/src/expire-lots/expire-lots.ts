import { isTransient, tenants, type Database } from '@points/database';
import { parsePoints, points, sumPoints, tenantOf, uuidv7, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import type { Pool } from 'pg';
import { inPipeline, pipelinePool, type Ready } from '../post/pipeline.js';
import { instantOf, type Send } from '../post/wire.js';
import { expiredAccount } from '../rules/give-back.js';

export interface ExpiryRun {
  readonly lots: number;
  readonly points: Points;
  readonly holders: number;
}

interface Pass extends ExpiryRun {
  /** Lots that somebody else changed between the look for them and the lock of their accounts: they may be due still. */
  readonly moved: number;
}

interface Chunk extends Pass {
  /** The next chunk begins behind it; undefined after the last. */
  readonly next: Place | undefined;
}

/** A night's lots are walked from both ends at once, until the two meet. */
type Way = 'forwards' | 'backwards';

/** In the order of the index: lots before it are done, and their index entries need not be passed again. */
interface Place {
  readonly end: Instant;
  readonly account: string;
}

/**
 * Posts the expiry of every lot that ends up to an instant: one transfer per lot, effective at the lot's own end. Chunks are
 * transactions of their own under the accounts' locks, so postings go on meanwhile, a run that was interrupted is resumed by
 * running it again, and two runs at the same time expire nothing twice.
 */
export class ExpireLots {
  private readonly pool: Pool;

  constructor(
    database: Database,
    private readonly now: () => Instant,
  ) {
    this.pool = pipelinePool(database, 2);
    // A chunk that a power cut takes back is due again, and whoever builds on it (the chainer) waits for the disk with all that came before.
    this.pool.on('connect', (client) => void client.query('set synchronous_commit = off').catch(() => undefined));
  }

  async run(programme: ProgrammeId, until: Instant): Promise<ExpiryRun> {
    let total = nothing;
    for (let pass = 1; pass <= passesMax; pass++) {
      const { moved, ...found } = await this.pass(programme, until);
      total = added(total, found);
      if (moved === 0) break;
    }
    return total;
  }

  private async pass(programme: ProgrammeId, until: Instant): Promise<Pass> {
    const first = await this.chunk(programme, 'forwards', beginning, until);
    if (first.next === undefined) return first;
    // Both have ended when this has, also when one has failed.
    const [one, other] = await Promise.allSettled([
      this.lane(programme, 'forwards', first.next, until),
      this.lane(programme, 'backwards', theEnd, until),
    ]);
    if (one.status === 'rejected') throw one.reason;
    if (other.status === 'rejected') throw other.reason;
    return [one.value, other.value].reduce(passed, first);
  }

  /** Until it has come through; what the other lane has expired is not there any more when the two have met. */
  private async lane(programme: ProgrammeId, way: Way, from: Place, until: Instant): Promise<Pass> {
    let total: Pass = { ...nothing, moved: 0 };
    for (let after: Place | undefined = from; after !== undefined;) {
      const chunk: Chunk = await this.chunk(programme, way, after, until);
      total = passed(total, chunk);
      after = chunk.next;
    }
    return total;
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async chunk(programme: ProgrammeId, way: Way, after: Place, until: Instant): Promise<Chunk> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await inPipeline(this.pool, tenants(tenantOf(programme)), (send) =>
          expireChunk(send, programme, { way, after, until }, this.now()),
        );
      } catch (error) {
        if (!isTransient(error) || attempt >= attemptsMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** attempt));
      }
    }
  }
}

async function expireChunk(
  send: Send,
  programme: ProgrammeId,
  { way, after, until }: { way: Way; after: Place; until: Instant },
  now: Instant,
): Promise<Ready<Chunk>> {
  const { rows } = await send(lockDue[way], [programme, after.end, after.account, until]);
  const [accounts, lots, found, end, last, hasManyEnds] = rows[0] ?? [];
  const next = Number(found) < lotsPerChunk ? undefined : { end: instantOf(end), account: String(last) };
  if (lots === null) return { result: { ...nothing, moved: Number(found), next }, finish: () => Promise.resolve() };

  // A statement of its own: it sees what was committed by the time the locks were granted.
  const { rows: written } = await send(expireLocked, [programme, accounts, lots, until, now, beginningOfIds(), hasManyEnds]);
  const [expired, sum, holders] = written[0] ?? [];
  return {
    result: {
      lots: Number(expired),
      points: parsePoints(String(sum)),
      holders: Number(holders),
      moved: Number(found) - Number(expired),
      next,
    },
    finish: () => Promise.resolve(),
  };
}

function added(one: ExpiryRun, { lots, points: expired, holders }: ExpiryRun): ExpiryRun {
  return { lots: one.lots + lots, points: sumPoints([one.points, expired]), holders: one.holders + holders };
}

function passed(one: Pass, other: Pass): Pass {
  return { ...added(one, other), moved: one.moved + other.moved };
}

const nothing: ExpiryRun = { lots: 0, points: points(0), holders: 0 };

/** About 60 ms of CPU, for which the chunk's accounts are locked. */
const lotsPerChunk = 1_000;
/** One is enough unless others post to the same accounts or expire them at the same time; what is left then is due in the next run. */
const passesMax = 10;

const endOf = (order: 'asc' | 'desc'): string =>
  `(select expires_at from lot where programme = $1 and open and expires_at <= $4::timestamptz order by programme ${order}, expires_at ${order} limit 1)`;

/**
 * Locks the accounts in the order in which the door does, whichever way the lots are walked, and answers where the rows of the accounts and
 * of their lots are, as the texts of two arrays side by side. All lots of an account that end together are in one chunk; the next one begins
 * behind the last of these, if there were as many as a chunk takes. The last column says whether lots of the same account may be due in other chunks.
 */
const lockDueOf = (way: Way): { name: string; text: string } => {
  const [isBehind, order, turned] = way === 'forwards' ? ['>', 'asc', 'desc'] : ['<', 'desc', 'asc'];
  return {
    name: `lock_due_${way}`,
    text: `
    with due as materialized (
      select ctid as place, account, expires_at from lot
      where programme = $1 and open and (expires_at, account) ${isBehind} ($2::timestamptz, $3::text) and expires_at <= $4::timestamptz and remaining > held
      order by programme ${order}, expires_at ${order}, account ${order}
      fetch first ${lotsPerChunk} rows with ties
    ),
    last_one as (select account, expires_at from due order by expires_at ${turned}, account ${turned} limit 1),
    locked as (
      select a.ctid as account_place, d.place
      from due d
      join account a on a.programme = $1 and a.account = d.account
      order by a.programme, a.account
      for no key update of a
    )
    select array_agg(account_place)::text, array_agg(place)::text, (select count(*) from due), (select expires_at from last_one), (select account from last_one),
      ${endOf('asc')} < ${endOf('desc')}
    from locked`,
  };
};
const lockDue = { forwards: lockDueOf('forwards'), backwards: lockDueOf('backwards') };

/** What the ids of a chunk have in common: what `uuidv7` makes, without the last digits, which count the lots. PostgreSQL 15 has no function for it. */
function beginningOfIds(): string {
  return uuidv7()
    .replaceAll('-', '')
    .slice(0, 32 - countedDigits);
}

/** More than a million lots a chunk, and as unlikely to meet another chunk's ids as 54 random bits within a millisecond are. */
const countedDigits = 5;

/**
 * The rule `expire` over the lots that were found, as one statement: a million lots end in one night, and carrying each of them through this
 * process took 270 µs of CPU instead of 100 µs. The spec beside this file holds it to the rule.
 *
 * Rows are read by their places and not by their keys, which saves two searches a lot. An account is where it was when it was locked.
 * A lot may have been moved by whoever had the lock before; then there is none at its place, or another one, which counts only if it is due
 * and its account is locked too. So nothing is taken that is not due; what was not found any more is looked for in another pass.
 * A holder counts in the chunk that takes the last of his lots.
 */
const expireLocked = {
  name: 'expire_locked',
  text: `
    with over as materialized (
      select a.ctid as account_place, l.ctid as place, l.account, l.lot, l.remaining - l.held as free, l.expires_at,
        ($6::text || lpad(to_hex(w.n), ${countedDigits}, '0'))::uuid as transfer
      from unnest($2::tid[], $3::tid[]) with ordinality as w (account_place, place, n)
      join account a on a.ctid = w.account_place and a.programme = $1
      join lot l on l.ctid = w.place and l.programme = $1 and l.account = a.account
        and l.open and l.expires_at <= $4::timestamptz and l.remaining > l.held
    ),
    transfer_written as (
      insert into transfer (tenant, programme, account, transfer, kind, counter, amount, effective_at, recorded_at, actor)
      select left($1, 6), $1, account, transfer, 'expire', '${expiredAccount}', free, expires_at, $5::timestamptz, 'ledger:expiry' from over
    ),
    entry_written as (
      insert into entry (tenant, programme, account, effective_at, transfer, amount)
      select left($1, 6), $1, account, expires_at, transfer, -free from over
      union all
      select left($1, 6), $1, '${expiredAccount}', expires_at, transfer, free from over
    ),
    draw_written as (
      insert into draw (tenant, programme, account, transfer, seq, lot, amount)
      select left($1, 6), $1, account, transfer, 0, lot, -free from over
    ),
    lot_changed as (
      update lot l set remaining = l.remaining - o.free, expired = l.expired + o.free from over o where l.ctid = o.place
    ),
    account_changed as (
      update account a set balance = a.balance - o.free, lapsed = a.lapsed + o.free, latest_at = greatest(a.latest_at, $5::timestamptz, o.last_end)
      from (select account_place, sum(free)::bigint as free, max(expires_at) as last_end from over group by account_place) o
      where a.ctid = o.account_place
    )
    select coalesce(sum(o.lots), 0), coalesce(sum(o.free), 0), count(*) filter (where not $7::boolean or o.lots = (
      select count(*) from lot l where l.programme = $1 and l.account = o.account and l.open and l.expires_at <= $4::timestamptz and l.remaining > l.held
    ))
    from (select account, count(*) as lots, sum(free) as free from over group by account) o`,
};

const attemptsMax = 5;
const beginning: Place = { end: '0001-01-01T00:00:00.000Z' as Instant, account: '' };
const theEnd: Place = { end: '9999-12-31T23:59:59.999Z' as Instant, account: '' };
