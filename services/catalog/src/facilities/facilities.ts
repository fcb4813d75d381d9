import type { Tx } from '@points/database';
import { pageParameters, type PageQuery } from '../listing/page.js';

/** A place where points are used. Types, not interfaces: pg asks its rows for an index signature. */
export type Facility = { facility: string; name: string; tags: string[] };

export async function putFacility(tx: Tx, tenant: string, { facility, name, tags }: Facility): Promise<void> {
  await tx.write(
    `insert into facility (tenant, id, name, tags) values ($1, $2, $3, $4)
     on conflict on constraint facility_pk do update set name = excluded.name, tags = excluded.tags`,
    [tenant, facility, name, tags],
  );
}

export async function readFacility(tx: Tx, tenant: string, facility: string): Promise<Facility | undefined> {
  const [row] = await tx.query<Facility>(`select id as facility, name, tags from facility where tenant = $1 and id = $2`, [
    tenant,
    facility,
  ]);
  return row;
}

export function listFacilities(tx: Tx, tenant: string, page: PageQuery): Promise<Facility[]> {
  return tx.query<Facility>(`select id as facility, name, tags from facility where tenant = $1 and id > $2 order by id limit $3`, [
    tenant,
    ...pageParameters(page),
  ]);
}
