import { done, refuse, type Instant, type Refusal, type Result } from '@points/kernel';

/** What is known of a code when somebody wants to redeem it. */
export interface CouponFacts {
  readonly expiresAt: Instant;
  readonly isVoided: boolean;
  /** To whom its order belongs, when it has one. */
  readonly redeemedBy?: string;
}

export const couponRefusalCodes = ['code-unknown', 'code-used', 'code-void', 'code-expired'] as const;
export type CouponRefusal = Refusal<(typeof couponRefusalCodes)[number]>;

/** new: an order is to be placed. again: the same person has redeemed it before, and hears of that order. */
export type Redemption = 'new' | 'again';

/** In this order: an own code that was redeemed in time is answered for ever. */
export function decideRedemption(
  coupon: CouponFacts | undefined,
  { holder, at }: { readonly holder: string; readonly at: Instant },
): Result<Redemption, CouponRefusal> {
  if (!coupon) return refuse({ code: 'code-unknown', detail: 'there is no such code; check letters and digits' });
  if (coupon.redeemedBy === holder) return done('again');
  if (coupon.redeemedBy !== undefined) return refuse({ code: 'code-used', detail: 'the code was used by somebody else' });
  if (coupon.isVoided) return refuse({ code: 'code-void', detail: 'the partner has withdrawn this code' });
  if (coupon.expiresAt <= at) return refuse({ code: 'code-expired', detail: 'the code is over', facts: { expiredAt: coupon.expiresAt } });
  return done('new');
}

/**
 * A code as residents type it (spaces, hyphens, small letters, full-width) in the one form that is hashed; undefined when it cannot be
 * a code. 12 characters of 36 are 62 bits: with the limits below a code is not found by guessing.
 */
export function canonicalCode(text: string): string | undefined {
  const code = text
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\p{Pd}]/gu, '');
  return /^[0-9A-Z]{12,32}$/.test(code) ? code : undefined;
}

/** A person mistypes a few times; a machine does not come far. Unknown codes count, used and expired ones do not. */
export const wrongCodesPerHourMax = 10;
/** In one programme within one hour, from all persons together: somebody has to look. */
export const wrongCodesAlarm = 200;
