import type { HolderRegistered } from '@points/contracts';
import type { Tx } from '@points/database';

/** The newest event of a holder wins, whatever order they come in. Answers the My Key IDs that were given up for another one. */
export async function linkHolders(tx: Tx, registered: readonly HolderRegistered[]): Promise<string[]> {
  const newest = new Map<string, HolderRegistered>();
  for (const one of registered) {
    const known = newest.get(one.holder);
    if (!known || known.registeredAt <= one.registeredAt) newest.set(one.holder, one);
  }
  const all = [...newest.values()].sort((a, b) => (a.holder < b.holder ? -1 : 1));
  const before = await tx.query<{ holder: string; myKeyId: string }>(
    'select holder, my_key_id as "myKeyId" from holder_link where holder = any ($1::uuid[])',
    [all.map((one) => one.holder)],
  );
  await tx.write(upsertLinks, [all.map((one) => one.holder), all.map((one) => one.myKeyId), all.map((one) => one.registeredAt)]);
  return before.filter((row) => newest.get(row.holder)?.myKeyId !== row.myKeyId).map((row) => row.myKeyId);
}

const upsertLinks = {
  name: 'upsert_holder_links',
  text: `
    insert into holder_link (holder, my_key_id, registered_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
    on conflict (holder) do update set my_key_id = excluded.my_key_id, registered_at = excluded.registered_at
      where holder_link.registered_at <= excluded.registered_at`,
};
