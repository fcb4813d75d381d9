import { violatedConstraint, type Tx } from '@points/database';
import { problem } from '@points/http';
import type { PutProduct } from './products.http.js';

/** @throws Problem 422. The row of the product is locked before its prices, as an order does it. */
export async function putProduct(tx: Tx, tenant: string, product: string, body: PutProduct): Promise<void> {
  const programmes = body.prices.map((price) => price.programme);
  if (new Set(programmes).size !== programmes.length) throw problem(422, 'price-given-twice', 'a product has one price in each programme');
  if (body.facility !== undefined && body.kind !== 'facility-ticket')
    throw problem(422, 'facility-not-for-kind', 'only a facility-ticket names a facility', { kind: body.kind });
  await tx
    .write(upsertProduct, [tenant, product, body.name, body.kind, body.facility ?? null, body.stock, body.status, body.tags ?? []])
    .catch((error: unknown) => {
      const constraint = violatedConstraint(error);
      if (constraint === 'product_not_oversold') throw problem(422, 'stock-below-ordered', 'more pieces than this were ordered already');
      if (constraint === 'product_facility_fk') throw problem(422, 'unknown-facility', 'this municipality has no such facility');
      throw error;
    });
  await tx.write(`delete from product_price where tenant = $1 and product = $2 and programme <> all ($3::text[])`, [
    tenant,
    product,
    programmes,
  ]);
  await tx.write(upsertPrices, [tenant, product, programmes, body.prices.map((price) => price.points)]);
}

const upsertProduct = `
  insert into product (tenant, id, name, kind, facility, stock, status, tags) values ($1, $2, $3, $4, $5, $6, $7, $8)
  on conflict on constraint product_pk do update
    set name = excluded.name, kind = excluded.kind, facility = excluded.facility, stock = excluded.stock, status = excluded.status, tags = excluded.tags`;

const upsertPrices = `
  insert into product_price (tenant, product, programme, points)
  select $1, $2, price.programme, price.points from unnest($3::text[], $4::bigint[]) as price (programme, points)
  on conflict on constraint product_price_pk do update set points = excluded.points`;
