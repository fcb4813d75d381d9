import { tenants } from '@points/database';
import { parseInstant, programmeId, uuidv7, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { Door } from '../post/door.js';
import type { DoorRequest } from '../post/request.js';
import { updateProgramme } from '../programmes/programme-store.js';
import { migrations } from '../schema/migrations.js';
import { balanceAt } from '../statement/balance.js';
import { aHolder, anIssue, aRequest, aSpend, openProgramme } from '../testing/ledger-builders.js';
import { CloseProgrammes } from './close-programme.js';

/** As めいぶつチョイス of Kani closed: last day of use 30 September 2020. */
const kani = programmeId('212148-kani');

describe('the closing of a programme', () => {
  let fresh: FreshDatabase;
  let door: Door;
  let expiry: ExpireLots;
  let closing: CloseProgrammes;
  let clock: Instant = parseInstant('2020-06-01T00:00:00Z');
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: () => clock });
    expiry = new ExpireLots(fresh.database, () => clock);
    closing = new CloseProgrammes(fresh.database, () => clock);
    await openProgramme(fresh.database, kani, { rules: { expiry: { kind: 'none' } }, historyOpen: false });
    await fresh.database.transaction(tenants('212148'), (tx) =>
      updateProgramme(tx, {
        programme: kani,
        name: '可児市ポイント',
        lastDay: '2020-09-30' as never,
        lastGrantDay: '2020-08-31' as never,
        historyOpen: false,
      }),
    );
  });
  afterAll(async () => {
    await door?.close();
    await expiry?.close();
    await fresh?.close();
  });

  const post = async (request: DoorRequest) => (await door.post([{ ...request, programme: kani }]))[0]?.outcome;
  const set = (text: string) => (clock = parseInstant(text));
  const balance = (holder: string, at: Instant) => fresh.database.transaction(tenants('212148'), (tx) => balanceAt(tx, kani, holder, at));
  const warnings = () =>
    fresh.database.transaction(tenants('212148'), (tx) =>
      tx.query<{ payload: string }>('select payload::text as payload from outbox where type = $1 order by id', [
        'ledger.programme-closing.v1',
      ]),
    );

  it('warns once per number of days, ends grants before uses, keeps holds, and expires what remains at midnight', async () => {
    const [hanako, hold] = [aHolder(), uuidv7()];
    await post(anIssue(hanako, 1_000));

    set('2020-07-02T15:00:00Z');
    expect([await closing.run(), await closing.run()]).toEqual([
      { warnings: 1, lots: 0 },
      { warnings: 0, lots: 0 },
    ]);
    set('2020-08-31T15:00:00Z');
    expect(await post(anIssue(hanako, 1))).toMatchObject({ code: 'outside-period', facts: { day: '2020-09-01', lastDay: '2020-08-31' } });
    expect(await closing.run()).toEqual({ warnings: 1, lots: 0 });
    expect((await warnings()).map(({ payload }) => JSON.parse(payload) as object)).toMatchObject([
      {
        programme: kani,
        name: '可児市ポイント',
        daysLeft: 89,
        lastUseDay: '2020-09-30',
        expiresAt: '2020-09-30T15:00:00.000Z',
        outstanding: { holders: 1, points: 1000 },
      },
      { daysLeft: 29 },
    ]);

    set('2020-09-30T14:59:59.999Z');
    expect(await post(aSpend(hanako, 100))).toMatchObject({ status: 'posted' });
    await post(aRequest(hanako, { kind: 'hold', hold, amount: 300, places: [] }));
    set('2020-10-01T20:00:00Z');
    expect(await post(aSpend(hanako, 1))).toMatchObject({ code: 'outside-period' });
    expect(await closing.run()).toEqual({ warnings: 0, lots: 1 });
    expect(await closing.run()).toEqual({ warnings: 0, lots: 0 });
    expect(await expiry.run(kani, clock)).toMatchObject({ points: 600 });
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 250, final: true, to: 'merchant:m' }))).toMatchObject({
      status: 'posted',
      balance: 0,
    });

    expect(await balance(hanako, parseInstant('2020-09-30T14:59:59.999Z'))).toMatchObject({ posted: 900, held: 300 });
    expect(await balance(hanako, parseInstant('2020-09-30T15:00:00Z'))).toMatchObject({ posted: 300, held: 300, available: 0 });
    expect(await balance(hanako, clock)).toMatchObject({ posted: 0, held: 0 });
  });
});
