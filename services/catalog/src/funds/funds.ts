import type { Tx } from '@points/database';
import { pageParameters, type PageQuery } from '../listing/page.js';

/** Where donated points of a programme go. */
export type Fund = { fund: string; name: string; programme: string };

export async function putFund(tx: Tx, tenant: string, { fund, name, programme }: Fund): Promise<void> {
  await tx.write(
    `insert into fund (tenant, id, name, programme) values ($1, $2, $3, $4)
     on conflict on constraint fund_pk do update set name = excluded.name, programme = excluded.programme`,
    [tenant, fund, name, programme],
  );
}

export async function readFund(tx: Tx, tenant: string, fund: string): Promise<Fund | undefined> {
  const [row] = await tx.query<Fund>(`select id as fund, name, programme from fund where tenant = $1 and id = $2`, [tenant, fund]);
  return row;
}

export function listFunds(tx: Tx, tenant: string, page: PageQuery): Promise<Fund[]> {
  return tx.query<Fund>(`select id as fund, name, programme from fund where tenant = $1 and id > $2 order by id limit $3`, [
    tenant,
    ...pageParameters(page),
  ]);
}
