import type { Instant, Points } from '@points/kernel';
import type { Extended } from './extend.js';
import type { Count } from './limits.js';
import type { Lot, Part } from './lots.js';
import type { Rejection } from './rejection.js';

/** Every movement belongs to one holder's account; what it moves, it moves between that account and a system account. */
export type MovementKind =
  | 'issue'
  | 'spend'
  | 'convert'
  | 'donate'
  | 'refund'
  | 'expire'
  /** Points that came back after their time and fall to the municipality. */
  | 'revert'
  /** Points that came back after their time and live on in a new lot: nothing changes between accounts. */
  | 'renew'
  | 'transfer-out'
  | 'transfer-in'
  /** A correction by staff, either way. */
  | 'adjust'
  /** What is left of a grant is taken back. */
  | 'reverse'
  /** What is not left of it becomes a debt: nothing changes between accounts. */
  | 'owe'
  /** A later grant pays the debt. */
  | 'repay'
  /** The ends of lots are moved by staff: nothing changes between accounts. */
  | 'extend'
  /** Reserve and free: nothing changes between accounts. */
  | 'hold'
  | 'release';

export interface Movement {
  readonly id: string;
  readonly kind: MovementKind;
  readonly account: string;
  /** Its entry is the negative of `signed`; null when nothing moves between accounts. */
  readonly counter: string | null;
  /** How many points it is about, above zero. */
  readonly amount: Points;
  /** The entry of `account`: `amount`, `-amount` or 0. */
  readonly signed: Points;
  readonly effectiveAt: Instant;
  /** Changes of lots; they add up to `signed`. A lot's first draw is its grant. */
  readonly draws: readonly Part[];
  /** Lots that begin with it. */
  readonly grants: readonly Lot[];
  /** Changes of what is reserved in lots. */
  readonly reserves: readonly Part[];
  /** Ends of lots that staff have moved. */
  readonly extended?: readonly Extended[];
  readonly hold?: string;
  /** The movement that this one takes back or belongs to. */
  readonly of?: string;
}

/** A reservation of certain lots. Captures take its parts from the front, so nothing but a sum has to be kept. */
export interface Hold {
  readonly hold: string;
  readonly heldAt: Instant;
  /** The instant at which it ends by itself. */
  readonly expiresAt: Instant | null;
  readonly amount: Points;
  readonly captured: Points;
  readonly ended: boolean;
  readonly places: readonly string[];
  readonly parts: readonly Part[];
}

/** A spend, conversion, donation or capture that may be refunded. Refunds take its parts from the back: the last drawn comes back first, which ends last. */
export interface Refundable {
  readonly transfer: string;
  readonly to: string;
  readonly effectiveAt: Instant;
  readonly amount: Points;
  readonly refunded: Points;
  readonly parts: readonly Part[];
}

/** A grant that may be reversed, once. */
export interface Reversible {
  readonly transfer: string;
  readonly effectiveAt: Instant;
  readonly source: string;
  readonly lot: string;
  readonly reversed: boolean;
}

/** What is known of a holder's account. */
export interface Holding {
  readonly balance: Points;
  readonly held: Points;
  /** The latest recording time of the account: a clock that jumps back does not take its movements back in time. */
  readonly latestAt: Instant | null;
  /** Its points cannot be held, used or transferred. */
  readonly frozen: boolean;
  /** What reversals could not take back: the next grants pay it. */
  readonly debt: Points;
  /** In draw order. */
  readonly lots: readonly Lot[];
  lotOf(id: string): Lot | undefined;
}

export interface Posting {
  readonly ok: true;
  /** Id of the first movement. */
  readonly id: string;
  /** Of the first movement; of a reversal what was taken back. */
  readonly amount: Points;
  readonly effectiveAt: Instant;
  readonly movements: readonly Movement[];
  /** The new state of a hold that was made, captured or released. */
  readonly hold?: Hold;
  /** New ends of lots that live on because the account was used. */
  readonly extensions: readonly { readonly lot: string; readonly expiresAt: Instant }[];
  /** What it adds to the counters of the programme's limits. */
  readonly counts?: readonly Count[];
}

export type Decision = Posting | { readonly ok: false; readonly rejection: Rejection };
