import type { ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { readAllByHash } from '../move/read-books.js';
import { linesOfTransfers } from '../report/book-lines.js';
import { pendingKeys } from '../roll-up/pending.js';
import { accountSums, movementSums } from '../roll-up/sums.js';
import type { Findings } from './findings.js';

/**
 * Makes the sums of a programme anew from all lines that they should know, those of the day and those of the month, and names every
 * row that is missing, left over or different.
 */
export async function checkRollUp(client: ClientBase, programme: ProgrammeId, findings: Findings): Promise<void> {
  await readAllByHash(client);
  for (const [table, text] of Object.entries(comparisons)) {
    const { rows } = await client.query<{ key: string[]; expected: string | null; found: string | null }>(text, [programme]);
    for (const { key, expected, found } of rows) findings.add(table, key, expected ?? 'no row: no line is there', found ?? 'none');
  }
}

/** Beyond these they are not even counted: the sums are made anew in any case. */
const differencesMax = 1_000;

const figures = (alias: string, count: string) =>
  `case when ${alias}.points is not null then 'points ' || ${alias}.points || ', ${count} ' || ${alias}.${count} end`;

const comparison = (table: string, sums: string, key: readonly string[], count: string): string => `
  with pending as materialized (${pendingKeys}),
  line as materialized (${linesOfTransfers(`select t.* from transfer t where t.programme = $1 and not exists (select from pending p where p.transfer = t.transfer)`)}),
  wanted as (${sums})
  select array[${key.map((one) => `${one}::text`).join(', ')}] as key, ${figures('w', count)} as expected, ${figures('r', count)} as found
  from wanted w full join (select * from ${table} where programme = $1) r using (${key.join(', ')})
  where w.points is distinct from r.points or w.${count} is distinct from r.${count}
  order by ${key.join(', ')} limit ${differencesMax}`;

const comparisons: Readonly<Record<string, string>> = {
  movement_roll_up: comparison(
    'movement_roll_up',
    movementSums('line'),
    ['grain', 'first_day', 'kind', 'source', 'funding', 'cohort', 'age', 'recorded'],
    'lines',
  ),
  account_roll_up: comparison('account_roll_up', accountSums('line'), ['account', 'grain', 'first_day'], 'entries'),
};
