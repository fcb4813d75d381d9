import { points, type Instant, type Points } from '@points/kernel';

/** One grant of points, with its own end and its own places of use. */
export interface Lot {
  readonly lot: string;
  /** Lower numbers are drawn first. */
  readonly priority: number;
  readonly grantedAt: Instant;
  /** The first instant at which it can no longer be used. */
  readonly expiresAt: Instant | null;
  readonly usableAt: readonly string[];
  readonly source: string;
  readonly funding: Funding;
  readonly ruleVersion: number;
  readonly amount: Points;
  /** What has not been spent, expired or given away; `held` of it is reserved by holds. */
  readonly remaining: Points;
  readonly held: Points;
  /** What expiry has taken from it. */
  readonly expired: Points;
}

/** Who paid for the points: 資金決済法 reports the two apart. */
export type Funding = 'paid' | 'free';

/** So many points of one lot. */
export interface Part {
  readonly lot: string;
  readonly amount: Points;
}

/** Priority, then earliest end (never-ending lots last), then id: total, so that two processes always choose the same lots. */
export function byDrawOrder(a: Lot, b: Lot): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  if (a.expiresAt !== b.expiresAt) {
    if (a.expiresAt === null) return 1;
    if (b.expiresAt === null) return -1;
    return a.expiresAt < b.expiresAt ? -1 : 1;
  }
  return a.lot < b.lot ? -1 : a.lot > b.lot ? 1 : 0;
}

export function isLiving(lot: Lot, at: Instant): boolean {
  return lot.grantedAt <= at && !isOver(lot, at);
}

export function isOver(lot: Lot, at: Instant): boolean {
  return lot.expiresAt !== null && lot.expiresAt <= at;
}

/** A lot without tags can be used anywhere; any other where the place shares one of its tags. */
export function isUsableAt(lot: Lot, places: readonly string[]): boolean {
  return lot.usableAt.length === 0 || lot.usableAt.some((tag) => places.includes(tag));
}

/** What nobody has reserved. */
export function freeOf(lot: Lot): Points {
  return points(lot.remaining - lot.held);
}

/** What an instruction may draw from, or why it may not. */
export type Drawing =
  | { readonly ok: true; readonly parts: readonly Part[] }
  | { readonly ok: false; readonly available: Points; readonly elsewhere: Points; readonly expired: Points };

/**
 * Takes `needed` points from the lots that live at the instant and are usable at one of the places, in draw order.
 * `lots` must be in draw order. Where they do not suffice it says how much there is, how much more could be used at other
 * places, and how much is lost in lots that were over (whether their expiry has been posted or not).
 */
export function draw(lots: readonly Lot[], needed: Points, at: Instant, places: readonly string[]): Drawing {
  const parts: Part[] = [];
  let open: number = needed;
  for (const lot of lots) {
    const free = lot.remaining - lot.held;
    if (free <= 0 || !isLiving(lot, at) || !isUsableAt(lot, places)) continue;
    const amount = points(Math.min(free, open));
    parts.push({ lot: lot.lot, amount });
    open -= amount;
    if (open === 0) return { ok: true, parts };
  }
  let [elsewhere, expired] = [0, 0];
  for (const lot of lots) {
    if (!isUsableAt(lot, places)) elsewhere += isLiving(lot, at) ? lot.remaining - lot.held : 0;
    else expired += lot.expired + (isOver(lot, at) ? lot.remaining - lot.held : 0);
  }
  return { ok: false, available: points(needed - open), elsewhere: points(elsewhere), expired: points(expired) };
}

/** The parts that cover the points number `from` to `from + amount` when the parts are laid end to end. */
export function sliceParts(parts: readonly Part[], from: Points, amount: Points): Part[] {
  const slice: Part[] = [];
  let start = 0;
  for (const part of parts) {
    const [begin, end] = [Math.max(start, from), Math.min(start + part.amount, from + amount)];
    if (begin < end) slice.push({ lot: part.lot, amount: points(end - begin) });
    start += part.amount;
  }
  return slice;
}
