import { postingRequestedV1 } from '@points/contracts';
import { event, type OutgoingEvent } from '@points/messaging';
import { bonusReference, reversalReference, type ReversalPart } from '../reference.js';
import type { ReversalReason } from '../rules/reversal.js';

export interface ReversalToAsk {
  readonly municipality: string;
  readonly programme: string;
  /** Of the order. */
  readonly reference: string;
  readonly holder: string;
  readonly part: ReversalPart;
  readonly askedAgain: number;
  readonly client: string;
  readonly reason: ReversalReason;
  /** Given for history only. */
  readonly effectiveAt?: string;
  readonly traceparent?: string | undefined;
}

/** Asks the ledger to take the points of an order, or of its bonus, back. */
export function reversalOfOrder(asked: ReversalToAsk): OutgoingEvent {
  const { municipality, programme, reference, holder, part, askedAgain, client, reason, effectiveAt, traceparent } = asked;
  return event(
    postingRequestedV1,
    {
      reference: reversalReference(reference, part, askedAgain),
      municipality,
      programme,
      account: `holder:${holder}`,
      instruction: { kind: 'reverse', of: part === 'order' ? reference : bonusReference(reference) },
      ...(effectiveAt !== undefined && { effectiveAt }),
      cause: { actor: client, reason },
    },
    { requester: 'exchange', ...(traceparent !== undefined && { traceparent }) },
  );
}
