import type { Tx } from '@points/database';
import { arrivalOf, recordArrivals } from '../allocate-reserve/reserve-books.js';
import { parsePoints } from '@points/kernel';
import { writeCounts } from '../place-exchange-order/counters.js';
import type { BonusState } from '../place-exchange-order/order-view.js';
import type { Count } from '../rules/caps.js';
import { refusalOf, type PostingFact } from './posting-facts.js';

/**
 * Writes down what became of the bonuses of orders. One that the ledger refuses (a cap of the programme) goes back to its campaign; the
 * order itself stands.
 * @throws Error when a fact has no bonus or contradicts it: it is parked and a person looks
 */
export async function endBonuses(tx: Tx, facts: readonly PostingFact<'bonus'>[]): Promise<void> {
  if (facts.length === 0) return;
  const rows = await tx.query<BonusRow>(lockBonuses, [facts.map((fact) => fact.reference)]);
  const known = new Map(rows.map((row) => [row.reference, row]));
  const ended: { bonus: BonusRow; outcome: PostingFact['outcome'] }[] = [];
  for (const { reference, outcome } of facts) {
    const bonus = known.get(reference);
    if (!bonus?.bonus_points) throw new Error(`there is no bonus of an order with the reference ${reference}`);
    if (bonus.bonus_state === outcome.status || (bonus.bonus_state === 'reversed' && outcome.status === 'posted')) continue;
    if (bonus.bonus_state !== 'pending')
      throw new Error(`the bonus of the order ${bonus.id} is ${bonus.bonus_state} and is said to be ${outcome.status}`);
    if (outcome.status === 'posted' && outcome.amount !== parsePoints(bonus.bonus_points))
      throw new Error(`the bonus of the order ${bonus.id} was issued with another number of points than it asked for`);
    known.set(reference, { ...bonus, bonus_state: outcome.status });
    ended.push({ bonus, outcome });
  }
  if (ended.length === 0) return;
  await Promise.all([
    tx.write(writeBonuses, [
      ended.map(({ bonus }) => bonus.id),
      ended.map(({ outcome }) => outcome.status),
      ended.map(({ outcome }) => (outcome.status === 'posted' ? outcome.posting : null)),
      ended.map(({ outcome }) => refusalOf(outcome)),
      ended.map(({ outcome }) => (outcome.status === 'posted' ? outcome.effectiveAt : null)),
    ]),
    recordArrivals(
      tx,
      ended.flatMap(({ bonus, outcome }) => arrivalOf('bonus', bonus, outcome)),
    ),
    writeCounts(
      tx,
      ended
        .filter(({ outcome }) => outcome.status === 'refused')
        .flatMap(({ bonus }) =>
          (bonus.counts ?? [])
            .filter((one) => one.key.startsWith('campaign:'))
            .map((one) => ({ ...one, programme: bonus.programme, amount: -one.amount })),
        ),
    ),
  ]);
}

interface BonusRow {
  readonly id: string;
  readonly reference: string;
  readonly programme: string;
  readonly holder: string;
  readonly bonus_points: string | null;
  readonly bonus_state: BonusState;
  readonly counts: readonly Count[] | null;
}

const lockBonuses = {
  name: 'lock_bonuses',
  text: `
    select id, reference, programme, holder, bonus_points, bonus_state, counts from exchange_order where reference = any ($1) order by id for update`,
};

const writeBonuses = {
  name: 'end_bonuses',
  text: `
    update exchange_order o set bonus_state = u.state, bonus_posting = u.posting, bonus_refusal = u.refusal, bonus_booked_at = u.booked_at, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::jsonb[], $5::timestamptz[]) as u (id, state, posting, refusal, booked_at)
    where o.id = u.id`,
};
