import { addDays, endOfDayJst, jstDateOf, points, sumPoints, unreachable, type Instant } from '@points/kernel';
import { isOver, type Lot, type Part } from './lots.js';
import { movement, negative } from './move.js';
import type { Holding, Movement } from './movement.js';
import { rulesOfVersion, type Programme } from './programme.js';

/** System accounts that take points whose time is over. */
export const expiredAccount = 'expired';
export const municipalityAccount = 'municipality';

interface Occasion {
  readonly account: string;
  readonly programme: Programme;
  readonly at: Instant;
  readonly holding: Holding;
  /** The refund or release that brought the points back. */
  readonly of: string;
  readonly newId: () => string;
}

/**
 * What follows when points have come back to their lots: nothing where the lot still lives; where it is over, the rule it was
 * granted under says what becomes of them. One movement per lot, so that a report can count lots.
 */
export function giveBack(parts: readonly Part[], occasion: Occasion): Movement[] {
  return parts.flatMap((part) => {
    const lot = occasion.holding.lotOf(part.lot);
    if (!lot) throw new Error(`assertion failed: points come back to lot ${part.lot}, which is not known`);
    return isOver(lot, occasion.at) ? [settleOver(part, lot, occasion)] : [];
  });
}

function settleOver(part: Part, lot: Lot, { account, programme, at, of, newId }: Occasion): Movement {
  const rule = rulesOfVersion(programme, lot.ruleVersion).rules.refundOfExpired;
  const head = { id: newId(), account, effectiveAt: at, of };
  switch (rule.kind) {
    case 'restore-and-expire':
      return movement({ ...head, kind: 'expire', counter: expiredAccount }, negative([part]));
    case 'to-municipality':
      return movement({ ...head, kind: 'revert', counter: municipalityAccount }, negative([part]));
    case 'new-lot': {
      const renewed: Lot = {
        ...lot,
        lot: newId(),
        grantedAt: at,
        expiresAt: endOfDayJst(addDays(jstDateOf(at), rule.days)),
        amount: part.amount,
        remaining: part.amount,
        held: points(0),
        expired: points(0),
      };
      const draws = [...negative([part]), { lot: renewed.lot, amount: part.amount }];
      return {
        ...head,
        kind: 'renew',
        counter: null,
        amount: part.amount,
        signed: sumPoints(draws.map((one) => one.amount)),
        draws,
        grants: [renewed],
        reserves: [],
      };
    }
    default:
      return unreachable(rule);
  }
}
