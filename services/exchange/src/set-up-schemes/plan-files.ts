import type { Tx } from '@points/database';
import type { Instant, LocalDate } from '@points/kernel';
import { fileDueAt, firstFileDay } from '../rules/scheme-delivery.js';
import type { SchemeKey } from './scheme.js';

/**
 * Says of a scheme when its next file is made. Days follow each other without a gap while it takes files; one that began to take them
 * has its first file on the first day whose cut-off is to come, and never a second one of a day.
 * @param hour absent: it takes no files
 */
export async function planFiles(
  tx: Tx,
  { municipality, programme, scheme }: SchemeKey,
  hour: number | undefined,
  now: Instant,
): Promise<void> {
  const [plan] = await tx.query<{ next_day: LocalDate; due_at: Date | null }>(lockPlan, [programme, scheme]);
  if (hour === undefined) {
    if (plan?.due_at) await tx.write(endPlan, [programme, scheme]);
    return;
  }
  const first = firstFileDay(now, hour);
  const day = plan && (plan.due_at !== null || plan.next_day > first) ? plan.next_day : first;
  await tx.write(writePlan, [municipality, programme, scheme, day, fileDueAt(day, hour)]);
}

const lockPlan = 'select next_day::text as next_day, due_at from scheme_file_plan where programme = $1 and scheme = $2 for update';
const endPlan = 'update scheme_file_plan set due_at = null where programme = $1 and scheme = $2';
const writePlan = `
  insert into scheme_file_plan (tenant, programme, scheme, next_day, due_at) values ($1, $2, $3, $4, $5)
  on conflict on constraint scheme_file_plan_pk do update set next_day = excluded.next_day, due_at = excluded.due_at`;
