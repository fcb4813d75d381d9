import { tenants } from '@points/database';
import { parseInstant, points, programmeId, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { Door } from '../post/door.js';
import { migrations } from '../schema/migrations.js';
import { aHolder, anIssue, aSpend, openProgramme } from '../testing/ledger-builders.js';
import { pruneCounters } from './prune-counters.js';

describe('counters of velocity limits', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
  });
  afterAll(() => fresh?.close());

  it('go two days after their period, and those of grants stay', async () => {
    let clock: Instant = parseInstant('2020-04-01T14:59:59Z');
    const door = new Door({ database: fresh.database, now: () => clock });
    const programme = await openProgramme(fresh.database, programmeId('141305-pruned'), {
      historyOpen: false,
      rules: {
        limits: [
          { kind: 'uses', per: 'minute', times: 5 },
          { kind: 'uses', per: 'day', times: 5 },
          { kind: 'granted', per: 'day', points: points(500) },
        ],
      },
    });
    const hanako = aHolder();
    await door.post([anIssue(hanako, 10, { programme }), aSpend(hanako, 1, { programme })]);
    await door.close();
    const kept = () =>
      fresh.database.transaction(tenants('141305'), (tx) =>
        tx.query<{ key: string }>('select key from counter where programme = $1 order by key', [programme]),
      );

    clock = parseInstant('2020-04-03T14:59:59.999Z');
    expect(await pruneCounters(fresh.database, clock)).toBe(0);
    clock = parseInstant('2020-04-03T15:00:00Z');
    expect(await pruneCounters(fresh.database, clock)).toBe(2);
    expect(await kept()).toEqual([{ key: 'granted/day' }]);
  });
});
