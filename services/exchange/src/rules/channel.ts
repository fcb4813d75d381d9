export const channels = ['api', 'coupon', 'link', 'upload', 'reserve'] as const;
/** The way by which an order came. */
export type Channel = (typeof channels)[number];

/**
 * direct: the partner's own system places the orders. coupon-code: residents redeem codes that the partner has handed out.
 * account-link: residents link their account at the partner, and each order reserves and commits points there.
 */
export const partnerKinds = ['direct', 'coupon-code', 'account-link'] as const;
export type PartnerKind = (typeof partnerKinds)[number];

/** A partner's points are taken in one way only: by another one they could be given twice. History was taken elsewhere, so it may come by any. */
export function takesChannel(kind: PartnerKind, channel: Channel, { isHistory }: { readonly isHistory: boolean }): boolean {
  return isHistory || ways[kind].includes(channel);
}

const ways: Readonly<Record<PartnerKind, readonly Channel[]>> = {
  direct: ['api', 'upload', 'reserve'],
  'coupon-code': ['coupon'],
  // Its orders are placed like others; they become orders of the way `link`.
  'account-link': ['api', 'link'],
};
