import type { Tx } from '@points/database';

/** Writes down that orders of uploads have ended, for those who book to add up. */
export async function countEnds(
  tx: Tx,
  ends: readonly { readonly tenant: string; readonly upload: string | null; readonly isPosted: boolean }[],
): Promise<void> {
  const counts = new Map<string, { tenant: string; completed: number; refused: number }>();
  for (const { tenant, upload, isPosted } of ends) {
    if (upload === null) continue;
    const count = counts.get(upload) ?? { tenant, completed: 0, refused: 0 };
    counts.set(upload, count);
    count[isPosted ? 'completed' : 'refused']++;
  }
  if (counts.size === 0) return;
  const all = [...counts.values()];
  await tx.write(insertEnds, [
    all.map((one) => one.tenant),
    [...counts.keys()],
    all.map((one) => one.completed),
    all.map((one) => one.refused),
  ]);
}

/** Orders of uploads that a person has looked at wait no longer. */
export async function leaveReview(tx: Tx, uploads: readonly (string | null)[]): Promise<void> {
  const known = uploads.filter((one) => one !== null).sort();
  for (const upload of known) await tx.write('update order_upload set in_review = in_review - 1 where id = $1', [upload]);
}

/** Nobody adds up for an upload that has ended: orders that a person let pass later are counted at once. */
const insertEnds = {
  name: 'count_upload_ends',
  text: `
    with given as (
      select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::integer[]) as g (tenant, upload, completed, refused)
    ), late as (
      update order_upload u set completed = u.completed + g.completed, refused = u.refused + g.refused
      from given g where u.id = g.upload and u.ended_at is not null
      returning u.id
    )
    insert into order_upload_end (tenant, upload, completed, refused)
    select * from given where upload not in (select id from late)`,
};
