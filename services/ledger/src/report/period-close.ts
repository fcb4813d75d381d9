import type { Tx } from '@points/database';
import { problem, utc } from '@points/http';
import { jstDateOf, tenantOf, type Instant, type ProgrammeId } from '@points/kernel';
import { lockProgramme } from '../programmes/programme-store.js';
import { fiscalYear } from './fiscal-year.js';

export interface CloseChange {
  readonly change: number;
  readonly closed: boolean;
  /** From this time of recording on, nothing may take effect in the year any more. */
  readonly holdsFrom: Instant;
  readonly changedAt: Instant;
  readonly actor: string;
  readonly reason: string;
}

/** Every change of a year's close, the first one first; the last one says whether it is closed. */
export function closesOf(tx: Tx, programme: ProgrammeId, year: number): Promise<CloseChange[]> {
  return tx.query<CloseChange>(readCloses, [programme, year, closesMax]);
}

/**
 * Closes a fiscal year, or opens it again. Saying again what holds already changes nothing. A year is closed after the time for
 * booking what belongs to it, 31 May.
 * @throws Problem 422 `books-still-open`, `too-many-changes`
 */
export async function changeClose(
  tx: Tx,
  programme: ProgrammeId,
  year: number,
  { closed, reason, actor, now }: { closed: boolean; reason: string; actor: string; now: Instant },
): Promise<CloseChange[]> {
  await lockProgramme(tx, programme);
  const changes = await closesOf(tx, programme, year);
  const last = changes.at(-1);
  if ((last?.closed ?? false) === closed) return changes;
  const { bookedUntil } = fiscalYear(year);
  if (closed && now < bookedUntil) {
    const lastDay = jstDateOf(new Date(Date.parse(bookedUntil) - 1).toISOString() as Instant);
    throw problem(422, 'books-still-open', `what belongs to fiscal year ${year} is booked through ${lastDay}; close it after that`, {
      lastDay,
    });
  }
  if (changes.length >= closesMax) throw problem(422, 'too-many-changes', `the year was closed and opened ${closesMax} times`);
  const change: CloseChange = {
    change: (last?.change ?? 0) + 1,
    closed,
    holdsFrom: closed ? (new Date(Date.parse(now) + closeHoldsAfterMs).toISOString() as Instant) : now,
    changedAt: now,
    actor,
    reason,
  };
  await tx.write(insertClose, [
    tenantOf(programme),
    programme,
    year,
    change.change,
    closed,
    change.holdsFrom,
    change.changedAt,
    actor,
    reason,
  ]);
  return [...changes, change];
}

/**
 * A flush of the door that read the programme before the close was there has a time of recording before the close took hold, because
 * no transaction of the door lives so long (an idle one is ended by the database after 60 s). So no lock is needed on the way of postings.
 */
const closeHoldsAfterMs = 120_000;
const closesMax = 100;

const readCloses = {
  name: 'read_closes',
  text: `
    select change, closed, ${utc('holds_from')} as "holdsFrom", ${utc('changed_at')} as "changedAt", actor, reason
    from period_close where programme = $1 and fiscal_year = $2 order by change limit $3`,
};

const insertClose = {
  name: 'insert_close',
  text: `
    insert into period_close (tenant, programme, fiscal_year, change, closed, holds_from, changed_at, actor, reason)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
};
