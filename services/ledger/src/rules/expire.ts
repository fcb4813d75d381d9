import { type Instant } from '@points/kernel';
import { expiredAccount } from './give-back.js';
import { freeOf, isOver, type Lot } from './lots.js';
import { movement, negative } from './move.js';
import type { Movement } from './movement.js';

/**
 * Expiry (失効) of an account up to an instant: one movement per lot, effective at the lot's own end, so that the books are the
 * same whenever the job runs. Points held over the end stay until their hold is captured or released; `giveBack` sees to them then.
 */
export function expire(account: string, lots: readonly Lot[], until: Instant, newId: () => string): Movement[] {
  return lots.flatMap((lot) => {
    if (lot.expiresAt === null || !isOver(lot, until) || freeOf(lot) <= 0) return [];
    const head = { id: newId(), kind: 'expire' as const, account, counter: expiredAccount, effectiveAt: lot.expiresAt };
    return [movement(head, negative([{ lot: lot.lot, amount: freeOf(lot) }]))];
  });
}
