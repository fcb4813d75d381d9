import type { Tx } from '@points/database';
import type { Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { stopsListedMax, type StopView, type TurnStop } from './screening-shapes.js';

interface StopKey {
  readonly municipality: string;
  readonly programme: string;
  /** `partner:<id>` or `holder:<uuid>`. */
  readonly subject: string;
}

/** Turns the switch; holding it where it is changes nothing. One person's word is enough: it can be turned back. */
export async function turnStop(
  tx: Tx,
  key: StopKey,
  { stopped, reason }: TurnStop,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<StopView> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`stop ${key.programme} ${key.subject}`]);
  const [last] = await tx.query<StopRow>(`${selectLast} and subject = $2 order by subject, turn desc`, [key.programme, key.subject]);
  if (last?.is_stopped === stopped) return viewOf(last);
  await tx.write(
    `insert into exchange_stop (tenant, programme, subject, turn, is_stopped, reason, actor, turned_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [key.municipality, key.programme, key.subject, (last?.turn ?? 0) + 1, stopped, reason, client, now],
  );
  return { subject: key.subject, stopped, reason, actor: client, turnedAt: now };
}

export async function listStops(tx: Tx, programme: string): Promise<StopView[]> {
  const rows = await tx.query<StopRow>(
    `select * from (${selectLast} order by subject, turn desc) last where is_stopped order by subject limit ${stopsListedMax}`,
    [programme],
  );
  return rows.map(viewOf);
}

/** Which partners, and which holders of My Key IDs, are stopped now; as `stopName` names them. */
export async function stoppedSubjects(
  tx: Tx,
  wanted: readonly { readonly programme: string; readonly partner: string; readonly myKeyId: string }[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ programme: string; subject: string }>(selectStopped, [
    wanted.map((one) => one.programme),
    wanted.map((one) => one.partner),
    wanted.map((one) => one.myKeyId),
  ]);
  return new Set(rows.map((row) => stopName(row.programme, row.subject)));
}

export function stopName(programme: string, subject: string): string {
  return `${programme} ${subject}`;
}

interface StopRow {
  readonly subject: string;
  readonly turn: number;
  readonly is_stopped: boolean;
  readonly reason: string;
  readonly actor: string;
  readonly turned_at: Date;
}

function viewOf(row: StopRow): StopView {
  return { subject: row.subject, stopped: row.is_stopped, reason: row.reason, actor: row.actor, turnedAt: instantOf(row.turned_at) };
}

const selectLast = `
  select distinct on (subject) subject, turn, is_stopped, reason, actor, turned_at from exchange_stop where programme = $1`;

/** By My Key ID, because the holder is read in the same round trip. */
const selectStopped = {
  name: 'stopped_subjects',
  text: `
    with wanted as (select * from unnest($1::text[], $2::text[], $3::text[]) as w (programme, partner, my_key_id)),
    subjects as (
      select programme, 'partner:' || partner as subject from wanted
      union
      select w.programme, 'holder:' || l.holder from wanted w
      cross join lateral (select holder from holder_link where my_key_id = w.my_key_id order by registered_at desc limit 1) l
    )
    select w.programme, w.subject from subjects w
    cross join lateral (
      select is_stopped from exchange_stop where programme = w.programme and subject = w.subject order by turn desc limit 1
    ) s
    where s.is_stopped`,
};
