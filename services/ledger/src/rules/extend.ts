import { addDays, daysBetween, endOfDayJst, jstDateOf, startOfDayJst, type Instant, type LocalDate, type Points } from '@points/kernel';
import type { AnyInstruction } from './instruction.js';
import { isLiving, type Funding, type Lot } from './lots.js';
import { isOfSource } from './limits.js';

/** Which open lots of an account are meant; what is absent does not matter. */
export interface LotsMeant {
  /** Lots that were granted later are not touched, however late the order is carried out. */
  readonly grantedBy: Instant;
  /** The end lies after this instant. */
  readonly endsAfter?: Instant;
  /** The end lies at this instant or before it. */
  readonly endsBy?: Instant;
  /** A source by its name, or all of a kind together: `activity:*`. */
  readonly source?: string;
  readonly funding?: Funding;
}

/** The new last day of use, or so many days after the one that a lot has. */
export type Later = { readonly lastDay: LocalDate } | { readonly days: number };

/** One lot's end, moved by an order: what it had left, and from when to when. */
export interface Extended {
  readonly extension: string;
  readonly lot: string;
  readonly points: Points;
  readonly from: Instant;
  readonly to: Instant;
}

/**
 * What an order of staff moves (有効期限の延長). A lot that is over at the instant stays over: its points lapsed at its end, whether
 * their expiry has been posted or not, and nobody is given back by a later job what a punctual one would have taken. No end moves
 * to an earlier day, and a lot that never ends has no end to move.
 */
export function extend(
  lots: readonly Lot[],
  { extension, meant, later }: Extract<AnyInstruction, { kind: 'extend' }>,
  at: Instant,
): Extended[] {
  return lots.flatMap((lot) => {
    const from = lot.expiresAt;
    if (from === null || lot.remaining === 0 || !isLiving(lot, at) || !isMeant(lot, from, meant)) return [];
    const to = newEnd(from, later);
    return to > from ? [{ extension, lot: lot.lot, points: lot.remaining, from, to }] : [];
  });
}

/** The last day on which a lot with this end can be used: one that ends at 00:00 is usable through the day before. */
export function lastDayOf(end: Instant): LocalDate {
  const day = jstDateOf(end);
  return startOfDayJst(day) === end ? addDays(day, -1) : day;
}

function newEnd(from: Instant, later: Later): Instant {
  if ('lastDay' in later) return endOfDayJst(later.lastDay);
  const last = lastDayOf(from);
  return endOfDayJst(daysBetween(last, lastDayMax) < later.days ? lastDayMax : addDays(last, later.days));
}

/** The last day whose end is still a time with a year of four digits. */
export const lastDayMax = '9999-12-30' as LocalDate;

function isMeant(lot: Lot, end: Instant, { grantedBy, endsAfter, endsBy, source, funding }: LotsMeant): boolean {
  if (lot.grantedAt > grantedBy) return false;
  if (endsAfter !== undefined && end <= endsAfter) return false;
  if (endsBy !== undefined && end > endsBy) return false;
  return (source === undefined || isOfSource(lot.source, source)) && (funding === undefined || lot.funding === funding);
}
