import type { HolderRegistered } from '@points/contracts';
import type { Tx } from '@points/database';

/** A later registration of a holder replaces the My Key ID that the holder had; an earlier one that arrives late changes nothing. */
export async function linkHolders(tx: Tx, registrations: readonly HolderRegistered[]): Promise<void> {
  const last = new Map<string, HolderRegistered>();
  for (const one of registrations) if (one.registeredAt >= (last.get(one.holder)?.registeredAt ?? '')) last.set(one.holder, one);
  // In order of id, so that two consumers of one batch queue up instead of deadlocking.
  const rows = [...last.values()].sort((a, b) => (a.holder < b.holder ? -1 : 1));
  await tx.write(upsert, [rows.map((one) => one.holder), rows.map((one) => one.myKeyId), rows.map((one) => one.registeredAt)]);
}

const upsert = {
  name: 'link_holders',
  text: `
    insert into holder_link (holder, my_key_id, registered_at)
    select holder, my_key_id, registered_at from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as u (holder, my_key_id, registered_at)
    on conflict on constraint holder_link_pk do update set my_key_id = excluded.my_key_id, registered_at = excluded.registered_at
    where excluded.registered_at >= holder_link.registered_at`,
};
