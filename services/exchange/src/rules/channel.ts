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

/** How the order is known from then on. */
export function channelOf(kind: PartnerKind, channel: Channel, { isHistory }: { readonly isHistory: boolean }): Channel {
  return kind === 'account-link' && !isHistory ? 'link' : channel;
}

const ways: Readonly<Record<PartnerKind, readonly Channel[]>> = {
  direct: ['api', 'upload', 'reserve'],
  'coupon-code': ['coupon'],
  // Placed by the API like any other, it becomes an order of the linked account (`channelOf`).
  'account-link': ['api', 'link'],
};
