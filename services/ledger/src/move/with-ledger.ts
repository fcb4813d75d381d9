import { Database } from '@points/database';
import { createLogger } from '@points/observability';
import type { Client } from 'pg';

/** A session on the ledger's schema for a command; `url` is that of any role that may read (and, for an import, write) it. */
export async function withLedger<T>(url: string, command: string, work: (client: Client) => Promise<T>): Promise<T> {
  const database = await Database.open({
    url,
    schema: 'ledger',
    applicationName: command,
    log: createLogger(command, 'silent'),
    poolMax: 1,
  });
  try {
    const client = await database.session(command);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  } finally {
    await database.close();
  }
}
