import type { PostingCompleted } from '@points/contracts';
import { readReference, type ReadReference } from '../reference.js';

/** An outcome of the ledger with what its reference stands for. */
export type PostingFact<Of extends ReadReference['of'] = ReadReference['of']> = Extract<ReadReference, { of: Of }> & {
  readonly outcome: PostingCompleted['outcome'];
};

export type PostingFacts = { readonly [Of in ReadReference['of']]: PostingFact<Of>[] };

/** @throws Error on a reference that this service never made. */
export function postingFacts(events: readonly { readonly data: PostingCompleted }[]): PostingFacts {
  const facts: PostingFacts = { order: [], bonus: [], reversal: [], conversion: [], reserve: [] };
  for (const { data } of events) {
    const read = readReference(data.reference);
    // The list of a kind takes the facts of that kind.
    (facts[read.of] as PostingFact[]).push({ ...read, outcome: data.outcome });
  }
  return facts;
}

/** What is stored of a refusal: code, sentence and facts, as the ledger gave them. */
export function refusalOf(outcome: PostingCompleted['outcome']): string | null {
  if (outcome.status === 'posted') return null;
  const { code, detail, facts } = outcome;
  return JSON.stringify({ code, detail, ...(facts && { facts }) });
}
