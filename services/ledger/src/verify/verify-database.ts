import type { ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { readBooks } from '../move/read-books.js';
import { checkRollUp } from './check-roll-up.js';
import { checkBooks, type Verified, type VerifyOptions } from './check-books.js';

/** Verifies programmes of an open database one after the other, each in a transaction that sees one state and can change nothing. */
export async function* verifyDatabase(
  client: ClientBase,
  options: VerifyOptions & { programme?: ProgrammeId } = {},
): AsyncGenerator<Verified> {
  await client.query(`select set_config('app.tenant', '*', false), set_config('timezone', 'UTC', false)`);
  const { rows } = await client.query<{ programme: ProgrammeId }>(listProgrammes, [options.programme ?? null]);
  for (const { programme } of rows) {
    await client.query('begin isolation level repeatable read read only');
    try {
      const [clock] = (await client.query<{ now: Date }>('select now()')).rows;
      const verified = await checkBooks(readBooks(client, programme), { ...options, ...(clock && { now: clock.now.toISOString() }) });
      await checkRollUp(client, programme, verified.findings);
      yield verified;
    } finally {
      await client.query('rollback');
    }
  }
}

/** A programme whose own row is gone is still one. */
const listProgrammes = `
  select programme from (select programme from programme union select programme from account) as known
  where $1::text is null or programme = $1 order by programme`;
