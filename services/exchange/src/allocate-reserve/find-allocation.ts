import type { Tx } from '@points/database';
import { parsePoints } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { RefusalView } from '../place-exchange-order/order-view.js';
import type { ReservePartState } from '../rules/reserve-part-state.js';
import type { AllocationView } from './reserve-shapes.js';

/** Newest first: of a holder, or the one with the id. */
export async function findAllocations(
  tx: Tx,
  programme: string,
  wanted: { readonly holder?: string; readonly allocationId?: string; readonly limit: number },
): Promise<AllocationView[]> {
  const rows = await tx.query<PartRow>(select, [programme, wanted.holder ?? null, wanted.allocationId ?? null, wanted.limit]);
  const found = new Map<string, AllocationView & { parts: AllocationView['parts'][number][] }>();
  for (const row of rows) {
    const { allocation_id: allocationId, target, points, state, refusal } = row;
    const allocation = found.get(allocationId) ?? {
      allocationId,
      automatic: row.is_automatic,
      requestedAt: instantOf(row.requested_at),
      parts: [],
    };
    found.set(allocationId, allocation);
    allocation.parts.push({ programme: target, points: parsePoints(points), state, ...(refusal && { refusal }) });
  }
  return [...found.values()];
}

interface PartRow {
  readonly allocation_id: string;
  readonly is_automatic: boolean;
  readonly requested_at: Date;
  readonly target: string;
  readonly points: string;
  readonly state: ReservePartState;
  readonly refusal: RefusalView | null;
}

const select = `
  select a.allocation_id, a.arrival is not null as is_automatic, a.requested_at, p.target, p.points, p.state, p.refusal
  from (
    select programme, allocation_id, arrival, requested_at from reserve_allocation
    where programme = $1 and ($2::uuid is null or holder = $2) and ($3::text is null or allocation_id = $3)
    order by requested_at desc, allocation_id limit $4
  ) a
  join reserve_part p using (programme, allocation_id)
  order by a.requested_at desc, a.allocation_id, p.seq`;
