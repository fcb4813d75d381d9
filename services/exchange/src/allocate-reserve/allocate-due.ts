import type { Tx } from '@points/database';
import type { Instant } from '@points/kernel';
import { automaticTarget, netted } from '../rules/reserve.js';
import { startAllocation } from './allocate.js';
import { lockHolder, readArrivals, readBases } from './reserve-books.js';

/** Holders whose arrivals have fallen due, in one look of the job. */
export const dueHoldersMax = 100;

export interface DueHolder {
  readonly programme: string;
  readonly holder: string;
}

export function findDue(tx: Tx, now: Instant): Promise<DueHolder[]> {
  return tx.query<DueHolder>(
    `select distinct programme, holder from (
       select programme, holder from reserve_arrival where automatic_at <= $1 order by automatic_at limit $2) due`,
    [now, dueHoldersMax],
  );
}

/**
 * Gives what has fallen due to the base programme that held then. Without one the arrivals wait until one is named. Each try is an
 * allocation of its own whose id names arrival and try, so that a second process finds nothing left to do.
 */
export async function allocateDue(tx: Tx, { programme, holder }: DueHolder, now: Instant): Promise<number> {
  await lockHolder(tx, programme, holder);
  const due = await tx.query<{ id: string; automatic_tries: number }>(
    `select id, automatic_tries from reserve_arrival where programme = $1 and holder = $2 and automatic_at <= $3 order by arrived_at, id for update`,
    [programme, holder, now],
  );
  const named = await readBases(tx, programme, holder);
  const arrivals = new Map(netted(await readArrivals(tx, programme, holder)).map((one) => [one.id, one]));
  let started = 0;
  for (const { id, automatic_tries: tries } of due) {
    const arrival = arrivals.get(id);
    const target = arrival && arrival.remaining > 0 ? automaticTarget(arrival, named, now) : undefined;
    await tx.write('update reserve_arrival set automatic_at = null, automatic_tries = automatic_tries + $2 where id = $1', [
      id,
      target ? 1 : 0,
    ]);
    if (!arrival || !target) continue;
    const points = arrival.remaining;
    const part = { municipality: target.municipality, programme: target.programme, points, draws: [{ arrival: id, points }] };
    const key = { programme, allocationId: `auto-${id}-${tries + 1}`, holder, client: 'exchange:reserve', arrival: id };
    await startAllocation(tx, key, [part], now);
    started++;
  }
  return started;
}
