import { assert, points, type Instant, type Points } from '@points/kernel';
import { byDrawOrder, isOver, type Lot } from '../rules/lots.js';
import type { Hold, Holding, Movement, Posting, Refundable } from '../rules/movement.js';
import type { Programme } from '../rules/programme.js';
import type { Completed } from './request.js';

/** What a flush knows and changes, in memory, between the locks it took and the statement that writes it all. */
export class Book {
  readonly programmes = new Map<string, Programme>();
  /** By programme and account. Accounts that exist are locked; others are empty. */
  readonly accounts = new Map<string, AccountBook>();
  /** By programme and reference: what is known of references and what this flush has added. */
  readonly postings = new Map<string, KnownPosting>();
  /** By programme and reference of the posting that may be refunded. */
  readonly refundables = new Map<string, RefundableBook>();

  account(programme: string, account: string): AccountBook {
    const key = keyOf(programme, account);
    let found = this.accounts.get(key);
    if (!found) this.accounts.set(key, (found = new AccountBook(programme, account)));
    return found;
  }

  /** Carries a decision out, so that the next instruction of the flush sees its effect. */
  apply(programme: string, account: string, reference: string, posting: Posting, now: Instant): void {
    const own = this.account(programme, account);
    for (const movement of posting.movements) {
      this.account(programme, movement.account).apply(movement, now);
      if (movement.counter !== null && isRefundable(movement)) {
        const refundable: Refundable = {
          transfer: movement.id,
          to: movement.counter,
          effectiveAt: movement.effectiveAt,
          amount: movement.amount,
          refunded: points(0),
          parts: movement.draws.map(({ lot, amount }) => ({ lot, amount: points(0 - amount) })),
        };
        this.refundables.set(keyOf(programme, reference), { account, refundable });
      }
    }
    for (const { lot, expiresAt } of posting.extensions) own.extend(lot, expiresAt);
    if (posting.hold) own.putHold(posting.hold);
  }

  /** Remembers that so much of a posting has been refunded. */
  refunded(programme: string, of: string, amount: Points): void {
    const found = this.refundables.get(keyOf(programme, of));
    assert(found !== undefined, 'a refund is decided on a known posting');
    const { refundable } = found;
    this.refundables.set(keyOf(programme, of), { ...found, refundable: { ...refundable, refunded: points(refundable.refunded + amount) } });
  }
}

export interface KnownPosting {
  readonly fingerprint: string;
  readonly completed: Completed;
}

interface RefundableBook {
  readonly account: string;
  readonly refundable: Refundable;
}

type Open<T> = { -readonly [K in keyof T]: T[K] };
export type LotBook = Open<Lot> & { change: 'none' | 'made' | 'changed' };

export class AccountBook implements Holding {
  balance = points(0);
  held = points(0);
  lapsed = points(0);
  latestAt: Instant | null = null;
  /** The row is there and locked. */
  exists = false;
  changed = false;
  /** Lots that expiry has emptied are loaded only when a refusal has to tell about them. */
  knowsLapsedLots = false;
  readonly lots: LotBook[] = [];
  readonly holds = new Map<string, Hold>();
  readonly holdChanges = new Map<string, 'made' | 'changed'>();
  private readonly byId = new Map<string, LotBook>();

  constructor(
    readonly programme: string,
    readonly account: string,
  ) {}

  lotOf(id: string): LotBook | undefined {
    return this.byId.get(id);
  }

  /** Puts a lot in its place of the draw order; one that is known already stays. */
  addLot(lot: Lot, change: LotBook['change'] = 'none'): void {
    if (this.byId.has(lot.lot)) return;
    const book: LotBook = { ...lot, change };
    this.byId.set(lot.lot, book);
    let [low, high] = [0, this.lots.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.lots[middle];
      if (other && byDrawOrder(other, book) < 0) low = middle + 1;
      else high = middle;
    }
    this.lots.splice(low, 0, book);
  }

  apply(movement: Movement, now: Instant): void {
    this.changed = true;
    if (this.latestAt === null || this.latestAt < now) this.latestAt = now;
    this.balance = points(this.balance + movement.signed);
    for (const lot of movement.grants) this.addLot({ ...lot, remaining: points(0) }, 'made');
    for (const { lot, amount } of movement.draws) {
      const book = this.changing(lot);
      book.remaining = points(book.remaining + amount);
      if (movement.kind === 'expire') book.expired = points(book.expired - amount);
    }
    if (movement.kind === 'expire') this.lapsed = points(this.lapsed + movement.amount);
    for (const { lot, amount } of movement.reserves) {
      const book = this.changing(lot);
      book.held = points(book.held + amount);
      this.held = points(this.held + amount);
    }
  }

  extend(lot: string, expiresAt: Instant): void {
    const book = this.changing(lot);
    book.expiresAt = expiresAt;
    this.lots.sort(byDrawOrder);
  }

  putHold(hold: Hold): void {
    this.holdChanges.set(hold.hold, this.holds.has(hold.hold) && this.holdChanges.get(hold.hold) !== 'made' ? 'changed' : 'made');
    this.holds.set(hold.hold, hold);
  }

  /** Balance and what is free of it at the instant: points whose lot is over do not count, whether their expiry is posted or not. */
  worth(at: Instant): { balance: Points; available: Points } {
    let over = 0;
    for (const lot of this.lots) if (lot.remaining > lot.held && isOver(lot, at)) over += lot.remaining - lot.held;
    return { balance: points(this.balance - over), available: points(this.balance - over - this.held) };
  }

  private changing(id: string): LotBook {
    const lot = this.byId.get(id);
    assert(lot !== undefined, 'only lots of the account are drawn');
    if (lot.change === 'none') lot.change = 'changed';
    return lot;
  }
}

export function keyOf(programme: string, id: string): string {
  return `${programme}/${id}`;
}

function isRefundable({ kind }: Movement): boolean {
  return kind === 'spend' || kind === 'convert' || kind === 'donate';
}
