import { orderFlaggedV1 } from '@points/contracts';
import type { Instant } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { hardestAction, type Hit } from '../rules/screening.js';

export interface FlaggedOrder {
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
  readonly orderId: string;
  readonly holder: string;
  readonly hits: readonly Hit[];
}

/** The alert, for whoever guards the programme. */
export function flaggedEvent({ municipality, programme, partner, orderId, holder, hits }: FlaggedOrder, now: Instant): OutgoingEvent {
  return event(orderFlaggedV1, {
    ...{ municipality, programme, partner, orderId, account: `holder:${holder}` },
    // Whatever is flagged has a hit.
    action: hardestAction(hits) ?? 'alert',
    hits: hits.map(({ rule, measure, by, value, limit }) => ({ rule, measure, by, value, limit })),
    flaggedAt: now,
  });
}
