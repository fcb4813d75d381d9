import { tenants } from '@points/database';
import { parseInstant, points, programmeId, uuidv7, type Instant, type ProgrammeId } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import type { DoorRequest } from '../post/request.js';
import { findProgramme } from '../programmes/programme-store.js';
import { ReleaseHolds } from '../release-holds/release-holds.js';
import { reportAt } from '../report/report.js';
import { expire } from '../rules/expire.js';
import type { Lot } from '../rules/lots.js';
import type { Movement } from '../rules/movement.js';
import type { Rules } from '../rules/programme.js';
import { migrations } from '../schema/migrations.js';
import { balanceAt } from '../statement/balance.js';
import { aHolder, anIssue, aRequest, aSpend, at, openProgramme } from '../testing/ledger-builders.js';
import { ExpireLots } from './expire-lots.js';

/** Granted on 1 January 2018, usable through 11 April, 23:59:59.999 JST. */
const granted = at('2018-01-01T12:00:00+09:00');
const lastMoment = at('2018-04-11T23:59:59.999+09:00');
const end = at('2018-04-12T00:00:00+09:00');

describe('expiry', () => {
  let fresh: FreshDatabase;
  let door: Door;
  let expiry: ExpireLots;
  let clock: Instant = systemClock();
  let programme: ProgrammeId;
  let programmes = 0;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: () => clock });
    expiry = new ExpireLots(fresh.database, () => clock);
  });
  afterAll(async () => {
    await door?.close();
    await expiry?.close();
    await fresh?.close();
  });
  beforeEach(() => {
    clock = systemClock();
  });

  const aProgramme = async (rules: Partial<Rules> = {}, historyOpen = true) =>
    (programme = await openProgramme(fresh.database, programmeId(`141305-p${++programmes}`), { rules, historyOpen }));
  const post = async (request: DoorRequest) => (await door.post([{ ...request, programme }]))[0]?.outcome;
  const balance = (holder: string, when: Instant = clock) =>
    fresh.database.transaction(tenants('141305'), (tx) => balanceAt(tx, programme, holder, when));
  const report = (when: Instant) =>
    fresh.database.transaction(tenants('141305'), async (tx) => {
      const found = await findProgramme(tx, programme);
      if (!found) throw new Error('no programme');
      return reportAt(tx, found, when);
    });
  const books = () =>
    fresh.database.transaction(tenants('141305'), (tx) =>
      tx.query(
        `select (select coalesce(sum(balance), 0)::int from account where programme = $1) as balance, (select coalesce(sum(held), 0)::int from account where programme = $1) as held,
           (select coalesce(sum(remaining), 0)::int from lot where programme = $1) as lots, (select coalesce(sum(held), 0)::int from lot where programme = $1) as reserved,
           (select coalesce(sum(amount), 0)::int from draw where programme = $1) as draws,
           (select coalesce(sum(amount), 0)::int from entry where programme = $1 and account like 'holder:%') as entries,
           (select coalesce(sum(amount), 0)::int from entry where programme = $1 and account = 'expired') as expired`,
        [programme],
      ),
    );

  it('takes what is left at the end of the lot, and nothing a millisecond before', async () => {
    await aProgramme();
    const hanako = aHolder();
    await post(anIssue(hanako, 1000, { effectiveAt: granted }));
    await post(aSpend(hanako, 300, { effectiveAt: lastMoment }));

    expect(await expiry.run(programme, lastMoment)).toEqual({ lots: 0, points: 0, holders: 0 });
    expect(await expiry.run(programme, end)).toEqual({ lots: 1, points: 700, holders: 1 });
    expect(await expiry.run(programme, clock)).toEqual({ lots: 0, points: 0, holders: 0 });

    expect(await books()).toEqual([{ balance: 0, held: 0, lots: 0, reserved: 0, draws: 0, entries: 0, expired: 700 }]);
    expect(await balance(hanako, lastMoment)).toMatchObject({ posted: 700 });
    expect(await balance(hanako, end)).toMatchObject({ posted: 0 });
  });

  it('gives the same answers and the same report whether it ran at once, late or not yet', async () => {
    const story = async (run: (when: 'at once' | 'late') => Promise<unknown>) => {
      await aProgramme();
      const [hanako, taro] = [aHolder(), aHolder()];
      await post(anIssue(hanako, 1000, { effectiveAt: granted }));
      await post(anIssue(taro, 500, { effectiveAt: at('2018-02-01T00:00:00+09:00') }));
      await post(aSpend(hanako, 100, { effectiveAt: lastMoment }));
      await run('at once');
      const refused = await post(aSpend(hanako, 100, { effectiveAt: end }));
      const other = await post(aSpend(taro, 100, { effectiveAt: end }));
      await run('late');
      if (other?.status !== 'posted') throw new Error('taro has points');
      return {
        refused,
        balance: other.balance,
        report: await report(at('2018-06-01T00:00:00+09:00')),
        at: await balance(taro, end).then(({ posted }) => posted),
      };
    };

    const [once, late, never] = [
      await story((when) => (when === 'at once' ? expiry.run(programme, end) : Promise.resolve())),
      await story((when) => (when === 'late' ? expiry.run(programme, clock) : Promise.resolve())),
      await story(() => Promise.resolve()),
    ];

    expect(once.refused).toMatchObject({ code: 'lot-expired', facts: { needed: 100, available: 0, expired: 900 } });
    expect(once.report).toMatchObject({
      issued: { points: 1500 },
      spent: { points: 200 },
      expired: { count: 2, points: 1300 },
      outstanding: { points: 0 },
    });
    expect(late).toEqual(once);
    expect(never).toEqual(once);
  });

  it('leaves held points alone, and the rule sees to them when the hold ends', async () => {
    await aProgramme();
    const [hanako, hold] = [aHolder(), uuidv7()];
    await post(anIssue(hanako, 1000, { effectiveAt: granted }));
    await post(aRequest(hanako, { kind: 'hold', hold, amount: 600, places: [] }, { effectiveAt: lastMoment }));

    expect(await expiry.run(programme, clock)).toEqual({ lots: 1, points: 400, holders: 1 });
    expect(await balance(hanako)).toMatchObject({ posted: 600, held: 600, available: 0 });
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 250, final: true, to: 'merchant:m' }))).toMatchObject({
      status: 'posted',
      balance: 0,
      available: 0,
    });

    expect(await books()).toEqual([{ balance: 0, held: 0, lots: 0, reserved: 0, draws: 0, entries: 0, expired: 750 }]);
    expect(await report(at('2999-01-01T00:00:00Z'))).toMatchObject({ spent: { points: 250 }, expired: { count: 1, points: 750 } });
  });

  it('lets a refund live on in a new lot where the programme says so', async () => {
    await aProgramme({ refundOfExpired: { kind: 'new-lot', days: 30 } });
    const hanako = aHolder();
    const spend = aSpend(hanako, 800, { effectiveAt: lastMoment });
    await post(anIssue(hanako, 1000, { effectiveAt: granted }));
    await post(spend);
    await expiry.run(programme, clock);

    expect(
      await post(aRequest(hanako, { kind: 'refund', of: spend.reference, amount: 500 }, { effectiveAt: at('2018-05-01T00:00:00+09:00') })),
    ).toMatchObject({ balance: 500, available: 500 });

    expect(await balance(hanako, at('2018-05-31T23:59:59.999+09:00'))).toMatchObject({
      posted: 500,
      lots: [{ remaining: 500, expiresAt: '2018-05-31T15:00:00.000Z', source: 'partner:mobile-a' }],
    });
    expect(await expiry.run(programme, clock)).toMatchObject({ points: 500 });
    expect(await books()).toEqual([{ balance: 0, held: 0, lots: 0, reserved: 0, draws: 0, entries: 0, expired: 700 }]);
  });

  it('takes nothing twice when two runs and postings meet', async () => {
    await aProgramme();
    const holders = Array.from({ length: 700 }, aHolder);
    await door.post(
      holders.flatMap((holder) =>
        [granted, at('2018-01-02T12:00:00+09:00')].map((effectiveAt) => ({ ...anIssue(holder, 10, { effectiveAt }), programme })),
      ),
    );
    const second = new ExpireLots(fresh.database, () => clock);

    const [one, two] = await Promise.all([
      expiry.run(programme, clock),
      second.run(programme, clock),
      door.post(holders.slice(0, 100).map((holder) => ({ ...anIssue(holder, 1), programme }))),
    ]);
    await second.close();

    expect(points(one.points + two.points)).toBe(14_000);
    expect(one.lots + two.lots).toBe(1_400);
    expect(await books()).toEqual([{ balance: 100, held: 0, lots: 100, reserved: 0, draws: 100, entries: 100, expired: 14_000 }]);
  });

  it('takes exactly what the rule says, of lots over, living, held in part, held whole, endless and empty', async () => {
    await aProgramme();
    const holders = Array.from({ length: 40 }, aHolder);
    const later = at('2018-01-20T12:00:00+09:00');
    for (const [n, holder] of holders.entries()) {
      await post(anIssue(holder, 100 + n, { effectiveAt: granted }));
      await post(anIssue(holder, 50, { effectiveAt: later }));
      if (n % 2 === 0) await post(aSpend(holder, 30 + 5 * n, { effectiveAt: lastMoment }));
      if (n % 3 === 0) await post(aRequest(holder, { kind: 'hold', hold: uuidv7(), amount: 10, places: [] }, { effectiveAt: lastMoment }));
    }
    const lots = await fresh.database.transaction(tenants('141305'), (tx) =>
      tx.query<Lot & { account: string; expiresAt: Date; remaining: string; held: string }>(
        `select account, lot, expires_at as "expiresAt", remaining, held from lot where programme = $1`,
        [programme],
      ),
    );
    const until = at('2018-04-20T00:00:00+09:00');
    const ruled = holders.flatMap((holder) =>
      expire(
        holder,
        lots
          .filter((lot) => lot.account === holder)
          .map((lot) => ({
            ...lot,
            expiresAt: at(lot.expiresAt.toISOString()),
            remaining: points(Number(lot.remaining)),
            held: points(Number(lot.held)),
          })),
        until,
        uuidv7,
      ),
    );
    const told = (
      of: Pick<Movement, 'account' | 'counter' | 'amount' | 'effectiveAt'> & { draws: readonly { lot: string; amount: number }[] },
    ) => JSON.stringify([of.account, of.counter, of.amount, of.effectiveAt, of.draws.map(({ lot, amount }) => [lot, amount])]);

    const run = await expiry.run(programme, until);

    const written = await fresh.database.transaction(tenants('141305'), (tx) =>
      tx.query<{ account: string; counter: string; amount: string; at: Date; lot: string; drawn: string }>(
        `select t.account, t.counter, t.amount, t.effective_at as at, d.lot, d.amount as drawn
         from transfer t join draw d using (programme, account, transfer) where t.programme = $1 and t.kind = 'expire'`,
        [programme],
      ),
    );
    expect(ruled.length).toBeGreaterThan(30);
    expect(run).toMatchObject({ lots: ruled.length, points: ruled.reduce((sum, one) => sum + one.amount, 0) });
    expect(
      written
        .map(({ account, counter, amount, at: time, lot, drawn }) =>
          told({
            account,
            counter,
            amount: points(Number(amount)),
            effectiveAt: at(time.toISOString()),
            draws: [{ lot, amount: Number(drawn) }],
          }),
        )
        .sort(),
    ).toEqual(ruled.map(told).sort());
    expect(await expiry.run(programme, until)).toEqual({ lots: 0, points: 0, holders: 0 });
  });

  it('gives a hold back at its time, effective at that time', async () => {
    await aProgramme({}, false);
    const [hanako, hold] = [aHolder(), uuidv7()];
    clock = parseInstant('2026-05-01T00:00:00Z');
    await post(anIssue(hanako, 100));
    await post(aRequest(hanako, { kind: 'hold', hold, amount: 60, places: [], expiresAt: at('2026-05-01T00:10:00Z') }));
    const holds = new ReleaseHolds(fresh.database, door, () => clock);

    clock = parseInstant('2026-05-01T00:09:59.999Z');
    const early = await holds.run();
    clock = parseInstant('2026-05-01T00:30:00Z');
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 60, final: true, to: 'merchant:m' }))).toMatchObject({
      code: 'hold-ended',
    });
    const released = await holds.run();
    const again = await holds.run();

    expect([early, released, again]).toEqual([0, 1, 0]);
    expect(await balance(hanako, at('2026-05-01T00:09:59.999Z'))).toMatchObject({ posted: 100, held: 60, available: 40 });
    expect(await balance(hanako, at('2026-05-01T00:10:00Z'))).toMatchObject({ posted: 100, held: 0, available: 100 });
  });
});
