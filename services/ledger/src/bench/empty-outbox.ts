import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

/** Takes rows out of the outbox in the rhythm of a relay: read, send, delete. Returns how to end it. */
export async function emptyOutbox(adminUrl: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  let isOpen = true;
  const running = (async () => {
    for (;;) {
      const isLast = !isOpen;
      const { rows } = await client.query<{ id: string }>(readRows);
      // In the place of the send to the broker.
      await pause(sendMs);
      if (rows.length > 0) await client.query({ ...deleteRows, values: [rows.map((row) => row.id)] });
      else if (isLast) break;
    }
    await client.end();
  })();
  return async () => {
    isOpen = false;
    await running;
  };
}

/** What a broker on the same machine takes for a send of some hundred messages. */
const sendMs = 4;
const readRows = {
  name: 'read_rows',
  text: 'select id, topic, key, type, event_id, tenant, requester, traceparent, payload from ledger.outbox order by id limit 1000',
};
const deleteRows = { name: 'delete_rows', text: 'delete from ledger.outbox where id = any ($1::bigint[])' };
