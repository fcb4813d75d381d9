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

const insertEnds = {
  name: 'count_upload_ends',
  text: `
    insert into order_upload_end (tenant, upload, completed, refused)
    select * from unnest($1::text[], $2::uuid[], $3::integer[], $4::integer[])`,
};
