import { postingRequestedV1 } from '@points/contracts';
import { event, type OutgoingEvent } from '@points/messaging';
import { bonusReference } from '../reference.js';
import type { Bearer } from '../rules/campaign.js';
import type { NewOrder } from './insert-orders.js';

/** Asks the ledger for the points of an order. A live order takes effect when the ledger books it: only history has a time of its own there. */
export function issueOf({ municipality, programme, reference, holder, wish, order }: NewOrder): OutgoingEvent {
  const { partner, municipalPoints, acceptedAt } = order.view;
  return event(
    postingRequestedV1,
    {
      reference,
      municipality,
      programme,
      account: `holder:${holder}`,
      instruction: { kind: 'issue', amount: municipalPoints, source: `partner:${partner}`, funding: 'paid' },
      ...(wish.order.acceptedAt !== undefined && { effectiveAt: acceptedAt }),
      cause: { actor: wish.client },
    },
    // Read where the wish came in: the batch that writes it belongs to many.
    { requester: 'exchange', ...(wish.traceparent !== undefined && { traceparent: wish.traceparent }) },
  );
}

export interface BonusToIssue {
  readonly municipality: string;
  readonly programme: string;
  /** Of the order. */
  readonly reference: string;
  readonly holder: string;
  readonly campaign: string;
  readonly points: number;
  readonly borneBy: Bearer;
  readonly client: string;
  /** Given for history only. */
  readonly effectiveAt?: string;
}

/** Asks for an order's bonus, once its own points are there. What a partner bears is paid for, what the municipality bears is not. */
export function bonusIssueOf(bonus: BonusToIssue): OutgoingEvent {
  const { municipality, programme, reference, holder, campaign, borneBy, client, effectiveAt } = bonus;
  return event(
    postingRequestedV1,
    {
      reference: bonusReference(reference),
      municipality,
      programme,
      account: `holder:${holder}`,
      instruction: {
        kind: 'issue',
        amount: bonus.points,
        source: `campaign:${campaign}`,
        funding: borneBy === 'partner' ? 'paid' : 'free',
      },
      ...(effectiveAt !== undefined && { effectiveAt }),
      cause: { actor: client },
    },
    { requester: 'exchange' },
  );
}
