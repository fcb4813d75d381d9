import { postingRequestedV1 } from '@points/contracts';
import { event, type OutgoingEvent } from '@points/messaging';
import { bonusReference } from '../reference.js';
import type { Bearer } from '../rules/campaign.js';

export interface OrderToIssue {
  readonly municipality: string;
  readonly programme: string;
  readonly reference: string;
  readonly holder: string;
  readonly partner: string;
  readonly points: number;
  readonly client: string;
  /** Given for history only: a live order takes effect when the ledger books it. */
  readonly effectiveAt?: string;
  /** Read where the wish came in: the batch that writes it belongs to many. */
  readonly traceparent?: string | undefined;
}

/** Asks the ledger for the points of an order. */
export function issueOf(order: OrderToIssue): OutgoingEvent {
  const { municipality, programme, reference, holder, partner, points, client, effectiveAt, traceparent } = order;
  return event(
    postingRequestedV1,
    {
      reference,
      municipality,
      programme,
      account: `holder:${holder}`,
      instruction: { kind: 'issue', amount: points, source: `partner:${partner}`, funding: 'paid' },
      ...(effectiveAt !== undefined && { effectiveAt }),
      cause: { actor: client },
    },
    { requester: 'exchange', ...(traceparent !== undefined && { traceparent }) },
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
