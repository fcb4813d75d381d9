import { postingRequestedV1, type Instruction } from '@points/contracts';
import type { Tx } from '@points/database';
import { isUuid } from '@points/kernel';
import { event, publish } from '@points/messaging';

export const requester = 'catalog';

/** What this service asks the ledger for; the word stands in the reference. */
export type Matter = 'order' | 'cancellation' | 'donation' | 'grant';

export interface Question {
  readonly matter: Matter;
  readonly id: string;
  readonly municipality: string;
  readonly programme: string;
  readonly holder: string;
  readonly client: string;
  readonly instruction: Instruction;
}

/** Asks for one posting in the transaction of what it is for. The reference is unique for ever, so the ledger books it once. */
export async function askLedger(tx: Tx, { matter, id, municipality, programme, holder, client, instruction }: Question): Promise<void> {
  const data = {
    reference: referenceOf(matter, id),
    municipality,
    programme,
    account: `holder:${holder}`,
    instruction,
    cause: { actor: client.slice(0, actorCharsMax) },
  };
  await publish(tx, [event(postingRequestedV1, data, { requester })]);
}

export function referenceOf(matter: Matter, id: string): string {
  return `${requester}:${matter}:${id}`;
}

/** @throws Error when the reference was not made here: an answer to somebody else's question is poison. */
export function readReference(reference: string): { matter: Matter; id: string } {
  const [service, matter, id = ''] = reference.split(':');
  if (service !== requester || !isMatter(matter) || !isUuid(id)) throw new Error('the reference of a posting is none of the catalogue');
  return { matter, id };
}

function isMatter(text: string | undefined): text is Matter {
  return text === 'order' || text === 'cancellation' || text === 'donation' || text === 'grant';
}

/** Of the contract. */
const actorCharsMax = 100;
