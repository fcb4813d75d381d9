import { tenants } from '@points/database';
import { jstDateOf, parseInstant, uuidv7 } from '@points/kernel';
import { freshDatabase } from '@points/testing';
import pg from 'pg';
import { migrations } from '../migrations.js';
import { giveBackAt, giveBackDaysUnlessTold } from '../rules/scheme-delivery.js';
import { createSchemeFiles } from './create-scheme-files.js';

const municipality = '141305';
const programme = `${municipality}-trial`;

it('asks schemes as before, and gives conversions that wait for one the whole time from now on', async () => {
  const fresh = await freshDatabase('exchange', migrations.slice(0, migrations.indexOf(createSchemeFiles)));
  const owner = new pg.Client(fresh.ownerUrl);
  try {
    await owner.connect();
    const conversions = ['waiting', 'done'].map((id) => [uuidv7(), municipality, programme, id, uuidv7()]);
    await fresh.database.transaction(tenants(municipality), async (tx) => {
      await tx.write(
        `insert into scheme (tenant, programme, scheme, name, endpoint, created_at, updated_at) values ($1, $2, 'bureka', 'x', 'http://x', now(), now())`,
        [municipality, programme],
      );
      for (const values of conversions)
        await tx.write(
          `insert into conversion (id, tenant, programme, conversion_id, reference, my_key_id, holder, scheme, points, requested_at, is_history, client, hold, state, receipt)
           values ($1, $2, $3, $4, $4, 'WH7KTXH4', $5, 'bureka', 1, now(), false, 'x', $5, case when $4 = 'done' then 'completed' else 'at-scheme' end, case when $4 = 'done' then 'R' end)`,
          values,
        );
    });

    await owner.query(
      `set search_path = exchange; begin; ${createSchemeFiles.up.replaceAll('{app}', new URL(fresh.url).username)}; commit`,
    );

    const [schemes, rows] = await fresh.database.transaction(tenants(municipality), async (tx) => [
      await tx.query('select delivery, give_back_after_days, endpoint from scheme'),
      await tx.query<{ conversion_id: string; held_at: Date | null; give_back_at: Date | null }>(
        'select conversion_id, delivery, held_at, give_back_at from conversion order by conversion_id',
      ),
    ]);
    expect(schemes).toEqual([{ delivery: 'api', give_back_after_days: giveBackDaysUnlessTold, endpoint: 'http://x' }]);
    const heldAt = rows[1]?.held_at;
    if (!heldAt) throw new Error('the waiting one has no time');
    expect(rows).toEqual([
      { conversion_id: 'done', delivery: 'api', held_at: null, give_back_at: null },
      {
        ...{ conversion_id: 'waiting', delivery: 'api', held_at: heldAt },
        give_back_at: new Date(giveBackAt(jstDateOf(parseInstant(heldAt.toISOString())), giveBackDaysUnlessTold)),
      },
    ]);
  } finally {
    await owner.end();
    await fresh.close();
  }
});
