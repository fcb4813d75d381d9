import type { HolderRegistered } from '@points/contracts';
import type { Tx } from '@points/database';

/** Keeps for each holder the My Key ID of the latest registration, whatever the order in which they are heard. */
export async function linkHolders(tx: Tx, registrations: readonly HolderRegistered[]): Promise<void> {
  const latest = new Map<string, HolderRegistered>();
  for (const one of registrations) {
    const known = latest.get(one.holder);
    if (!known || known.registeredAt <= one.registeredAt) latest.set(one.holder, one);
  }
  // Ordered, so that two replicas that link the same holders queue up instead of deadlocking.
  const links = [...latest.values()].sort((a, b) => (a.holder < b.holder ? -1 : 1));
  await tx.write(upsertHolders, [links.map((one) => one.holder), links.map((one) => one.myKeyId), links.map((one) => one.registeredAt)]);
}

const upsertHolders = {
  name: 'link_holders',
  text: `
    insert into holder (id, my_key_id, registered_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
    on conflict on constraint holder_pk do update set my_key_id = excluded.my_key_id, registered_at = excluded.registered_at
      where holder.registered_at <= excluded.registered_at`,
};
