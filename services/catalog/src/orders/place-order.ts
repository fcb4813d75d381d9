import type { Tx } from '@points/database';
import { problem } from '@points/http';
import { assert, parsePoints, uuidv7, type Points } from '@points/kernel';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { askLedger } from '../ledger-answers/ask-ledger.js';
import { placesOfProduct, type ProductKind } from '../rules/places.js';
import { decideSale, type Offer } from '../rules/sale.js';
import type { OrderView, PlaceOrder } from './orders.http.js';
import { readOrder } from './read-order.js';

export interface Wish extends PlaceOrder {
  readonly municipality: string;
  readonly programme: string;
  readonly client: string;
}

/**
 * Takes the pieces from the stock and asks the ledger for the points, in one transaction. The lock on the product makes orders for
 * it queue up, so that the last piece is sold once.
 * @throws Problem 422; nothing is taken then, and the key may be used again
 */
export async function placeOrder(tx: Tx, wish: Wish): Promise<OrderView> {
  const { municipality, programme, product, quantity, client } = wish;
  const offered = await lockOffer(tx, municipality, product);
  const sale = decideSale(offered?.offer, wish);
  if (!sale.ok) throw problem(422, sale.refusal.code, sale.refusal.detail, sale.refusal.facts);
  assert(offered !== undefined, 'only a product that is there can be sold');
  const holder = await findHolder(tx, wish.myKeyId);
  if (holder === undefined) throw unknownMyKeyId();

  const id = uuidv7();
  await tx.write(takePieces, [municipality, product, quantity]);
  await tx.write(insertOrder, [municipality, id, programme, product, quantity, sale.value, holder, client]);
  await askLedger(tx, {
    matter: 'order',
    id,
    municipality,
    programme,
    holder,
    client,
    instruction: { kind: 'spend', amount: sale.value, to: `product:${product}`, places: offered.places },
  });
  return (await readOrder(tx, { municipality, programme, order: id })).view;
}

async function lockOffer(tx: Tx, municipality: string, product: string): Promise<{ offer: Offer; places: string[] } | undefined> {
  const [row] = await tx.query<ProductRow>(lockProduct, [municipality, product]);
  if (!row) return undefined;
  const prices = await tx.query<{ programme: string; points: string }>(readPrices, [municipality, product]);
  const facility =
    row.facility === null ? undefined : (await tx.query<{ id: string; tags: string[] }>(readFacility, [municipality, row.facility]))[0];
  return {
    offer: {
      status: row.status,
      stock: row.stock,
      taken: row.taken,
      prices: Object.fromEntries(prices.map((price): [string, Points] => [price.programme, parsePoints(price.points)])),
    },
    places: placesOfProduct({ id: product, municipality, kind: row.kind, tags: row.tags, facility }),
  };
}

type ProductRow = {
  kind: ProductKind;
  facility: string | null;
  stock: number | null;
  taken: number;
  status: 'on-sale' | 'withdrawn';
  tags: string[];
};

const lockProduct = {
  name: 'lock_product',
  text: 'select kind, facility, stock, taken, status, tags from product where tenant = $1 and id = $2 for no key update',
};
const readPrices = { name: 'prices', text: 'select programme, points from product_price where tenant = $1 and product = $2' };
const readFacility = { name: 'facility_tags', text: 'select id, tags from facility where tenant = $1 and id = $2' };
const takePieces = { name: 'take_pieces', text: 'update product set taken = taken + $3 where tenant = $1 and id = $2' };
const insertOrder = {
  name: 'insert_order',
  text: `insert into product_order (tenant, id, programme, product, quantity, points, holder, client, state) values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending')`,
};
