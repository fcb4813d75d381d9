import type { Instant, LocalDate, Points } from '@points/kernel';

/** In the order in which they are checked: one bad request has exactly one right answer. The README lists them for callers. */
export const rejectionCodes = [
  'reference-reused',
  'unknown-programme',
  'programme-frozen',
  'account-frozen',
  'effective-in-future',
  'history-closed',
  'outside-period',
  'period-closed',
  'wrong-account',
  'not-allowed',
  'hold-exists',
  'unknown-hold',
  'unknown-posting',
  'before-its-cause',
  'hold-ended',
  'hold-exceeded',
  'refund-exceeds',
  'reverse-exceeds',
  'nothing-to-extend',
  'lot-already-over',
  'balance-too-large',
  'cap-exceeded',
  'velocity-exceeded',
  'lot-expired',
  'not-usable-here',
  'insufficient-points',
  /** Nothing is wrong with the posting itself: another one of its atomic batch was refused. */
  'not-carried-out',
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

export type Rejection =
  | { readonly code: 'reference-reused' }
  | { readonly code: 'unknown-programme' }
  | { readonly code: 'programme-frozen' }
  | { readonly code: 'account-frozen' }
  | { readonly code: 'effective-in-future'; readonly facts: { readonly effectiveAt: Instant; readonly now: Instant } }
  | { readonly code: 'history-closed'; readonly facts: { readonly effectiveAt: Instant } }
  | {
      readonly code: 'outside-period';
      readonly facts: { readonly day: LocalDate; readonly firstDay: LocalDate; readonly lastDay?: LocalDate };
    }
  | { readonly code: 'period-closed'; readonly facts: { readonly day: LocalDate; readonly fiscalYear: number } }
  | { readonly code: 'wrong-account'; readonly facts: { readonly account: string } }
  | { readonly code: 'not-allowed' }
  | { readonly code: 'hold-exists' }
  | { readonly code: 'unknown-hold' }
  | { readonly code: 'unknown-posting' }
  | { readonly code: 'before-its-cause'; readonly facts: { readonly effectiveAt: Instant; readonly causeAt: Instant } }
  | { readonly code: 'hold-ended' }
  | { readonly code: 'hold-exceeded'; readonly facts: { readonly needed: Points; readonly available: Points } }
  | { readonly code: 'refund-exceeds'; readonly facts: { readonly needed: Points; readonly available: Points } }
  | { readonly code: 'reverse-exceeds'; readonly facts: { readonly needed: Points; readonly available: Points } }
  | { readonly code: 'nothing-to-extend' }
  | { readonly code: 'lot-already-over'; readonly facts: { readonly expiresAt: Instant } }
  | { readonly code: 'balance-too-large' }
  | {
      readonly code: 'cap-exceeded' | 'velocity-exceeded';
      readonly facts: { readonly cap: string; readonly limit: Points; readonly used: Points; readonly asked: Points };
    }
  | { readonly code: 'lot-expired'; readonly facts: { readonly needed: Points; readonly available: Points; readonly expired: Points } }
  | {
      readonly code: 'not-usable-here';
      readonly facts: { readonly needed: Points; readonly available: Points; readonly elsewhere: Points };
    }
  | { readonly code: 'insufficient-points'; readonly facts: { readonly needed: Points; readonly available: Points } }
  | { readonly code: 'not-carried-out' };

/** One sentence for people: what is wrong and, where there is one, the way out. */
export function explain(rejection: Rejection): string {
  switch (rejection.code) {
    case 'reference-reused':
      return 'this reference was used before with other content; send a new reference, or the same content';
    case 'unknown-programme':
      return 'there is no such programme';
    case 'programme-frozen':
      return 'the programme is frozen: nothing but captures and releases of holds is taken until its municipality lifts the freeze';
    case 'account-frozen':
      return 'the account is frozen: its points cannot be held, used or transferred until its municipality lifts the freeze';
    case 'effective-in-future':
      return `the effective time ${rejection.facts.effectiveAt} has not come yet`;
    case 'history-closed':
      return `the effective time ${rejection.facts.effectiveAt} is past, and the programme does not take history in`;
    case 'outside-period':
      return `the day ${rejection.facts.day} is outside the programme’s period, ${rejection.facts.firstDay} to ${rejection.facts.lastDay ?? 'open'}`;
    case 'period-closed':
      return `the day ${rejection.facts.day} lies in fiscal year ${rejection.facts.fiscalYear}, whose books are closed`;
    case 'wrong-account':
      return `the account ${rejection.facts.account} cannot take this kind of posting`;
    case 'not-allowed':
      return 'the programme does not allow transfers between holders';
    case 'hold-exists':
      return 'a hold with this id exists already';
    case 'unknown-hold':
      return 'the account has no such hold';
    case 'unknown-posting':
      return 'the account has no posting with this reference that can be taken back so';
    case 'before-its-cause':
      return `the effective time ${rejection.facts.effectiveAt} lies before what it follows from, ${rejection.facts.causeAt}`;
    case 'hold-ended':
      return 'the hold has been captured in full, released, or its time is over';
    case 'hold-exceeded':
      return `the hold has ${rejection.facts.available} points left, ${rejection.facts.needed} were to be captured`;
    case 'refund-exceeds':
      return `${rejection.facts.available} points can still be refunded, ${rejection.facts.needed} were asked for`;
    case 'reverse-exceeds':
      return `${rejection.facts.available} of ${rejection.facts.needed} points of the grant can still be taken back`;
    case 'nothing-to-extend':
      return 'no open lot that is meant would end later than it does';
    case 'lot-already-over':
      return `points granted now would have ended at ${rejection.facts.expiresAt}`;
    case 'balance-too-large':
      return 'the account would hold more than 9,007,199,254,740,991 points';
    case 'cap-exceeded':
      return `the limit ${rejection.facts.cap} is ${rejection.facts.limit} points: ${rejection.facts.used} are used, ${rejection.facts.asked} were asked for`;
    case 'velocity-exceeded':
      return `the limit ${rejection.facts.cap} is ${rejection.facts.limit}: ${rejection.facts.used} are used, ${rejection.facts.asked} more were asked for`;
    case 'lot-expired':
      return `${rejection.facts.available} points are left, ${rejection.facts.needed} are needed; ${rejection.facts.expired} points have expired`;
    case 'not-usable-here':
      return `${rejection.facts.available} points can be used here, ${rejection.facts.needed} are needed; ${rejection.facts.elsewhere} more can be used elsewhere`;
    case 'insufficient-points':
      return `${rejection.facts.available} points can be used, ${rejection.facts.needed} are needed`;
    case 'not-carried-out':
      return 'another posting of the atomic batch was refused, so none of it was carried out';
  }
}
