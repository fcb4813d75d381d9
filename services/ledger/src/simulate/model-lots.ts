import {
  type Books,
  count,
  heldOf,
  lotOf,
  type ModelAccount,
  type ModelHold,
  type ModelLot,
  type ModelOutcome,
  type ModelProgramme,
  record,
  refused,
  type Taken,
  versionOf,
} from './model-books.js';
import { dayNumber, endOf, midnightAfter } from './model-time.js';

/** Takes what is over up to an instant, but for what is held. Answers the lots and points it took. */
export function expire(
  books: Books,
  programme: ModelProgramme,
  account: ModelAccount,
  until: number,
  now: number,
): { lots: number; points: number } {
  let [lots, points] = [0, 0];
  for (const lot of account.lots) {
    if (!isOver(books, lot, until)) continue;
    const amount = books.mistake === 'expiry-takes-held' ? lot.left : lot.left - lot.held;
    if (amount <= 0) continue;
    lapse(account, lot, amount);
    lots++;
    points += amount;
  }
  if (lots > 0) record(account, now);
  return { lots, points };
}

/** Holds whose time has come, in that order. */
export function dueHolds(programme: ModelProgramme, now: number): { account: ModelAccount; hold: string; until: number }[] {
  const due: { account: ModelAccount; hold: string; until: number }[] = [];
  for (const account of programme.accounts.values()) {
    for (const [hold, { ended, until }] of Object.entries(account.holds))
      if (!ended && until !== null && until <= now) due.push({ account, hold, until });
  }
  return due.sort((a, b) => a.until - b.until);
}

/** What counts at an instant: everything but the free points of lots that are over. */
export function worth(books: Books, account: ModelAccount, at: number): { balance: number; available: number } {
  let balance = 0;
  for (const lot of account.lots) balance += isOver(books, lot, at) ? lot.held : lot.left;
  return { balance, available: balance - heldOf(account) };
}

/** What an account could spend at certain places. */
export function freeAt(books: Books, account: ModelAccount, at: number, places: readonly string[] | 'anywhere'): number {
  return account.lots.reduce((sum, lot) => sum + (isAlive(books, lot, at) && fits(lot, places) ? lot.left - lot.held : 0), 0);
}

/** Priority, earliest end, oldest; only what lives and can be used there. Answers what is taken, or why there is not enough. */
export function take(
  books: Books,
  own: ModelAccount,
  needed: number,
  at: number,
  places: readonly string[] | 'anywhere',
): Taken[] | ModelOutcome {
  const candidates = own.lots.filter((lot) => isAlive(books, lot, at) && fits(lot, places) && lot.left > lot.held);
  // Two lots without an end: Infinity − Infinity is not a number, and their order decides.
  candidates.sort((a, b) => a.priority - b.priority || (a.end ?? Infinity) - (b.end ?? Infinity) || a.no - b.no);
  if (books.mistake === 'draw-newest-first') candidates.reverse();
  const taken: Taken[] = [];
  let open = needed;
  for (const lot of candidates) {
    if (open === 0) break;
    const amount = Math.min(open, lot.left - lot.held);
    taken.push({ lot: lot.no, amount });
    open -= amount;
  }
  if (open === 0) return taken;

  let [available, elsewhere, expired] = [0, 0, 0];
  for (const lot of own.lots) {
    const rest = lot.left - lot.held;
    if (!fits(lot, places)) elsewhere += isAlive(books, lot, at) ? rest : 0;
    else {
      available += isAlive(books, lot, at) ? rest : 0;
      expired += lot.lapsed + (isOver(books, lot, at) ? rest : 0);
    }
  }
  if (expired > 0 && available + expired >= needed) return refused('lot-expired', { needed, available, expired });
  if (elsewhere > 0 && available + elsewhere >= needed) return refused('not-usable-here', { needed, available, elsewhere });
  return refused('insufficient-points', { needed, available });
}

/** Where the rule says so, everything an account still has lives on when it is used. */
export function liveOn(books: Books, programme: ModelProgramme, own: ModelAccount, at: number): void {
  for (const lot of own.lots) {
    const { expiry } = versionOf(programme, lot.version).rules;
    if (expiry.kind !== 'months-after-last-use' || lot.left === 0 || !isAlive(books, lot, at) || lot.end === null) continue;
    const end = endOf(expiry, at);
    if (end !== null && end > lot.end) lot.end = end;
  }
}

/** Ends a hold's reservation of what it has not captured. */
export function free(books: Books, programme: ModelProgramme, own: ModelAccount, hold: ModelHold, at: number): void {
  const rest = unit(hold.parts).slice(hold.captured, hold.amount - hold.captured);
  for (const { lot, amount } of rest) lotOf(own, lot).held -= amount;
  settleWhatIsOver(books, programme, own, rest, at);
}

/** Points that come back to a lot whose time is over go the way of the rule under which they were granted. */
export function settleWhatIsOver(books: Books, programme: ModelProgramme, own: ModelAccount, back: readonly Taken[], at: number): void {
  for (const { lot: no, amount } of back) {
    const lot = lotOf(own, no);
    if (!isOver(books, lot, at)) continue;
    const rule = versionOf(programme, lot.version).rules.refundOfExpired;
    if (rule.kind === 'restore-and-expire') lapse(own, lot, amount);
    else {
      lot.left -= amount;
      if (rule.kind === 'to-municipality') count(own, 'municipality', amount);
      else begin(own, { ...lot, granted: at, end: midnightAfter(dayNumber(at) + rule.days), amount });
    }
  }
}

function lapse(account: ModelAccount, lot: ModelLot, amount: number): void {
  lot.left -= amount;
  lot.lapsed += amount;
  account.lapsed += amount;
  count(account, 'expired', amount);
}

export function begin(
  account: ModelAccount,
  { priority, granted, end, tags, source, funding, version, amount }: Omit<ModelLot, 'no' | 'id' | 'left' | 'held' | 'lapsed'>,
): void {
  account.lots.push({
    no: account.lots.length,
    priority,
    granted,
    end,
    tags,
    source,
    funding,
    version,
    amount,
    left: amount,
    held: 0,
    lapsed: 0,
  });
}

export function isAlive(books: Books, lot: ModelLot, at: number): boolean {
  return lot.granted <= at && !isOver(books, lot, at);
}

export function isOver(books: Books, lot: ModelLot, at: number): boolean {
  if (lot.end === null) return false;
  return books.mistake === 'ends-a-millisecond-late' ? lot.end < at : lot.end <= at;
}

function fits(lot: ModelLot, places: readonly string[] | 'anywhere'): boolean {
  return places === 'anywhere' || lot.tags.length === 0 || lot.tags.some((tag) => places.includes(tag));
}

/** Parts laid end to end, of which the points number `from` to `from + amount` are wanted. */
export function unit(parts: readonly Taken[]): { slice(from: number, amount: number): Taken[] } {
  return {
    slice(from, amount) {
      const found: Taken[] = [];
      let [skip, open] = [from, amount];
      for (const part of parts) {
        const usable = part.amount - Math.min(skip, part.amount);
        skip -= part.amount - usable;
        const wanted = Math.min(usable, open);
        open -= wanted;
        if (wanted > 0) found.push({ lot: part.lot, amount: wanted });
      }
      return found;
    },
  };
}
