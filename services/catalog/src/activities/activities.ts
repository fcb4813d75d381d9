import type { Tx } from '@points/database';
import { parsePoints, type Points } from '@points/kernel';
import { pageParameters, type PageQuery } from '../listing/page.js';

/** What earns points: taking part once gives `points`. */
export type Activity = { activity: string; name: string; programme: string; points: Points };

type Row = Omit<Activity, 'points'> & { points: string };

export async function putActivity(tx: Tx, tenant: string, { activity, name, programme, points }: Activity): Promise<void> {
  await tx.write(
    `insert into activity (tenant, id, name, programme, points) values ($1, $2, $3, $4, $5)
     on conflict on constraint activity_pk do update set name = excluded.name, programme = excluded.programme, points = excluded.points`,
    [tenant, activity, name, programme, points],
  );
}

export async function readActivity(tx: Tx, tenant: string, activity: string): Promise<Activity | undefined> {
  const [row] = await tx.query<Row>(`select id as activity, name, programme, points from activity where tenant = $1 and id = $2`, [
    tenant,
    activity,
  ]);
  return row && toActivity(row);
}

export async function listActivities(tx: Tx, tenant: string, page: PageQuery): Promise<Activity[]> {
  const rows = await tx.query<Row>(
    `select id as activity, name, programme, points from activity where tenant = $1 and id > $2 order by id limit $3`,
    [tenant, ...pageParameters(page)],
  );
  return rows.map(toActivity);
}

function toActivity(row: Row): Activity {
  return { ...row, points: parsePoints(row.points) };
}
