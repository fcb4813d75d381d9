import { isTransient, tenants, type Database } from '@points/database';
import { points, sumPoints, tenantOf, uuidv7, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import type { Pool } from 'pg';
import { load, type Keyed } from '../post/load.js';
import { inPipeline, pipelinePool, type Ready } from '../post/pipeline.js';
import { instantOf, type Send } from '../post/wire.js';
import { write, type Written } from '../post/write.js';
import { expire } from '../rules/expire.js';

export interface ExpiryRun {
  readonly lots: number;
  readonly points: Points;
  readonly holders: number;
}

interface Chunk extends ExpiryRun {
  /** Where the next chunk begins; undefined after the last. */
  readonly next: Instant | undefined;
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
    this.pool = pipelinePool(database, 1);
  }

  async run(programme: ProgrammeId, until: Instant): Promise<ExpiryRun> {
    let total: ExpiryRun = { lots: 0, points: points(0), holders: 0 };
    let from: Instant | undefined = startOfTime;
    while (from !== undefined) {
      const { lots, points: expired, holders, next }: Chunk = await this.chunk(programme, from, until);
      // A chunk expires all that is over of its accounts, so no holder is counted twice.
      total = { lots: total.lots + lots, points: sumPoints([total.points, expired]), holders: total.holders + holders };
      from = next;
    }
    return total;
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async chunk(programme: ProgrammeId, from: Instant, until: Instant): Promise<Chunk> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await inPipeline(this.pool, tenants(tenantOf(programme)), (send) =>
          expireChunk(send, programme, { from, until }, this.now()),
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
  { from, until }: { from: Instant; until: Instant },
  now: Instant,
): Promise<Ready<Chunk>> {
  const { rows } = await send(findDue, [programme, from, until]);
  const due = new Map<string, Keyed>();
  for (const [account] of rows) due.set(String(account), { programme, account: String(account) });
  const accounts = [...due.values()];
  const last = rows.at(-1)?.[1];
  const next = rows.length < lotsPerChunk ? undefined : instantOf(last);
  if (accounts.length === 0) return { result: { lots: 0, points: points(0), holders: 0, next }, finish: () => Promise.resolve() };

  const book = await load(send, { programmes: [], accounts, opening: [], holds: [], references: [], refunds: [] }, now);
  const movements = accounts.flatMap(({ account }) => {
    const holding = book.account(programme, account);
    const expired = expire(account, holding.lots, until, uuidv7);
    for (const movement of expired) holding.apply(movement, now);
    return expired;
  });
  const written = movements.map((movement): Written => ({ programme, movement, reference: null, actor: 'ledger:expiry', reason: null }));
  return {
    result: {
      lots: movements.length,
      points: sumPoints(movements.map((one) => one.amount)),
      holders: new Set(movements.map((one) => one.account)).size,
      next,
    },
    finish: () => write(send, book, written, [], [], now),
  };
}

/** A chunk of this size holds its locks about 30 ms. */
const lotsPerChunk = 500;

/** In order of their ends, beginning where the last chunk stopped: the lots before it are done and their index entries need not be passed again. */
const findDue = {
  name: 'find_due_lots',
  text: `
    select account, expires_at from lot
    where programme = $1 and open and expires_at >= $2::timestamptz and expires_at <= $3::timestamptz and remaining > held
    order by programme, expires_at
    limit ${lotsPerChunk}`,
};

const attemptsMax = 5;
const startOfTime = '0001-01-01T00:00:00.000Z' as Instant;
