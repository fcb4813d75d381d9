import { worksForToo, type Tx } from '@points/database';
import { parsePoints, programmeId, tenantOf } from '@points/kernel';
import { publish, type OutgoingEvent } from '@points/messaging';
import { refusalOf, type PostingFact } from '../hear-postings/posting-facts.js';
import { automaticRefusalsMax, automaticRetryDays } from '../rules/reserve.js';
import { reservePartAfter, stepOfPart, type ReservePartState } from '../rules/reserve-part-state.js';
import { askPart } from './ask-part.js';

export interface MovedParts {
  /** Parts of which the ledger has refused what it had confirmed. */
  readonly inDispute: readonly string[];
  /** Arrivals whose move to the base programme was refused for the last time. */
  readonly givenUp: readonly string[];
}

/**
 * Moves parts on by what the ledger says of their steps, and asks for the next one. Points of a refused part are back with their arrivals;
 * one that went by itself is tried again after `automaticRetryDays`.
 * @throws Error when a fact has no part or contradicts it: it is parked and a person looks
 */
export async function moveParts(tx: Tx, facts: readonly PostingFact<'reserve'>[]): Promise<MovedParts> {
  if (facts.length === 0) return nothingMoved;
  const rows = await tx.query<PartRow>(lockParts, [facts.map((fact) => fact.reference)]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const moved = new Map<string, { state: ReservePartState; refusal: string | null; disputed: string | null; dispute: string | null }>();
  const next: OutgoingEvent[] = [];
  for (const { reference, step, askedAgain, outcome } of facts) {
    const part = known.get(reference);
    if (!part) throw new Error(`there is no part of an allocation with the reference ${reference}`);
    // The answer to an earlier asking, told again.
    if ((step === 'capture' || step === 'release') && askedAgain < part.asked_again) continue;
    const state = reservePartAfter(part.state, `${step}-${outcome.status}`);
    if (!state) throw new Error(`the part ${part.id} is ${part.state} and its ${step} is said to be ${outcome.status}`);
    if (outcome.status === 'posted' && step !== 'release' && outcome.amount !== parsePoints(part.points))
      throw new Error(`the ${step} of the part ${part.id} was of another number of points than it asked for`);
    if (state === part.state) continue;
    known.set(reference, { ...part, state });
    const [said, before] = [refusalOf(outcome), moved.get(part.id)?.refusal ?? null];
    moved.set(
      part.id,
      state === 'in-dispute'
        ? { state, refusal: before, disputed: step, dispute: said }
        : { state, refusal: said ?? before, disputed: null, dispute: null },
    );
    const following = stepOfPart(state);
    if (following) next.push(askPart({ ...part, points: parsePoints(part.points) }, following));
  }
  const all = [...moved];
  if (all.length === 0) return nothingMoved;
  await tx.write(writeParts, [
    all.map(([id]) => id),
    all.map(([, one]) => one.state),
    all.map(([, one]) => one.refusal),
    all.map(([, one]) => one.disputed),
    all.map(([, one]) => one.dispute),
  ]);
  const refused = all.filter(([, one]) => one.state === 'refused').map(([id]) => id);
  const givenUp: string[] = [];
  if (refused.length) {
    const back = await tx.query<{ id: string; is_given_up: boolean }>(giveBack, [refused, automaticRetryDays, automaticRefusalsMax]);
    givenUp.push(...back.filter((one) => one.is_given_up).map(({ id }) => id));
    await tx.write(wake, [refused, automaticRefusalsMax]);
  }
  // The hold is a fact of the reserve and is followed by a request to the target, and the other way round.
  await worksForToo(
    tx,
    rows.flatMap((row) => [row.programme, row.target].map((one) => tenantOf(programmeId(one)))),
  );
  await publish(tx, next);
  return { inDispute: all.filter(([, one]) => one.state === 'in-dispute').map(([id]) => id), givenUp };
}

const nothingMoved: MovedParts = { inDispute: [], givenUp: [] };

interface PartRow {
  readonly id: string;
  readonly reference: string;
  readonly programme: string;
  readonly target: string;
  readonly holder: string;
  readonly client: string;
  readonly points: string;
  readonly hold: string;
  readonly state: ReservePartState;
  readonly asked_again: number;
}

// Ordered, so that two consumers of one batch queue up instead of deadlocking.
const lockParts = {
  name: 'lock_reserve_parts',
  text: `
    select id, reference, programme, target, holder, client, points, hold, state, asked_again
    from reserve_part where reference = any ($1) order by id for update`,
};

/** A release keeps the refusal for which it was asked; the last word of a dispute stays for whoever looks. */
const writeParts = {
  name: 'move_reserve_parts',
  text: `
    update reserve_part p
    set state = u.state, refusal = coalesce(p.refusal, u.refusal), disputed = u.disputed, dispute = coalesce(u.dispute, p.dispute), updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::jsonb[]) as u (id, state, refusal, disputed, dispute)
    where p.id = u.id`,
};

const giveBack = {
  name: 'give_back_reserve_parts',
  text: `
    update reserve_arrival a
    set remaining = a.remaining + d.points,
        refused_at = case when d.is_automatic then now() else a.refused_at end,
        refusals = a.refusals + case when d.is_automatic then 1 else 0 end,
        -- Behind the end of the list there is no next time.
        automatic_at = case when d.is_automatic then now() + make_interval(days => ($2::integer[])[a.refusals + 1]) else a.automatic_at end
    from (
      select d.arrival, sum(d.points) as points, bool_or(l.arrival is not null) as is_automatic
      from reserve_draw d join reserve_part p on p.id = d.part join reserve_allocation l using (programme, allocation_id)
      where d.part = any ($1) group by d.arrival
    ) d
    where a.id = d.arrival
    returning a.id, d.is_automatic and a.refusals >= $3::integer as is_given_up`,
};

/** While the points were under way, their arrivals or others of the holder may have fallen due with nothing to give: the job looks again. */
const wake = {
  name: 'wake_reserve_arrivals',
  text: `
    update reserve_arrival a set automatic_at = now()
    from (select distinct programme, holder from reserve_part where id = any ($1)) p
    where a.programme = p.programme and a.holder = p.holder and a.remaining > 0 and a.automatic_at is null and a.refusals < $2`,
};
