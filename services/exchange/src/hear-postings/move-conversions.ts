import type { Tx } from '@points/database';
import { jstDateOf, type Instant } from '@points/kernel';
import { conversionAfter, isOver, type ConversionState } from '../rules/conversion-state.js';
import { giveBackAt, type Delivery } from '../rules/scheme-delivery.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

export interface MovedConversions {
  /** Ids of those that are over now. */
  readonly over: readonly string[];
  /** Ids of those that wait for the scheme's nightly file from now on. */
  readonly waitsForFile: readonly string[];
  /** Ids of those in which the ledger contradicts itself. */
  readonly inDispute: readonly string[];
  /** True when a card scheme with an API has something to credit. */
  readonly isCreditDue: boolean;
}

/**
 * Moves conversions on by what the ledger says of their hold, capture or release.
 * @throws Error when a fact has no conversion or contradicts it: it is parked and a person looks
 */
export async function moveConversions(tx: Tx, facts: readonly PostingFact<'conversion'>[], now: Instant): Promise<MovedConversions> {
  if (facts.length === 0) return { over: [], waitsForFile: [], inDispute: [], isCreditDue: false };
  const rows = await tx.query<Row>(lockConversions, [facts.map((fact) => fact.reference)]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved = new Map<string, Moved>();
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
    const { delivery, give_back_after_days: days } = conversion;
    moved.set(conversion.id, { state, delivery, days, refusal: refusalOf(outcome), problem });
  }
  const all = [...moved];
  if (all.length)
    await tx.write(writeConversions, [
      all.map(([id]) => id),
      all.map(([, one]) => one.state),
      all.map(([, one]) => one.refusal),
      all.map(([, one]) => one.problem),
      // A file asks on its own day, and its days are counted from then.
      all.map(([, one]) => (isAsked(one, 'api') ? giveBackAt(jstDateOf(now), one.days) : null)),
      now,
    ]);
  const idsWhere = (holds: (one: Moved) => boolean) => all.filter(([, one]) => holds(one)).map(([id]) => id);
  return {
    over: idsWhere(({ state }) => isOver(state)),
    waitsForFile: idsWhere((one) => isAsked(one, 'file')),
    inDispute: idsWhere(({ state }) => state === 'in-dispute'),
    isCreditDue: all.some(([, one]) => isAsked(one, 'api')),
  };
}

interface Row {
  readonly id: string;
  readonly reference: string;
  readonly state: ConversionState;
  readonly asked_again: number;
  readonly delivery: Delivery;
  readonly give_back_after_days: number;
}

interface Moved {
  readonly state: ConversionState;
  readonly delivery: Delivery;
  readonly days: number;
  readonly refusal: string | null;
  readonly problem: string | null;
}

function isAsked({ state, delivery }: Moved, by: Delivery): boolean {
  return state === 'at-scheme' && delivery === by;
}

const lockConversions = {
  name: 'lock_conversions',
  text: `
    select c.id, c.reference, c.state, c.asked_again, c.delivery, s.give_back_after_days
    from conversion c join scheme s on s.programme = c.programme and s.scheme = c.scheme
    where c.reference = any ($1) order by c.id for update of c`,
};

/** A release keeps the refusal of the scheme, for which it was asked, whatever the ledger says. Only a scheme with an API is called. */
const writeConversions = {
  name: 'move_conversions',
  text: `
    update conversion c
    set state = u.state, refusal = coalesce(c.refusal, u.refusal), last_problem = u.problem, updated_at = now(),
        next_attempt_at = case when u.state = 'at-scheme' and c.delivery = 'api' then now() end,
        give_back_at = coalesce(u.give_back_at, c.give_back_at), held_at = case when u.state = 'at-scheme' then $6 else c.held_at end
    from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::timestamptz[]) as u (id, state, refusal, problem, give_back_at)
    where c.id = u.id`,
};
