import { parsePoints } from '@points/kernel';
import type { OutgoingEvent } from '@points/messaging';
import { instantOf } from '../clock.js';
import type { Bearer } from '../rules/campaign.js';
import type { Count } from '../rules/caps.js';
import type { Channel } from '../rules/channel.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { bonusIssueOf } from './issue.js';

/** What of an order's row is needed when it comes to its end. */
export interface EndingOrder {
  readonly id: string;
  readonly reference: string;
  readonly tenant: string;
  readonly programme: string;
  readonly holder: string;
  readonly client: string;
  readonly channel: Channel;
  readonly partner: string;
  readonly order_id: string;
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly accepted_at: Date;
  readonly is_history: boolean;
  readonly campaign: string | null;
  readonly bonus_points: string | null;
  readonly bonus_borne_by: Bearer | null;
  readonly counts: readonly Count[] | null;
  readonly upload: string | null;
}

export const endingOrderColumns = `
  id, reference, tenant, programme, holder, client, channel, partner, order_id, partner_points, municipal_points, accepted_at, is_history, campaign, bonus_points, bonus_borne_by, counts, upload`;

/** Asks for the order's bonus, if it has one. */
export function bonusOf(order: EndingOrder): OutgoingEvent[] {
  const { tenant: municipality, programme, reference, holder, client, campaign, bonus_points: given, bonus_borne_by: borneBy } = order;
  if (campaign === null || given === null || borneBy === null) return [];
  const effectiveAt = order.is_history ? { effectiveAt: instantOf(order.accepted_at) } : {};
  return [
    bonusIssueOf({ municipality, programme, reference, holder, campaign, points: parsePoints(given), borneBy, client, ...effectiveAt }),
  ];
}

/** For the partner: the points are issued, and where an account is linked, taken. */
export function completedFact(order: EndingOrder, posting: string, bookedAt: string): PartnerFact {
  return { ...ownerOf(order), type: 'exchange-order.completed', data: { ...aboutOf(order), bookedAt, posting } };
}

export function refusedFact(order: EndingOrder, { code, detail }: { readonly code: string; readonly detail: string }): PartnerFact {
  return { ...ownerOf(order), type: 'exchange-order.refused', data: { ...aboutOf(order), code, detail } };
}

/** For the partner: a person has let the order go on. */
export function reviewApprovedFact(order: EndingOrder, approvedAt: string): PartnerFact {
  return { ...ownerOf(order), type: 'exchange-order.review-approved', data: { ...aboutOf(order), approvedAt } };
}

/** For the partner of a coupon, by its place in the partner's batch. */
export function couponRedeemedFact(
  order: EndingOrder,
  { batch, serial }: { readonly batch: string; readonly serial: string },
  { posting, bookedAt }: { readonly posting: string; readonly bookedAt: string },
): PartnerFact {
  return { ...ownerOf(order), type: 'coupon.redeemed', data: { ...aboutOf(order), batch, serial, bookedAt, posting } };
}

function ownerOf({ tenant: municipality, programme, partner }: EndingOrder) {
  return { municipality, programme, partner };
}

function aboutOf({ order_id: orderId, channel, partner_points, municipal_points }: EndingOrder) {
  return { orderId, channel, partnerPoints: parsePoints(partner_points), municipalPoints: parsePoints(municipal_points) };
}
