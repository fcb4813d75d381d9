import type { Tx } from '@points/database';
import { parsePoints } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { RefusalView } from '../place-exchange-order/order-view.js';
import { stepReference, type ReserveStep } from '../reference.js';
import type { ReservePartState } from '../rules/reserve-part-state.js';
import { troublesShownMax, type PartTroubleView, type RefusedArrivalView } from './operate-shapes.js';

/** Parts in dispute, the oldest first; or the one with this id in whatever state. */
export async function findPartTroubles(tx: Tx, programme: string, id: string | null = null): Promise<PartTroubleView[]> {
  const rows = await tx.query<PartRow>(selectParts, [programme, id, troublesShownMax]);
  return rows.map((row) => ({
    allocationId: row.allocation_id,
    part: row.seq + 1,
    holder: row.holder,
    programme: row.target,
    points: parsePoints(row.points),
    exchange: {
      state: row.state,
      ...(row.step && { step: row.step, reference: stepReference(row.reference, row.step, row.asked_again) }),
      ...{ hold: row.hold, askedAgain: row.asked_again, since: instantOf(row.updated_at) },
      ...(row.refusal && { refusal: row.refusal }),
    },
    ...(row.dispute && { ledger: row.dispute }),
  }));
}

/** Those that were refused, the oldest refusal first; or the one with this id. */
export async function findRefusedArrivals(tx: Tx, programme: string, id: string | null = null): Promise<RefusedArrivalView[]> {
  const rows = await tx.query<ArrivalRow>(selectArrivals, [programme, id, troublesShownMax]);
  return rows.map((row) => ({
    arrival: row.id,
    ...{ holder: row.holder, partner: row.partner, orderId: row.order_id },
    ...{ remaining: parsePoints(row.remaining), refusals: row.refusals, refusedAt: instantOf(row.refused_at) },
    ...(row.automatic_at && { nextTryAt: instantOf(row.automatic_at) }),
    programme: row.target,
    ...(row.refusal && { refusal: row.refusal }),
  }));
}

interface PartRow {
  readonly allocation_id: string;
  readonly seq: number;
  readonly holder: string;
  readonly target: string;
  readonly points: string;
  readonly state: ReservePartState;
  readonly step: Extract<ReserveStep, 'capture' | 'release'> | null;
  readonly reference: string;
  readonly hold: string;
  readonly asked_again: number;
  readonly updated_at: Date;
  readonly refusal: RefusalView | null;
  readonly dispute: RefusalView | null;
}

interface ArrivalRow {
  readonly id: string;
  readonly holder: string;
  readonly partner: string;
  readonly order_id: string;
  readonly remaining: string;
  readonly refusals: number;
  readonly refused_at: Date;
  readonly automatic_at: Date | null;
  readonly target: string;
  readonly refusal: RefusalView | null;
}

const selectParts = `
  select allocation_id, seq, holder, target, points, state, reference, hold, asked_again, updated_at, refusal, dispute,
         coalesce(disputed, case state when 'capturing' then 'capture' when 'releasing' then 'release' end) as step
  from reserve_part
  where programme = $1 and case when $2::uuid is null then state = 'in-dispute' else id = $2 end
  order by updated_at, id limit $3`;

const selectArrivals = `
  select a.id, a.holder, o.partner, o.order_id, a.remaining, a.refusals, a.refused_at, a.automatic_at, p.target, p.refusal
  from reserve_arrival a
  join exchange_order o on o.id = a.order_row
  cross join lateral (
    select target, refusal from reserve_part
    where programme = a.programme and allocation_id = 'auto-' || a.id || '-' || a.automatic_tries
  ) p
  where a.programme = $1 and a.refused_at is not null and a.remaining > 0 and ($2::uuid is null or a.id = $2)
  order by a.refused_at, a.id limit $3`;
