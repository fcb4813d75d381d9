import { everyTenant } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { inboxPruneRowsMax, pruneInbox } from './inbox.js';
import { messagingMigrations } from './migrations.js';

describe('pruning the inbox', () => {
  let fresh: FreshDatabase;
  let admin: pg.Client;
  beforeAll(async () => {
    fresh = await freshDatabase('catalog', messagingMigrations);
    admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=catalog' });
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await fresh?.close();
  });

  const receive = (count: number, days: number) =>
    admin.query(
      `insert into inbox (consumer, event_id, received_at) select 'c', gen_random_uuid(), now() - make_interval(days => $2) from generate_series(1, $1)`,
      [count, days],
    );
  const prune = () => fresh.database.transaction(everyTenant, pruneInbox);

  it('takes what can no longer be delivered again, a batch at a time, and leaves the rest', async () => {
    await receive(inboxPruneRowsMax + 3, 22);
    await receive(5, 20);

    expect([await prune(), await prune(), await prune()]).toEqual([inboxPruneRowsMax, 3, 0]);
    expect((await admin.query('select from inbox')).rowCount).toBe(5);
  });

  it('finds the oldest by an index, whatever lies in the table', async () => {
    await receive(20_000, 1);
    await receive(100, 30);
    await admin.query('analyze inbox');
    const { rows } = await admin.query<{ 'QUERY PLAN': string }>(
      `explain select ctid from inbox where received_at < now() - interval '21 days' order by received_at limit 100`,
    );

    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('inbox_received_at');
  });

  it('takes each row once when two processes prune', async () => {
    await prune();
    await receive(1_000, 40);

    expect((await Promise.all([prune(), prune()])).sort()).toEqual([0, 1_000]);
  });
});
