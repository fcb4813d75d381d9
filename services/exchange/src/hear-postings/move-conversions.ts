import type { Tx } from '@points/database';
import { conversionAfter, isOver, type ConversionState } from '../rules/conversion-state.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

export interface MovedConversions {
  /** Ids of those that are over now. */
  readonly over: readonly string[];
  /** Ids of those in which the ledger contradicts itself. */
  readonly inDispute: readonly string[];
  /** True when a card scheme has something to credit. */
  readonly isCreditDue: boolean;
}

/**
 * Moves conversions on by what the ledger says of their hold, capture or release.
 * @throws Error when a fact has no conversion or contradicts it: it is parked and a person looks
 */
export async function moveConversions(tx: Tx, facts: readonly PostingFact<'conversion'>[]): Promise<MovedConversions> {
  if (facts.length === 0) return { over: [], inDispute: [], isCreditDue: false };
  const rows = await tx.query<{ id: string; reference: string; state: ConversionState }>(lockConversions, [
    facts.map((fact) => fact.reference),
  ]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved = new Map<string, { state: ConversionState; refusal: string | null }>();
  for (const { reference, step, outcome } of facts) {
    const conversion = known.get(reference);
    if (!conversion) throw new Error(`there is no conversion with the reference ${reference}`);
    const state = conversionAfter(conversion.state, `${step}-${outcome.status}`);
    if (!state) throw new Error(`the conversion ${conversion.id} is ${conversion.state} and its ${step} is said to be ${outcome.status}`);
    if (state === conversion.state) continue;
    known.set(reference, { ...conversion, state });
    moved.set(conversion.id, { state, refusal: refusalOf(outcome) });
  }
  const all = [...moved];
  if (all.length)
    await tx.write(writeConversions, [all.map(([id]) => id), all.map(([, one]) => one.state), all.map(([, one]) => one.refusal)]);
  const idsWhere = (holds: (state: ConversionState) => boolean) => all.filter(([, one]) => holds(one.state)).map(([id]) => id);
  return {
    over: idsWhere(isOver),
    inDispute: idsWhere((state) => state === 'in-dispute'),
    isCreditDue: all.some(([, one]) => one.state === 'at-scheme'),
  };
}

const lockConversions = {
  name: 'lock_conversions',
  text: 'select id, reference, state from conversion where reference = any ($1) order by id for update',
};

/** A release keeps the refusal of the scheme, for which it was asked. */
const writeConversions = {
  name: 'move_conversions',
  text: `
    update conversion c
    set state = u.state, refusal = coalesce(u.refusal, c.refusal), next_attempt_at = case when u.state = 'at-scheme' then now() end, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::jsonb[]) as u (id, state, refusal)
    where c.id = u.id`,
};
