import { violatedConstraint, type Tx } from '@points/database';
import { problem } from '@points/http';
import { notify } from '../notices/notices.js';
import type { BulkShop } from './shop-shapes.js';

/** Makes or replaces shops, all or none. @throws Problem */
export async function putShops(tx: Tx, tenant: string, shops: readonly BulkShop[]): Promise<void> {
  const twice = shops.find((one, index) => shops.findIndex((other) => other.shop === one.shop) !== index);
  if (twice) throw problem(422, 'shop-twice', `the shop ${twice.shop} is in the request twice`, { shop: twice.shop });
  for (const { shop, programmes } of shops) {
    const foreign = programmes.find((one) => !one.startsWith(`${tenant}-`));
    if (foreign)
      throw problem(422, 'foreign-programme', `shop ${shop}: ${foreign} is a programme of another municipality`, {
        shop,
        programme: foreign,
      });
  }
  try {
    // Ordered, so that two requests over the same shops queue up instead of deadlocking. Lists travel as JSON: an array of arrays
    // of different lengths is none in PostgreSQL.
    await tx.write(
      `insert into shop (tenant, id, name, shop_group, programmes, status, tags)
       select $1, s.id, s.name, s.shop_group, array(select jsonb_array_elements_text(s.programmes)), s.status, array(select jsonb_array_elements_text(s.tags))
       from unnest($2::text[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::jsonb[]) as s (id, name, shop_group, programmes, status, tags)
       order by s.id
       on conflict on constraint shop_pk do update set name = excluded.name, shop_group = excluded.shop_group, programmes = excluded.programmes,
         status = excluded.status, tags = excluded.tags, updated_at = now()`,
      [
        tenant,
        shops.map((one) => one.shop),
        shops.map((one) => one.name),
        shops.map((one) => one.group ?? null),
        shops.map((one) => JSON.stringify(one.programmes)),
        shops.map((one) => one.status),
        shops.map((one) => JSON.stringify(one.tags ?? [])),
      ],
    );
  } catch (error) {
    if (violatedConstraint(error) === 'shop_of_group')
      throw problem(422, 'unknown-group', 'a shop names a group that this municipality does not have');
    throw error;
  }
  await notify(
    tx,
    'shops',
    shops.map((one) => `${tenant}/${one.shop}`),
  );
}
