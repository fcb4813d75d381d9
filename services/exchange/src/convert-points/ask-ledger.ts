import { postingRequestedV1, type Instruction } from '@points/contracts';
import type { Tx } from '@points/database';
import { event, publish, type OutgoingEvent } from '@points/messaging';
import { stepReference, type ConversionStep } from '../reference.js';

/** What every step of one conversion says of it to the ledger. */
export interface PostingCause {
  readonly municipality: string;
  readonly programme: string;
  /** The stem of the references. */
  readonly reference: string;
  readonly holder: string;
  /** Given for history only; a live step takes effect when the ledger books it. */
  readonly effectiveAt?: string;
  readonly client: string;
  /** How often this step was asked before and refused. */
  readonly askedAgain?: number;
}

export function askLedger(tx: Tx, step: ConversionStep, cause: PostingCause, instruction: Instruction): Promise<void> {
  return publish(tx, [ledgerRequest(step, cause, instruction)]);
}

export function ledgerRequest(step: ConversionStep, cause: PostingCause, instruction: Instruction): OutgoingEvent {
  const { municipality, programme, reference, holder, effectiveAt, client, askedAgain } = cause;
  const data = {
    reference: stepReference(reference, step, askedAgain),
    municipality,
    programme,
    account: `holder:${holder}`,
    instruction,
    ...(effectiveAt !== undefined && { effectiveAt }),
    cause: { actor: client },
  };
  return event(postingRequestedV1, data, { requester: 'exchange' });
}

/** The scheme's account in the ledger, and the place where points are used when they are converted to it. */
export function schemeAccount(scheme: string): string {
  return `scheme:${scheme}`;
}
