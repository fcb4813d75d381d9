import { assert } from '@points/kernel';
import type { Books } from './fill-books.js';

/** After each run: every acknowledged posting is a committed transfer, entries sum to zero, and balances are what the lots have left. */
export async function checkBooks({ admin }: Books, postings: number): Promise<void> {
  const { rows } = await admin.query<{ transfers: number; entries: string; same: boolean }>(`
    select (select count(*)::int from transfer) as transfers,
      (select coalesce(sum(amount), 0)::text from entry) as entries,
      (select sum(balance) from account) = (select sum(remaining) from lot) as same`);
  assert(rows[0]?.transfers === postings, `${postings} postings were answered, ${rows[0]?.transfers} transfers are committed`);
  assert(rows[0].entries === '0', 'entries sum to zero');
  assert(rows[0].same, 'balances are what the lots have left');
}
