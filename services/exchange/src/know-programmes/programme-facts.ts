import type { ProgrammeChanged } from '@points/contracts';
import type { Tx } from '@points/database';
import type { LocalDate } from '@points/kernel';
import type { ProgrammeFacts } from '../rules/lot-of-quote.js';

/** The newest of a programme holds, whatever order they are heard in. */
export async function keepProgrammes(tx: Tx, changed: readonly ProgrammeChanged[]): Promise<void> {
  const known = new Map<string, ProgrammeChanged>();
  for (const one of changed) if ((known.get(one.programme)?.changedAt ?? '') <= one.changedAt) known.set(one.programme, one);
  // In order of id, so that two consumers queue up instead of deadlocking.
  const newest = [...known.values()].sort((a, b) => (a.programme < b.programme ? -1 : 1));
  await tx.write(upsertFacts, [
    newest.map((one) => one.municipality),
    newest.map((one) => one.programme),
    newest.map((one) => one.name),
    newest.map((one) => one.lastGrantDay ?? null),
    newest.map((one) => one.lastUseDay ?? null),
    newest.map((one) => JSON.stringify(one.versions)),
    newest.map((one) => one.changedAt),
  ]);
}

/** Undefined until the ledger has told of the programme. */
export async function findProgrammeFacts(tx: Tx, programme: string): Promise<ProgrammeFacts | undefined> {
  const [row] = await tx.query<{
    name: string;
    last_grant_day: LocalDate | null;
    last_use_day: LocalDate | null;
    versions: ProgrammeFacts['versions'];
  }>(selectFacts, [programme]);
  return (
    row && {
      name: row.name,
      versions: row.versions,
      ...(row.last_grant_day !== null && { lastGrantDay: row.last_grant_day }),
      ...(row.last_use_day !== null && { lastUseDay: row.last_use_day }),
    }
  );
}

const selectFacts = {
  name: 'select_programme_fact',
  text: `
    select name, last_grant_day::text as last_grant_day, last_use_day::text as last_use_day, versions
    from programme_fact where programme = $1`,
};

const upsertFacts = {
  name: 'upsert_programme_facts',
  text: `
    insert into programme_fact (tenant, programme, name, last_grant_day, last_use_day, versions, changed_at)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::jsonb[], $7::timestamptz[])
    on conflict on constraint programme_fact_pk do update
      set name = excluded.name, last_grant_day = excluded.last_grant_day, last_use_day = excluded.last_use_day,
          versions = excluded.versions, changed_at = excluded.changed_at
      where programme_fact.changed_at <= excluded.changed_at`,
};
