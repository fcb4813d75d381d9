/**
 * What becomes of a webhook after one attempt. Attempt n (from 1) that failed is repeated 5 s × 3^(n−1) later, at most 12 h, ± 10 % at
 * random so that what failed together does not come back together: after 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, 9 h, then each
 * 12 h. The first failure at least 3 days after the first attempt is the last one (about 15 attempts). A receiver may ask for a later
 * time (Retry-After), up to 24 h, never for an earlier one.
 */
export function afterAttempt(attempt: AttemptFacts): AfterAttempt {
  const { outcome, triedForMs, failingForMs, isPing } = attempt;
  switch (outcome.kind) {
    case 'delivered':
      return { delivery: 'delivered' };
    case 'gone':
      return { delivery: 'failed', disable: 'gone' };
    case 'interrupted':
      return { delivery: 'waiting', delayMs: 0 };
    case 'failed':
      // A ping asks whether the receiver answers now: its first answer is the answer, and no reason to shut anything.
      if (isPing) return { delivery: 'failed' };
      if (triedForMs < triedForMsMax)
        return { delivery: 'waiting', delayMs: delayMsAfter(attempt.attempt, attempt.random, outcome.retryAfterMs) };
      // Given up alone while others arrived: the receiver refuses this one event. Only one that takes nothing at all is dead.
      return failingForMs >= triedForMsMax ? { delivery: 'failed', disable: 'failing' } : { delivery: 'failed' };
  }
}

export type SendOutcome =
  /** Any 2xx. */
  | { readonly kind: 'delivered' }
  /** 410: the receiver will never take anything here again. */
  | { readonly kind: 'gone' }
  /** We stopped in the middle: not the receiver's failure, and perhaps it has it. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly retryAfterMs?: number };

export interface AttemptFacts {
  readonly outcome: SendOutcome;
  /** From 1. */
  readonly attempt: number;
  /** Since the first attempt to deliver this event. */
  readonly triedForMs: number;
  /** Since the first failure of the endpoint after its last success. */
  readonly failingForMs: number;
  readonly isPing: boolean;
  /** From 0 up to 1. */
  readonly random: number;
}

export const disableReasons = ['gone', 'failing'] as const;
export type DisableReason = (typeof disableReasons)[number];

export type AfterAttempt =
  | { readonly delivery: 'delivered' }
  | { readonly delivery: 'waiting'; readonly delayMs: number }
  | { readonly delivery: 'failed'; readonly disable?: DisableReason };

function delayMsAfter(attempt: number, random: number, retryAfterMs = 0): number {
  const planned = Math.min(firstDelayMs * 3 ** (attempt - 1), delayMsMax);
  return Math.round(Math.max(planned * (0.9 + random / 5), Math.min(retryAfterMs, retryAfterMsMax)));
}

const firstDelayMs = 5_000;
const delayMsMax = 12 * 3_600_000;
export const triedForMsMax = 3 * 86_400_000;
export const retryAfterMsMax = 24 * 3_600_000;
