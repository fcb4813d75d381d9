import type { PostingOutcome } from '@points/contracts';
import type { Instant } from '@points/kernel';
import type { AnyInstruction, Instruction, PostingRequest } from '../rules/instruction.js';

/** An instruction at the door, with who asks and why. */
export interface DoorRequest<Asked extends AnyInstruction = Instruction> extends PostingRequest<Asked> {
  /** Client or job, never a person's name. */
  readonly actor: string;
  readonly reason?: string;
  /** Whoever asked by Kafka hears the outcome there, in the transaction of the posting. */
  readonly announce?: { readonly requester?: string; readonly traceparent?: string };
  /** Posted by the ledger's own jobs, at a time of their own. */
  readonly internal?: boolean;
}

/** What the door takes: callers' instructions and those of staff. */
export type AnyRequest = DoorRequest<AnyInstruction>;

export interface Completed {
  readonly outcome: PostingOutcome;
  readonly completedAt: Instant;
  /** The reference was known: this is what became of it the first time. */
  readonly repeated: boolean;
}

/** What is decided in one go: a request, or a batch that belongs together. */
export interface Unit {
  readonly requests: readonly AnyRequest[];
  /** All are carried out or none. */
  readonly atomic?: boolean;
  /** Decided as it would be now, and nothing is written. */
  readonly dryRun?: boolean;
}
