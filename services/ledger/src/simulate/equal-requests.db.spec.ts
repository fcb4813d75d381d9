import { everyTenant } from '@points/database';
import { points, uuidv7 } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import fc from 'fast-check';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import type { DoorRequest } from '../post/request.js';
import { migrations } from '../schema/migrations.js';
import { aHolder, anIssue, aRequest, aSpend, openProgramme } from '../testing/ledger-builders.js';

describe('equal requests', () => {
  let fresh: FreshDatabase;
  let doors: Door[];
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    await openProgramme(fresh.database);
    doors = [0, 1].map(() => new Door({ database: fresh.database, now: systemClock }));
  });
  afterAll(async () => {
    for (const door of doors ?? []) await door.close();
    await fresh?.close();
  });

  it('have one effect and one answer, in whatever order, number and company they come through two doors', async () => {
    // A list of (which request, which door): the same wish comes once to six times.
    const arrivals = fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 6, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(arrivals, async (order) => {
        const holder = aHolder();
        const hold = uuidv7();
        await doors[0]?.post([anIssue(holder, 1_000)]);
        // None of these takes the others' points, so each has one right answer but for the balance, which tells what came before.
        const wishes: DoorRequest[] = [
          anIssue(holder, 7),
          aSpend(holder, 11),
          aSpend(holder, 13),
          aRequest(holder, { kind: 'hold', hold, amount: points(17), places: [] }),
          aRequest(holder, { kind: 'donate', amount: points(19), to: 'fund:forest', places: [] }),
          aRequest(holder, { kind: 'refund', of: 'test:nothing', amount: points(1) }),
        ];
        const all = [...order, ...wishes.map((_, index) => [index, true] as const)];

        const results = await Promise.all(
          all.map(async ([wish, first]) => [wish, await doors[first ? 0 : 1]?.post([wishes[wish] as DoorRequest])] as const),
        );

        for (const [index] of wishes.entries()) {
          const answers = results.filter(([wish]) => wish === index).map(([, completed]) => completed?.[0]);
          expect(new Set(answers.map((one) => JSON.stringify([one?.outcome, one?.completedAt]))).size).toBe(1);
          expect(answers.filter((one) => one?.repeated === false)).toHaveLength(1);
        }
        const [row] = await fresh.database.transaction(everyTenant, (tx) =>
          tx.query(
            'select balance::int, held::int, (select count(*)::int from transfer t where t.account = a.account) as transfers from account a where account = $1',
            [holder],
          ),
        );
        expect(row).toEqual({ balance: 1_000 + 7 - 11 - 13 - 19, held: 17, transfers: 6 });
      }),
      { numRuns: 25 },
    );
  });
});
