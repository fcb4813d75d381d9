import type { Tx } from '@points/database';
import { inboxRetentionDays } from './topics.js';

export const inboxPruneRowsMax = 10_000;

/**
 * Deletes ids of events that can no longer be delivered again, which is when their topic has let them go; answers how many. Call again
 * while it answers the maximum.
 */
export function pruneInbox(tx: Tx): Promise<number> {
  return tx.write(deleteOld, [inboxRetentionDays, inboxPruneRowsMax]);
}

/** Oldest first, by the index. Two processes at the same time want the same rows: the second one finds them gone, and leaves the rest to the first. */
const deleteOld = {
  name: 'prune_inbox',
  text: `
    delete from inbox where ctid = any (array(
      select ctid from inbox where received_at < now() - make_interval(days => $1) order by received_at limit $2))`,
};
