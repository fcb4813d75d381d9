import type { Tx } from '@points/database';
import type { Instant, LocalDate } from '@points/kernel';
import type { Delivery } from '../rules/scheme-delivery.js';
import { heldColumns, heldOf, settleCredits, unansweredRefusal, type HeldRow } from './settle-credits.js';

/** Of one transaction. */
export const giveBackRowsMax = 500;

export interface GivenBack {
  /** Of a scheme that takes files: their points go back now. */
  readonly released: readonly string[];
  /** Of a scheme with an API: it is asked one last time, because its answer would be better than none. */
  readonly lastAsked: readonly string[];
}

/**
 * Ends the conversions whose scheme has not answered within its days. One with an API whose attempts are not used up has its time
 * after them. Replicas pass over each other's rows.
 */
export async function giveBackUnanswered(tx: Tx, now: Instant, rowsMax: number = giveBackRowsMax): Promise<GivenBack> {
  const rows = await tx.query<DueRow>(lockDue, [now, rowsMax]);
  const [byFile, byApi] = [rows.filter((row) => row.delivery === 'file'), rows.filter((row) => row.delivery === 'api')];
  await settleCredits(
    tx,
    byFile.map((row) => ({
      held: { ...heldOf(row), state: 'at-scheme' },
      end: { refusal: unansweredRefusal(row.scheme, row.file_day === null ? {} : { fileDay: row.file_day }) },
    })),
  );
  if (byApi.length) await tx.write(askOnceMore, [byApi.map(({ id }) => id)]);
  return { released: byFile.map(({ id }) => id), lastAsked: byApi.map(({ id }) => id) };
}

interface DueRow extends HeldRow {
  readonly delivery: Delivery;
  readonly file_day: LocalDate | null;
}

const lockDue = {
  name: 'lock_unanswered',
  text: `
    select ${heldColumns}, c.delivery, c.file_day::text as file_day
    from conversion c where c.state = 'at-scheme' and c.next_attempt_at is null and c.give_back_at <= $1
    order by c.give_back_at limit $2 for update skip locked`,
};

/** The attempts stay used up: if it does not answer this one, the points go back. */
const askOnceMore = 'update conversion set next_attempt_at = now(), updated_at = now() where id = any ($1)';
