import type { LotsMeant } from '../rules/extend.js';
import type { AnyInstruction } from '../rules/instruction.js';
import { type Books, type ModelAccount, type ModelLot, type ModelOutcome, refused } from './model-books.js';
import { isAlive } from './model-lots.js';
import { dayMs, dayNumber, midnightAfter } from './model-time.js';

/** Moves the ends of what an order of staff names to a later day, never to an earlier one, and of nothing that is over. */
export function extend(books: Books, own: ModelAccount, wish: AnyInstruction & { kind: 'extend' }, at: number): ModelOutcome | undefined {
  let moved = 0;
  for (const lot of own.lots) {
    const isOpen = lot.left > 0 && (isAlive(books, lot, at) || books.mistake === 'extends-what-is-over');
    if (lot.end === null || !isOpen || !isNamed(lot, lot.end, wish.meant)) continue;
    // The last day of use is the one before the midnight at which a lot ends.
    const lastDay = 'days' in wish.later ? dayNumber(lot.end - 1) + wish.later.days : Date.parse(wish.later.lastDay) / dayMs;
    if (midnightAfter(lastDay) <= lot.end) continue;
    lot.end = midnightAfter(lastDay);
    moved++;
  }
  return moved === 0 ? refused('nothing-to-extend') : undefined;
}

/** Which lots an order of staff names. */
function isNamed(lot: ModelLot, end: number, { grantedBy, endsAfter, endsBy, source, funding }: LotsMeant): boolean {
  return (
    lot.granted <= Date.parse(grantedBy) &&
    (endsAfter === undefined || end > Date.parse(endsAfter)) &&
    (endsBy === undefined || end <= Date.parse(endsBy)) &&
    (source === undefined || lot.source === source || (source.endsWith(':*') && lot.source.startsWith(source.slice(0, -1)))) &&
    (funding === undefined || lot.funding === funding)
  );
}
