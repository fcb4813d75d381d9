import type { HolderRegistered } from '@points/contracts';
import type { Migration, Tx } from '@points/database';
import { problem, type Problem } from '@points/http';

/**
 * Which holder a My Key ID leads to, as identity.holder-registered tells: each service that is called with My Key IDs keeps its own
 * copy. No tenant data: a holder belongs to the platform.
 */
export const holderMigrations: readonly Migration[] = [
  {
    name: 'CreateHolderLinks1763800000201',
    up: `
      create table holder_link (
        holder uuid not null,
        my_key_id text collate "C" not null,
        registered_at timestamptz not null,
        constraint holder_link_pk primary key (holder)
      );
      -- Two holders may share an id for a moment: an id that passed to another card is heard of in any order.
      create index holder_link_my_key_id on holder_link (my_key_id, registered_at desc);
      grant select, insert, update on holder_link to {app};`,
  },
];

/**
 * The newest registration of a holder wins, whatever order they are heard in. Answers the My Key IDs that were given up for another
 * one, for whoever has them in a cache.
 */
export async function linkHolders(tx: Tx, registrations: readonly HolderRegistered[]): Promise<string[]> {
  const newest = new Map<string, HolderRegistered>();
  for (const one of registrations) {
    const known = newest.get(one.holder);
    if (!known || known.registeredAt <= one.registeredAt) newest.set(one.holder, one);
  }
  // In order of id, so that two consumers that link the same holders queue up instead of deadlocking.
  const links = [...newest.values()].sort((a, b) => (a.holder < b.holder ? -1 : 1));
  const before = await tx.query<{ holder: string; myKeyId: string }>(readLinks, [links.map((one) => one.holder)]);
  await tx.write(upsertLinks, [links.map((one) => one.holder), links.map((one) => one.myKeyId), links.map((one) => one.registeredAt)]);
  return before.filter((row) => newest.get(row.holder)?.myKeyId !== row.myKeyId).map((row) => row.myKeyId);
}

/** The holder to whom the My Key ID belongs now. */
export async function findHolder(tx: Tx, myKeyId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ holder: string }>(findHolderStatement, [myKeyId]);
  return row?.holder;
}

export function unknownMyKeyId(): Problem {
  return problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID');
}

/** For a caller outside of a transaction: the row has no tenant. */
export const findHolderStatement = {
  name: 'find_holder',
  text: 'select holder from holder_link where my_key_id = $1 order by registered_at desc limit 1',
};

const readLinks = {
  name: 'read_holder_links',
  text: 'select holder, my_key_id as "myKeyId" from holder_link where holder = any ($1::uuid[])',
};

const upsertLinks = {
  name: 'upsert_holder_links',
  text: `
    insert into holder_link (holder, my_key_id, registered_at) select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
    on conflict on constraint holder_link_pk do update set my_key_id = excluded.my_key_id, registered_at = excluded.registered_at
      where holder_link.registered_at <= excluded.registered_at`,
};
