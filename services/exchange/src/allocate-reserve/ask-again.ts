import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { parsePoints } from '@points/kernel';
import { publish } from '@points/messaging';
import { stepAskingsMax } from '../reference.js';
import { reservePartAfter, type ReservePartState } from '../rules/reserve-part-state.js';
import { askPart } from './ask-part.js';
import type { PartTroubleView, RefusedArrivalView } from './operate-shapes.js';
import { findPartTroubles, findRefusedArrivals } from './troubles.js';

/**
 * For an operator: the capture or release of a part in dispute is asked again, under a new reference, because the ledger's answer to the
 * old one is final. @throws Problem
 */
export async function askPartAgain(
  tx: Tx,
  programme: string,
  { allocationId, part }: { readonly allocationId: string; readonly part: number },
): Promise<PartTroubleView> {
  const [row] = await tx.query<PartRow>(lockPart, [programme, allocationId, part - 1]);
  if (!row) throw problem(404, 'unknown-part', 'the reserve has no such part of an allocation');
  const state = row.disputed && reservePartAfter(row.state, `${row.disputed}-asked-again`);
  if (!row.disputed || !state) throw problem(409, 'not-waiting', `the part waits for nobody: it is ${row.state}`, { state: row.state });
  const askedAgain = row.asked_again + 1;
  if (askedAgain > stepAskingsMax)
    throw problem(409, 'too-many-askings', `the ${row.disputed} was asked ${stepAskingsMax} times again; it needs another way`);
  await tx.write(leaveDispute, [row.id, state, askedAgain]);
  await publish(tx, [askPart({ ...row, points: parsePoints(row.points) }, row.disputed, askedAgain)]);
  return only(await findPartTroubles(tx, programme, row.id));
}

/** For an operator: points that the base programme has refused are tried again now, with all tries anew. @throws Problem */
export async function tryArrivalAgain(tx: Tx, programme: string, arrival: string): Promise<RefusedArrivalView> {
  const [row] = await tx.query<{ is_waiting: boolean }>(lockArrival, [programme, arrival]);
  if (!row) throw problem(404, 'unknown-arrival', 'the reserve has no such arrival');
  if (!row.is_waiting) throw problem(409, 'not-waiting', 'nothing of this arrival waits after a refusal');
  await tx.write(renewTries, [arrival]);
  return only(await findRefusedArrivals(tx, programme, arrival));
}

function only<T>([one]: readonly T[]): T {
  if (!one) throw new Error('assertion failed: a row that is locked must be there');
  return one;
}

interface PartRow {
  readonly id: string;
  readonly programme: string;
  readonly target: string;
  readonly holder: string;
  readonly client: string;
  readonly points: string;
  readonly reference: string;
  readonly hold: string;
  readonly state: ReservePartState;
  readonly disputed: 'capture' | 'release' | null;
  readonly asked_again: number;
}

const lockPart = `
  select id, programme, target, holder, client, points, reference, hold, state, disputed, asked_again
  from reserve_part where programme = $1 and allocation_id = $2 and seq = $3 for update`;
const leaveDispute = 'update reserve_part set state = $2, asked_again = $3, disputed = null, updated_at = now() where id = $1';
const lockArrival = `
  select refused_at is not null and remaining > 0 as is_waiting from reserve_arrival where programme = $1 and id = $2 for update`;
const renewTries = 'update reserve_arrival set refusals = 0, automatic_at = now() where id = $1';
