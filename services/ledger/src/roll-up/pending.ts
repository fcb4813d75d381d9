import type { Tx } from '@points/database';
import type { ProgrammeId } from '@points/kernel';

/** The keys in rows that hold them side by side. */
export function keysIn(rows: string): string {
  return `select k.account, k.effective_at, k.transfer from ${rows} q cross join lateral unnest(q.accounts, q.effective_at, q.transfers) as k (account, effective_at, transfer)`;
}

/** The keys of all transfers that the sums do not know yet. */
export const pendingKeys = keysIn(`(
      select accounts, effective_at, transfers from unsealed where programme = $1
      union all
      select accounts, effective_at, transfers from unrolled where programme = $1
    )`);

/**
 * Whether the sums and what is not in them yet are the shorter way. So it is but for hours in which somebody imports or the sums are made
 * for the first time; what is not in them is looked up line by line, at 11 µs each.
 */
export async function isRolledUp(tx: Tx, programme: ProgrammeId): Promise<boolean> {
  const [row] = await tx.query<{ few: boolean }>(countPending, [programme, pendingTransfersMax]);
  return row?.few ?? false;
}

/** Half a second of looking up. */
const pendingTransfersMax = 50_000;

const countPending = {
  name: 'count_pending',
  text: `
    select coalesce(sum(cardinality(transfers)), 0) <= $2::int as few
    from (select transfers from unsealed where programme = $1 union all select transfers from unrolled where programme = $1) as waiting`,
};
