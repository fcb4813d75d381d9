import type { Tx } from '@points/database';
import { uploadKeptDays } from './upload.js';

/** A piece has 256 KB, an error some hundred bytes: a transaction of some hundred milliseconds. */
export const pruneUploadsMax = 1;

/** Forgets files and errors of uploads that are long over; the upload itself and its orders stay. Answers how many. */
export async function pruneUploads(tx: Tx): Promise<number> {
  const uploads = await tx.query<{ id: string }>(
    `update order_upload set is_pruned = true
     where id in (
       select id from order_upload where not is_pruned and ended_at < now() - make_interval(days => $1)
       order by ended_at limit $2 for update skip locked)
     returning id`,
    [uploadKeptDays, pruneUploadsMax],
  );
  const ids = [uploads.map((one) => one.id)];
  if (uploads.length === 0) return 0;
  await tx.write('delete from order_upload_piece where upload = any ($1)', ids);
  await tx.write('delete from order_upload_error where upload = any ($1)', ids);
  return uploads.length;
}
