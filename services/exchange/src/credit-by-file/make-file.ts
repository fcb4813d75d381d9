import type { Tx } from '@points/database';
import { addDays, parsePoints, type Instant, type LocalDate } from '@points/kernel';
import { cutOffOf, fileDueAt, giveBackAt } from '../rules/scheme-delivery.js';
import type { SchemeKey } from '../set-up-schemes/scheme.js';
import { fileText, type FileLine } from './file-text.js';

/** 9 MB of text. What is over it waits, held, for the file of the next day. */
export const fileLinesMax = 100_000;

export interface MadeFile {
  readonly day: LocalDate;
  readonly lines: number;
  readonly points: number;
  /** True when conversions of the day wait for the next file. */
  readonly isFull: boolean;
}

/** Takes schemes whose next file is due, under a lease: if this process dies now, another one takes them up then. */
export function claimFiles(tx: Tx, limit: number, now: Instant): Promise<SchemeKey[]> {
  return tx.query<SchemeKey>(claim, [limit, now, leaseSeconds]);
}

/**
 * Makes the next file of a scheme if it is due: all points held before the cut-off that are in no file yet. File, marks and the plan
 * of the next day are one transaction, so that a conversion is in one file or in none whenever this process dies. A day without
 * conversions has a file without lines: an absent file is never a day with nothing to do.
 */
export async function makeFile(
  tx: Tx,
  { municipality, programme, scheme }: SchemeKey,
  now: Instant,
  linesMax: number = fileLinesMax,
): Promise<MadeFile | undefined> {
  const [plan] = await tx.query<PlanRow>(lockPlan, [programme, scheme]);
  if (!plan) return undefined;
  const { next_day: day, cut_off_hour: hour } = plan;
  if (fileDueAt(day, hour) > now) {
    // Somebody else was faster, or the hour was changed: the lease is not the time that was planned.
    await tx.write(planNext, [programme, scheme, day, fileDueAt(day, hour)]);
    return undefined;
  }
  const cutOff = cutOffOf(day, hour);
  const held = await tx.query<HeldRow>(lockHeld, [programme, scheme, cutOff, linesMax + 1]);
  const taken = held.slice(0, linesMax);
  const { content, sha256, lines, points } = fileText(taken.map((row): FileLine => ({ ...row, points: parsePoints(row.points) })));
  await tx.write(insertFile, [municipality, programme, scheme, day, cutOff, now, lines, points, sha256, content]);
  await tx.write(markTaken, [taken.map(({ id }) => id), day, giveBackAt(day, plan.give_back_after_days)]);
  await tx.write(planNext, [programme, scheme, addDays(day, 1), fileDueAt(addDays(day, 1), hour)]);
  return { day, lines, points, isFull: held.length > linesMax };
}

interface PlanRow {
  readonly next_day: LocalDate;
  readonly cut_off_hour: number;
  readonly give_back_after_days: number;
}

interface HeldRow extends Omit<FileLine, 'points'> {
  readonly id: string;
  readonly points: string;
}

/** Far longer than a full file takes. */
const leaseSeconds = 120;

const claim = `
  update scheme_file_plan p set due_at = $2::timestamptz + make_interval(secs => $3)
  from (select programme, scheme from scheme_file_plan where due_at <= $2 order by due_at limit $1 for update skip locked) due
  where p.programme = due.programme and p.scheme = due.scheme
  returning p.tenant as municipality, p.programme, p.scheme`;

/** No row when the scheme takes no files any more. */
const lockPlan = `
  select p.next_day::text as next_day, s.cut_off_hour, s.give_back_after_days
  from scheme_file_plan p join scheme s on s.programme = p.programme and s.scheme = p.scheme
  where p.programme = $1 and p.scheme = $2 and p.due_at is not null and s.delivery = 'file' for update of p`;

/** Those that came in first, first. */
const lockHeld = {
  name: 'lock_held_for_file',
  text: `
    select id, programme, conversion_id, my_key_id, points, requested_at from conversion
    where programme = $1 and scheme = $2 and delivery = 'file' and state = 'at-scheme' and file_day is null and held_at < $3
    order by held_at, conversion_id collate "C" limit $4 for update`,
};

const insertFile = `
  insert into scheme_file (tenant, programme, scheme, day, cut_off, made_at, lines, points, sha256, content)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

const markTaken = {
  name: 'mark_taken_by_file',
  text: 'update conversion set file_day = $2, give_back_at = $3, updated_at = now() where id = any ($1)',
};

const planNext = 'update scheme_file_plan set next_day = $3, due_at = $4 where programme = $1 and scheme = $2';
