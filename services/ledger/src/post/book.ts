import { assert, points, type Instant, type Points } from '@points/kernel';
import type { Counter, Tally } from '../rules/limits.js';
import { byDrawOrder, isOver, type Lot } from '../rules/lots.js';
import type { Hold, Holding, Movement, Posting, Refundable, Reversible } from '../rules/movement.js';
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
  /** By programme and reference of the grant that may be reversed; kept only where the flush has a reversal. */
  reversibles: Map<string, ReversibleBook> | undefined;
  /** By programme, account, key and period; only of programmes with limits. */
  readonly counters = new Map<string, CounterBook>();

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
    if (this.reversibles) this.noteGrant(this.reversibles, programme, account, reference, posting);
    for (const { lot, expiresAt } of posting.extensions) own.extend(lot, expiresAt);
    if (posting.hold) own.putHold(posting.hold);
    for (const { amount, ...counter } of posting.counts ?? []) {
      const { times, points: sum } = this.tallyOf(programme, counter);
      const counted = { times: times + 1, points: Math.min(sum + amount, Number.MAX_SAFE_INTEGER) };
      this.counters.set(counterKey(programme, counter), { programme, counter, tally: counted, changed: true });
    }
  }

  tallyOf(programme: string, counter: Counter): Tally {
    return this.counters.get(counterKey(programme, counter))?.tally ?? nothing;
  }

  /** Remembers the state, to come back to it: what some accounts are, what is known of references and what has been counted. */
  checkpoint(accounts: readonly { readonly programme: string; readonly account: string }[]): () => void {
    const before = new Map(accounts.map(({ programme, account }) => [keyOf(programme, account), this.account(programme, account).copy()]));
    const maps = [this.postings, this.refundables, this.counters, this.reversibles].flatMap((map) =>
      map ? [kept(map as Map<string, unknown>)] : [],
    );
    return () => {
      for (const [key, account] of before) this.accounts.set(key, account);
      for (const restore of maps) restore();
    };
  }

  private noteGrant(
    reversibles: Map<string, ReversibleBook>,
    programme: string,
    account: string,
    reference: string,
    { movements }: Posting,
  ): void {
    const [movement] = movements;
    if (movement?.kind === 'issue') {
      const { id: transfer, effectiveAt, counter, draws } = movement;
      const reversible: Reversible = {
        transfer,
        effectiveAt,
        source: (counter ?? '').slice('issued:'.length),
        lot: draws[0]?.lot ?? '',
        reversed: false,
      };
      reversibles.set(keyOf(programme, reference), { account, reversible });
    }
    if (movement?.kind !== 'reverse' && movement?.kind !== 'owe') return;
    for (const [key, one] of reversibles)
      if (one.reversible.transfer === movement.of) reversibles.set(key, { ...one, reversible: { ...one.reversible, reversed: true } });
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

interface ReversibleBook {
  readonly account: string;
  readonly reversible: Reversible;
}

export interface CounterBook {
  readonly programme: string;
  readonly counter: Counter;
  readonly tally: Tally;
  readonly changed: boolean;
}

const nothing: Tally = { times: 0, points: 0 };

/** Values are replaced and never changed, so the map's own copy is enough. */
function kept(map: Map<string, unknown>): () => void {
  const before = [...map];
  return () => {
    map.clear();
    for (const [key, value] of before) map.set(key, value);
  };
}

type Open<T> = { -readonly [K in keyof T]: T[K] };
export type LotBook = Open<Lot> & { change: 'none' | 'made' | 'changed' };

export class AccountBook implements Holding {
  balance = points(0);
  held = points(0);
  lapsed = points(0);
  debt = points(0);
  frozen = false;
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

  copy(): AccountBook {
    const copy = new AccountBook(this.programme, this.account);
    const { balance, held, lapsed, debt, frozen, latestAt, exists, changed, knowsLapsedLots } = this;
    Object.assign(copy, { balance, held, lapsed, debt, frozen, latestAt, exists, changed, knowsLapsedLots });
    for (const lot of this.lots) {
      const one = { ...lot };
      copy.lots.push(one);
      copy.byId.set(one.lot, one);
    }
    for (const [id, hold] of this.holds) copy.holds.set(id, hold);
    for (const [id, change] of this.holdChanges) copy.holdChanges.set(id, change);
    return copy;
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
    // A transfer takes effect at its sender's clock, which may be ahead of this process's: nobody gets points from his own future.
    const at = movement.effectiveAt > now ? movement.effectiveAt : now;
    if (this.latestAt === null || this.latestAt < at) this.latestAt = at;
    this.balance = points(this.balance + movement.signed);
    for (const lot of movement.grants) this.addLot({ ...lot, remaining: points(0) }, 'made');
    for (const { lot, amount } of movement.draws) {
      const book = this.changing(lot);
      book.remaining = points(book.remaining + amount);
      if (movement.kind === 'expire') book.expired = points(book.expired - amount);
    }
    if (movement.kind === 'owe') this.debt = points(this.debt + movement.amount);
    if (movement.kind === 'repay') this.debt = points(this.debt - movement.amount);
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

export function counterKey(programme: string, { account, key, period }: Counter): string {
  return `${programme}/${account}/${period}/${key}`;
}

function isRefundable({ kind }: Movement): boolean {
  return kind === 'spend' || kind === 'convert' || kind === 'donate';
}
