import type { Tx } from '@points/database';
import { tenantOf, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { Rules, RuleVersion } from '../rules/programme.js';
import type { ProgrammeView } from './programme-bodies.js';
import { bodyOfRules } from './rules-of-body.js';

export interface StoredProgramme {
  readonly programme: ProgrammeId;
  readonly name: string;
  readonly firstDay: LocalDate;
  readonly lastDay: LocalDate | null;
  readonly lastGrantDay?: LocalDate | null;
  readonly historyOpen: boolean;
  readonly frozen: boolean;
  readonly versions: readonly RuleVersion[];
}

export async function findProgramme(tx: Tx, programme: ProgrammeId): Promise<StoredProgramme | undefined> {
  return (await tx.query<StoredProgramme>(`${columns} where programme = $1`, [programme]))[0];
}

/** Those of the transaction's tenant. */
export function listProgrammes(tx: Tx): Promise<StoredProgramme[]> {
  return tx.query<StoredProgramme>(`${columns} order by programme limit ${programmesMax}`);
}

/** Takes the row's lock, so that two changes of one programme come one after the other. Answers false when it is there already. */
export async function insertProgramme(
  tx: Tx,
  { programme, name, firstDay, lastDay, lastGrantDay = null, historyOpen }: Omit<StoredProgramme, 'versions' | 'frozen'>,
  rules: Rules,
): Promise<boolean> {
  const inserted = await tx.write(
    `insert into programme (tenant, programme, name, first_day, last_day, history_open, last_grant_day) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [tenantOf(programme), programme, name, firstDay, lastDay, historyOpen, lastGrantDay],
  );
  if (inserted === 0) return false;
  await insertRules(tx, programme, { version: 1, validFrom: firstDay, rules });
  return true;
}

export async function lockProgramme(tx: Tx, programme: ProgrammeId): Promise<void> {
  await tx.query('select from programme where programme = $1 for no key update', [programme]);
}

export async function updateProgramme(
  tx: Tx,
  {
    programme,
    name,
    lastDay,
    lastGrantDay = null,
    historyOpen,
  }: Pick<StoredProgramme, 'programme' | 'name' | 'lastDay' | 'lastGrantDay' | 'historyOpen'>,
): Promise<void> {
  await tx.write(
    `update programme set name = $2, last_day = $3, history_open = $4, last_grant_day = $5,
       -- Another end is announced anew.
       closing_announced = case when last_day is distinct from $3::date then null else closing_announced end
     where programme = $1`,
    [programme, name, lastDay, historyOpen, lastGrantDay],
  );
}

export async function insertRules(tx: Tx, programme: ProgrammeId, { version, validFrom, rules }: RuleVersion): Promise<void> {
  await tx.write(`insert into programme_rule (tenant, programme, version, valid_from, rules) values ($1, $2, $3, $4, $5)`, [
    tenantOf(programme),
    programme,
    version,
    validFrom,
    JSON.stringify(rules),
  ]);
}

export function viewOf({ programme, versions, ...rest }: StoredProgramme): ProgrammeView {
  return {
    programme,
    municipality: tenantOf(programme),
    ...rest,
    versions: versions.map((one) => ({ ...one, rules: bodyOfRules(one.rules) })),
  };
}

const programmesMax = 1_000;

const columns = `
  select programme, name, first_day::text as "firstDay", last_day::text as "lastDay", last_grant_day::text as "lastGrantDay", history_open as "historyOpen", frozen,
    (select json_agg(json_build_object('version', version, 'validFrom', valid_from, 'rules', rules) order by version)
     from programme_rule r where r.programme = p.programme) as versions
  from programme p`;
