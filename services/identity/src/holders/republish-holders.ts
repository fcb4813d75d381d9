import { holderRegisteredV1 } from '@points/contracts';
import type { Tx } from '@points/database';
import { event, publish } from '@points/messaging';
import { instantOf } from './register-holders.js';

/** One transaction's worth: about 1 MB of outbox, sent in a second. */
export const republishHoldersMax = 5_000;

/** Tells again who has which My Key ID, in order of holder, for a service that begins to listen. @returns the last holder told */
export async function republishHolders(tx: Tx, after: string | undefined, limit: number): Promise<{ published: number; next?: string }> {
  const rows = await tx.query<{ holder: string; value: string; since: Date }>(
    `select holder, value, since from my_key_id where until is null and holder > $1 order by holder limit $2 for share`,
    [after ?? '00000000-0000-0000-0000-000000000000', limit],
  );
  await publish(
    tx,
    rows.map(({ holder, value, since }) => event(holderRegisteredV1, { holder, myKeyId: value, registeredAt: instantOf(since) })),
  );
  const last = rows.at(-1);
  return { published: rows.length, ...(rows.length === limit && last && { next: last.holder }) };
}
