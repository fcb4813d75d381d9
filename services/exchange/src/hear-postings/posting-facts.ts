import type { PostingCompleted } from '@points/contracts';
import { readReference, type ReadReference } from '../reference.js';

/** An outcome of the ledger with what its reference stands for. */
export type PostingFact<Of extends ReadReference['of'] = ReadReference['of']> = Extract<ReadReference, { of: Of }> & {
  readonly outcome: PostingCompleted['outcome'];
};

/** @throws Error on a reference that this service never made. */
export function postingFacts(events: readonly { readonly data: PostingCompleted }[]): {
  orders: PostingFact<'order'>[];
  conversions: PostingFact<'conversion'>[];
} {
  const [orders, conversions]: [PostingFact<'order'>[], PostingFact<'conversion'>[]] = [[], []];
  for (const { data } of events) {
    const read = readReference(data.reference);
    if (read.of === 'order') orders.push({ ...read, outcome: data.outcome });
    else conversions.push({ ...read, outcome: data.outcome });
  }
  return { orders, conversions };
}

/** What is stored of a refusal: code, sentence and facts, as the ledger gave them. */
export function refusalOf(outcome: PostingCompleted['outcome']): string | null {
  if (outcome.status === 'posted') return null;
  const { code, detail, facts } = outcome;
  return JSON.stringify({ code, detail, ...(facts && { facts }) });
}
