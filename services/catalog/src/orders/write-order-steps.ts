import type { Tx } from '@points/database';
import { assert } from '@points/kernel';
import { orderOf, wordArrays, wordColumns, type WordRow } from '../ledger-answers/word.js';
import { nextOrder, type Order, type OrderEvent } from '../rules/order.js';

export interface OrderStep {
  readonly tenant: string;
  readonly order: string;
  readonly event: OrderEvent;
}

/** Takes orders to their next state and gives back to the stock what is free again: orders are locked before products, each in order of their ids. */
export async function writeOrderSteps(tx: Tx, steps: readonly OrderStep[]): Promise<void> {
  if (steps.length === 0) return;
  const rows = await tx.query<Row>(lockOrders, [steps.map((one) => one.tenant), steps.map((one) => one.order)]);
  const known = new Map(rows.map((row) => [row.id, { row, order: orderOf(row) }]));
  const changed = new Map<string, { row: Row; order: Order }>();
  const freed: Row[] = [];
  for (const { order: id, event } of steps) {
    const found = known.get(id);
    if (!found) throw new Error('the ledger told about an order that is not here');
    const next = nextOrder(found.order, event);
    assert(next.ok, 'what the ledger tells is never refused');
    if (next.value.order === found.order) continue;
    found.order = next.value.order;
    changed.set(id, found);
    if (next.value.givesStockBack) freed.push(found.row);
  }
  await writeOrders(tx, [...changed.values()]);
  await giveStockBack(tx, freed);
}

type Row = WordRow & { id: string; tenant: string; product: string; quantity: number; cancellation: string | null };

async function writeOrders(tx: Tx, changed: readonly { row: Row; order: Order }[]): Promise<void> {
  if (changed.length === 0) return;
  await tx.write(updateOrders, [
    changed.map(({ row }) => row.tenant),
    changed.map(({ row }) => row.id),
    changed.map(({ order }) => ('cancellation' in order ? order.cancellation : null)),
    ...wordArrays(changed.map(({ order }) => order)),
  ]);
}

async function giveStockBack(tx: Tx, freed: readonly Row[]): Promise<void> {
  if (freed.length === 0) return;
  const [owners, products] = [freed.map((row) => row.tenant), freed.map((row) => row.product)];
  await tx.query(lockProducts, [owners, products]);
  await tx.write(givePiecesBack, [owners, products, freed.map((row) => row.quantity)]);
}

const lockOrders = {
  name: 'lock_orders',
  text: `
    select id, tenant, product, quantity, cancellation, ${wordColumns} from product_order
    where (tenant, id) in (select * from unnest($1::text[], $2::uuid[])) order by tenant, id for update`,
};

const updateOrders = {
  name: 'update_orders',
  text: `
    update product_order as o set cancellation = next.cancellation, state = next.state, posting = next.posting, refusal_code = next.refusal_code,
      refusal_detail = next.refusal_detail, refusal_facts = next.refusal_facts, decided_at = coalesce(o.decided_at, now())
    from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[])
      as next (tenant, id, cancellation, ${wordColumns})
    where o.tenant = next.tenant and o.id = next.id`,
};

const lockProducts = {
  name: 'lock_products',
  text: `
    select id from product where (tenant, id) in (select * from unnest($1::text[], $2::text[])) order by tenant, id for no key update`,
};

const givePiecesBack = {
  name: 'give_pieces_back',
  text: `
    update product as p set taken = p.taken - back.quantity
    from (select tenant, product, sum(quantity)::int as quantity from unnest($1::text[], $2::text[], $3::int[]) as freed (tenant, product, quantity) group by tenant, product) back
    where p.tenant = back.tenant and p.id = back.product`,
};
