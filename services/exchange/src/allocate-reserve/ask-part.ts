import { postingRequestedV1, type Instruction } from '@points/contracts';
import { programmeId, tenantOf } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { stepReference, type ReserveStep } from '../reference.js';

export interface PartToAsk {
  /** The reserve. */
  readonly programme: string;
  readonly target: string;
  readonly holder: string;
  readonly client: string;
  readonly points: number;
  readonly reference: string;
  readonly hold: string;
}

/** One step of a part: all but the issue are booked in the reserve. */
export function askPart(part: PartToAsk, step: ReserveStep, askedAgain = 0): OutgoingEvent {
  const programme = step === 'issue' ? part.target : part.programme;
  const data = {
    reference: stepReference(part.reference, step, askedAgain),
    municipality: tenantOf(programmeId(programme)),
    programme,
    account: `holder:${part.holder}`,
    instruction: instructionOf(part, step),
    cause: { actor: part.client },
  };
  return event(postingRequestedV1, data, { requester: 'exchange' });
}

/** The target is where the points are used, as a card scheme is, and the reserve is who pays for them there. */
function instructionOf({ programme, target, points, hold }: PartToAsk, step: ReserveStep): Instruction {
  const to = `scheme:${target}`;
  switch (step) {
    case 'hold':
      return { kind: 'hold', hold, amount: points, places: [to] };
    case 'issue':
      return { kind: 'issue', amount: points, source: `partner:${programme}`, funding: 'paid' };
    case 'capture':
      return { kind: 'capture', hold, amount: points, final: true, to, use: 'convert' };
    case 'release':
      return { kind: 'release', hold };
  }
}
