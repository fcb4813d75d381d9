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
  const rows = await tx.query<{ id: string; reference: string; state: ConversionState; asked_again: number }>(lockConversions, [
    facts.map((fact) => fact.reference),
  ]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved = new Map<string, { state: ConversionState; refusal: string | null; problem: string | null }>();
  for (const { reference, step, askedAgain, outcome } of facts) {
    const conversion = known.get(reference);
    if (!conversion) throw new Error(`there is no conversion with the reference ${reference}`);
    // The answer to an earlier asking, told again.
    if (step !== 'hold' && askedAgain < conversion.asked_again) continue;
    const state = conversionAfter(conversion.state, `${step}-${outcome.status}`);
    if (!state) throw new Error(`the conversion ${conversion.id} is ${conversion.state} and its ${step} is said to be ${outcome.status}`);
    if (state === conversion.state) continue;
    known.set(reference, { ...conversion, state });
    const problem =
      state === 'in-dispute' && outcome.status === 'refused' ? `the ledger refused the ${step}: ${outcome.code}, ${outcome.detail}` : null;
    moved.set(conversion.id, { state, refusal: refusalOf(outcome), problem });
  }
  const all = [...moved];
  if (all.length)
    await tx.write(writeConversions, [
      all.map(([id]) => id),
      all.map(([, one]) => one.state),
      all.map(([, one]) => one.refusal),
      all.map(([, one]) => one.problem),
    ]);
  const idsWhere = (holds: (state: ConversionState) => boolean) => all.filter(([, one]) => holds(one.state)).map(([id]) => id);
  return {
    over: idsWhere(isOver),
    inDispute: idsWhere((state) => state === 'in-dispute'),
    isCreditDue: all.some(([, one]) => one.state === 'at-scheme'),
  };
}

const lockConversions = {
  name: 'lock_conversions',
  text: 'select id, reference, state, asked_again from conversion where reference = any ($1) order by id for update',
};

/** A release keeps the refusal of the scheme, for which it was asked, whatever the ledger says. */
const writeConversions = {
  name: 'move_conversions',
  text: `
    update conversion c
    set state = u.state, refusal = coalesce(c.refusal, u.refusal), last_problem = u.problem, next_attempt_at = case when u.state = 'at-scheme' then now() end, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[]) as u (id, state, refusal, problem)
    where c.id = u.id`,
};
