import type { Tx } from '@points/database';
import { decided, type Decision, type Outcome } from '../rules/decision.js';
import { decisionOf, wordArrays, wordColumns, type WordRow } from './word.js';

/** What the ledger told about one row. */
export interface Told {
  readonly tenant: string;
  readonly id: string;
  readonly outcome: Outcome;
}

/** Tables whose rows are decided by one posting. */
type Table = 'donation' | 'activity_grant' | 'cancellation';

/** Writes the ledger's word to rows that still wait for it. Answers the rows that this word has changed. */
export async function conclude(tx: Tx, table: Table, told: readonly Told[]): Promise<(Told & { decision: Decision })[]> {
  if (told.length === 0) return [];
  const rows = await tx.query<WordRow & { id: string }>(lockRows(table), [told.map((one) => one.tenant), told.map((one) => one.id)]);
  const before = new Map(rows.map((row) => [row.id, decisionOf(row)]));
  const changed: (Told & { decision: Decision })[] = [];
  for (const one of told) {
    const decision = before.get(one.id);
    if (!decision) throw new Error(`the ledger told about a ${table} that is not here`);
    const after = decided(decision, one.outcome);
    if (after === decision) continue;
    before.set(one.id, after);
    changed.push({ ...one, decision: after });
  }
  if (changed.length)
    await tx.write(writeWords(table), [
      changed.map((one) => one.tenant),
      changed.map((one) => one.id),
      ...wordArrays(changed.map((one) => one.decision)),
    ]);
  return changed;
}

// Ordered, so that two batches over the same rows queue up instead of deadlocking.
const lockRows = (table: Table) => ({
  name: `lock_${table}`,
  text: `
    select id, ${wordColumns} from ${table}
    where (tenant, id) in (select * from unnest($1::text[], $2::uuid[])) order by tenant, id for update`,
});

const writeWords = (table: Table) => ({
  name: `write_${table}`,
  text: `
    update ${table} as t set state = told.state, posting = told.posting, refusal_code = told.refusal_code,
      refusal_detail = told.refusal_detail, refusal_facts = told.refusal_facts, decided_at = now()
    from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[])
      as told (tenant, id, ${wordColumns})
    where t.tenant = told.tenant and t.id = told.id`,
});
