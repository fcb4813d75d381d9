import type { Tx } from '@points/database';
import { pageParameters, type PageQuery } from '../listing/page.js';
import type { ProductKind } from '../rules/places.js';
import { remainingOf } from '../rules/sale.js';
import type { ProductView } from './products.http.js';

export async function readProduct(tx: Tx, tenant: string, product: string): Promise<ProductView | undefined> {
  const [row] = await tx.query<Row>(`${selectProduct} where p.tenant = $1 and p.id = $2`, [tenant, product]);
  return row && toView(row);
}

export async function listProducts(tx: Tx, tenant: string, page: PageQuery): Promise<ProductView[]> {
  const rows = await tx.query<Row>(`${selectProduct} where p.tenant = $1 and p.id > $2 order by p.id limit $3`, [
    tenant,
    ...pageParameters(page),
  ]);
  return rows.map(toView);
}

type Row = {
  product: string;
  name: string;
  kind: ProductKind;
  facility: string | null;
  stock: number | null;
  taken: number;
  status: 'on-sale' | 'withdrawn';
  tags: string[];
  prices: { programme: string; points: number }[];
};

// Prices are at most 10^9 points, so JSON may carry them as numbers.
const selectProduct = `
  select p.id as product, p.name, p.kind, p.facility, p.stock, p.taken, p.status, p.tags,
    coalesce((select json_agg(json_build_object('programme', price.programme, 'points', price.points) order by price.programme)
              from product_price price where price.tenant = p.tenant and price.product = p.id), '[]') as prices
  from product p`;

function toView({ facility, taken, ...row }: Row): ProductView {
  return { ...row, ...(facility !== null && { facility }), remaining: remainingOf({ stock: row.stock, taken }) };
}
