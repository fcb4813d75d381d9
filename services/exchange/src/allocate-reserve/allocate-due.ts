import type { Tx } from '@points/database';
import type { Instant } from '@points/kernel';
import { automaticTarget, dueAt } from '../rules/reserve.js';
import { startAllocation } from './allocate.js';
import { lockHolder, readArrivals, readBases } from './reserve-books.js';

export interface DueArrival {
  readonly id: string;
  readonly programme: string;
  readonly holder: string;
}

/** Takes arrivals that may have fallen due, under a lease: if this process dies now, another one takes them up then. */
export function claimDue(tx: Tx, limit: number, now: Instant): Promise<DueArrival[]> {
  return tx.query<DueArrival>(claim, [limit, now, leaseSeconds]);
}

/**
 * Gives an arrival that has fallen due to the base programme that held then. Without one it waits until one is named. Each try is an
 * allocation of its own whose id names arrival and try. Answers whether one was started.
 */
export async function allocateDue(tx: Tx, { id, programme, holder }: DueArrival, now: Instant): Promise<boolean> {
  await lockHolder(tx, programme, holder);
  const arrival = (await readArrivals(tx, programme, holder)).find((one) => one.id === id);
  const target = arrival && arrival.remaining > 0 ? automaticTarget(arrival, await readBases(tx, programme, holder), now) : undefined;
  // Woken before its time: points came back that had been under way.
  const next = arrival && now < dueAt(arrival.arrivedAt) ? dueAt(arrival.arrivedAt) : null;
  const [row] = await tx.query<{ automatic_tries: number }>(settle, [id, target ? 1 : 0, next]);
  if (!arrival || !target || !row) return false;
  const points = arrival.remaining;
  const part = { municipality: target.municipality, programme: target.programme, points, draws: [{ arrival: id, points }] };
  const key = { programme, allocationId: `auto-${id}-${row.automatic_tries}`, holder, client: 'exchange:reserve', arrival: id };
  await startAllocation(tx, key, [part], now);
  return true;
}

/** Far longer than a transaction of some statements. */
const leaseSeconds = 20;

const claim = `
  update reserve_arrival a set automatic_at = $2::timestamptz + make_interval(secs => $3)
  from (select id from reserve_arrival where automatic_at <= $2 order by automatic_at limit $1 for update skip locked) due
  where a.id = due.id
  returning a.id, a.programme, a.holder`;

/** No row when somebody else was there first. */
const settle = `
  update reserve_arrival set automatic_at = $3, automatic_tries = automatic_tries + $2 where id = $1 and automatic_at is not null
  returning automatic_tries`;
