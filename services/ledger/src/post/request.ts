import type { PostingOutcome } from '@points/contracts';
import type { Instant } from '@points/kernel';
import type { PostingRequest } from '../rules/instruction.js';

/** An instruction at the door, with who asks and why. */
export interface DoorRequest extends PostingRequest {
  /** Client or job, never a person's name. */
  readonly actor: string;
  readonly reason?: string;
  /** Whoever asked by Kafka hears the outcome there, in the transaction of the posting. */
  readonly announce?: { readonly requester?: string; readonly traceparent?: string };
  /** Posted by the ledger's own jobs, at a time of their own. */
  readonly internal?: boolean;
}

export interface Completed {
  readonly outcome: PostingOutcome;
  readonly completedAt: Instant;
  /** The reference was known: this is what became of it the first time. */
  readonly repeated: boolean;
}
