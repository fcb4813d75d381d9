import { inOnePacket, settled, type Statement } from '@points/database';
import type { Pool, QueryResult } from 'pg';

/**
 * begin, the tenancy, the statements and commit in one round trip. Takes the same tenancy as Database.transaction. A statement that
 * fails makes the commit a rollback.
 *
 * These statements go by key only. Their plans are made once per connection, maybe while the tables are still empty and a scan
 * looks cheap, and would be kept while the tables fill: so scans and hash joins are ruled out where they are planned.
 */
export async function pipelinedTransaction(
  pool: Pool,
  tenancy: { readonly setting: string },
  statements: readonly (Statement & { readonly values: readonly unknown[] })[],
): Promise<QueryResult[]> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    const results = await settled(
      inOnePacket(client, () => [
        client.query(begin),
        client.query({ ...settings, values: [tenancy.setting] }),
        ...statements.map(({ name, text, values }) => client.query({ name, text, values: [...values] })),
        client.query(commit),
      ]),
    );
    return results.slice(2, -1);
  } catch (error) {
    failure = error instanceof Error ? error : new Error('the database answered with something that is no error');
    throw error;
  } finally {
    client.release(failure);
  }
}

const begin = { name: 'begin', text: 'begin' };
const commit = { name: 'commit', text: 'commit' };
const settings = {
  name: 'pipelined_settings',
  text: `select set_config('app.tenant', $1, true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`,
};
