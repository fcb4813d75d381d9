import { tenants } from '@points/database';
import { points, programmeId, uuidv7, type Instant, type ProgrammeId } from '@points/kernel';
import { eventually, freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { prepareChainSession, sealNext } from '../chain/seal.js';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { Door } from '../post/door.js';
import type { DoorRequest } from '../post/request.js';
import { outstanding } from '../report/outstanding.js';
import { movements } from '../report/movements.js';
import type { Rules } from '../rules/programme.js';
import { migrations } from '../schema/migrations.js';
import { balanceAt } from '../statement/balance.js';
import { expiringWithin } from '../statement/expiring.js';
import { aHolder, anIssue, aRequest, aSpend, at, openProgramme } from '../testing/ledger-builders.js';
import { verifyDatabase } from '../verify/verify-database.js';
import type { ExtensionView, PostExtension } from './extension-bodies.js';
import { approveExtension, meantBy, orderExtension, readExtension, wouldExtend } from './extension-order.js';
import { RunExtensions } from './run-extensions.js';

/** Lots of 1 January 2018 with 100 days: usable through 11 April, 23:59:59.999 JST. */
const granted = at('2018-01-01T12:00:00+09:00');
const ordered = at('2018-04-01T12:00:00+09:00');
const lastMoment = at('2018-04-11T23:59:59.999+09:00');
const end = at('2018-04-12T00:00:00+09:00');
const laterEnd = at('2018-05-12T00:00:00+09:00');

describe('extending lots', () => {
  let fresh: FreshDatabase;
  let admin: pg.Client;
  let door: Door;
  let expiry: ExpireLots;
  let extensions: RunExtensions;
  let clock: Instant;
  let programme: ProgrammeId;
  let programmes = 0;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: () => clock });
    expiry = new ExpireLots(fresh.database, () => clock);
    extensions = new RunExtensions(fresh.database, door, () => clock);
    admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=ledger' });
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await door?.close();
    await expiry?.close();
    await fresh?.close();
  });
  beforeEach(async () => {
    clock = granted;
    programme = await aProgramme();
  });

  const aProgramme = (rules: Partial<Rules> = {}, lastDay: string | null = null) =>
    openProgramme(fresh.database, programmeId(`141305-x${++programmes}`), { rules, lastDay, historyOpen: false });
  const post = async (request: DoorRequest) => (await door.post([{ ...request, programme }]))[0]?.outcome;
  const inTx = <T>(work: Parameters<typeof fresh.database.transaction<T>>[1]) => fresh.database.transaction(tenants('141305'), work);
  const order = (body: Partial<PostExtension>, actor = 'clerk') => ({
    programme,
    ...meantBy({ reason: 'a flood', ...body }, clock),
    reason: 'a flood',
    actor,
    now: clock,
  });
  const wanted = (body: Partial<PostExtension>) => inTx((tx) => wouldExtend(tx, order(body)));
  const ask = async (body: Partial<PostExtension>): Promise<ExtensionView> => (await inTx((tx) => orderExtension(tx, order(body)))).body;
  const read = (extension: string) => inTx((tx) => readExtension(tx, programme, extension));
  const extend = async (body: Partial<PostExtension>): Promise<ExtensionView> => {
    const { extension } = await ask(body);
    await extensions.run();
    return read(extension);
  };
  const holderOf = (account: string) => account.slice('holder:'.length);
  const balance = (account: string, when: Instant = clock, knownAt: Instant | null = null) =>
    inTx((tx) => balanceAt(tx, programme, account, when, knownAt));
  const facts = () =>
    inTx((tx) =>
      tx.query(
        `select x.account, x.points::int as points, x.from_end as "from", x.to_end as "to", t.actor, t.reason, t.kind
         from extension x join transfer t on t.programme = x.programme and t.account = x.account and t.transfer = x.transfer
         where x.programme = $1 order by x.account, x.lot, x.to_end`,
        [programme],
      ),
    );
  /** Seals everything, so that the chain is checked too. */
  const wrongRows = async () => {
    const session = await fresh.database.session('chainer');
    try {
      await prepareChainSession(session);
      while (await sealNext(session, programme, clock));
    } finally {
      await session.end();
    }
    const found = [];
    for await (const one of verifyDatabase(admin, { programme, now: clock })) found.push(...one.findings.first);
    return found;
  };

  it('moves the ends of open lots and keeps who, why, when and from when to when', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 100));
    clock = ordered;

    const dry = await wanted({ lastDay: '2018-05-11' });
    const extended = await extend({ lastDay: '2018-05-11' });

    const touched = { lots: 1, points: 100, holders: 1 };
    expect(dry).toEqual({ dryRun: true, ...touched, alreadyLater: 0, needsApproval: false });
    expect(extended).toMatchObject({ state: 'done', expected: touched, extended: touched, lastDay: '2018-05-11', askedBy: 'clerk' });
    expect(await facts()).toEqual([
      { account: hanako, points: 100, from: new Date(end), to: new Date(laterEnd), actor: 'clerk', reason: 'a flood', kind: 'extend' },
    ]);
    clock = end;
    expect(await post(aSpend(hanako, 40))).toMatchObject({ status: 'posted', available: 60 });
    clock = at('2018-05-11T23:59:59.999+09:00');
    expect(await expiry.run(programme, clock)).toMatchObject({ lots: 0 });
    clock = laterEnd;
    expect(await post(aSpend(hanako, 1))).toMatchObject({ status: 'refused', code: 'lot-expired' });
    expect(await expiry.run(programme, clock)).toEqual({ lots: 1, points: 60, holders: 1 });
    expect(await wrongRows()).toEqual([]);
  });

  it('reaches a lot in its last millisecond, and does not revive one that has ended, whether its expiry is posted or not', async () => {
    const [hanako, taro] = [aHolder(), aHolder()];
    await post(anIssue(hanako, 100));
    clock = lastMoment;
    const inTime = await extend({ days: 30 });
    programme = await aProgramme();
    clock = granted;
    await post(anIssue(taro, 100));
    clock = lastMoment;
    const { extension } = await ask({ days: 30 });
    clock = end;
    await extensions.run();

    expect(inTime).toMatchObject({ extended: { lots: 1 } });
    expect(await read(extension)).toMatchObject({ state: 'done', expected: { lots: 1 }, extended: { lots: 0, points: 0, holders: 0 } });
    await expect(ask({ days: 30 })).rejects.toMatchObject({ code: 'nothing-to-extend' });
    expect(await expiry.run(programme, clock)).toMatchObject({ lots: 1, points: 100 });
  });

  it('takes the lots that match, never shortens, and says in a dry run what it then does', async () => {
    const [hanako, taro, jiro] = [aHolder(), aHolder(), aHolder()];
    await post(anIssue(hanako, 100));
    await post(aRequest(taro, { kind: 'issue', amount: 20, source: 'activity:radio', funding: 'free' }));
    clock = at('2018-03-01T12:00:00+09:00');
    await post(anIssue(jiro, 7));
    await post(anIssue(hanako, 5));
    await post(aRequest(hanako, { kind: 'hold', hold: uuidv7(), amount: 100, places: [] }));

    const bodies: Partial<PostExtension>[] = [
      { lastDay: '2018-05-01' },
      { days: 3, source: 'activity:*' },
      { days: 3, funding: 'paid' },
      { days: 3, endingFrom: '2018-04-12' },
      { days: 3, endingTo: '2018-05-07', funding: 'paid' },
      { days: 3, holders: [holderOf(taro), holderOf(jiro), uuidv7(), holderOf(taro)] },
    ];
    const seen = [];
    for (const body of bodies) {
      const { lots, points: sum, holders, alreadyLater, holdersAsked } = await wanted(body);
      const { extended } = await extend(body);
      expect(extended).toEqual({ lots, points: sum, holders });
      seen.push([lots, sum, holders, alreadyLater, holdersAsked]);
    }

    expect(seen).toEqual([
      [2, 120, 2, 2, undefined],
      [1, 20, 1, 0, undefined],
      [3, 112, 2, 0, undefined],
      [4, 132, 3, 0, undefined],
      [1, 100, 1, 0, undefined],
      [2, 27, 2, 0, 3],
    ]);
    expect(await wrongRows()).toEqual([]);
  });

  it('draws what ends first, by the new ends', async () => {
    const hanako = aHolder();
    await post(aRequest(hanako, { kind: 'issue', amount: 10, source: 'activity:radio', funding: 'free' }));
    clock = at('2018-01-02T12:00:00+09:00');
    await post(anIssue(hanako, 10));
    clock = ordered;
    await extend({ days: 30, source: 'activity:radio' });

    await post(aSpend(hanako, 10));

    expect(await balance(hanako)).toMatchObject({ lots: [{ source: 'activity:radio', remaining: 10, expiresAt: laterEnd }] });
  });

  it('tells of a past instant, and of what was known then, by the ends of that time', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 100));
    clock = ordered;
    await extend({ lastDay: '2018-05-11' });
    const [before, after] = [at('2018-04-01T11:59:59.999+09:00'), at('2018-04-20T00:00:00+09:00')];
    clock = after;

    const outstandingBy = (when: Instant, known: Instant | null) => inTx((tx) => outstanding(tx, programme, when, known, ['ending']));
    const expiredOf = async (known: Instant | null) =>
      (await inTx((tx) => movements(tx, programme, { from: at('2018-04-01T00:00:00+09:00'), to: after, knownAt: known }, ['month']))).total;
    expect(await balance(hanako, before)).toMatchObject({ posted: 100, lots: [{ expiresAt: end }] });
    expect(await balance(hanako, ordered)).toMatchObject({ posted: 100, lots: [{ expiresAt: laterEnd }] });
    expect(await balance(hanako, after)).toMatchObject({ posted: 100, lots: [{ expiresAt: laterEnd }] });
    expect(await balance(hanako, after, before)).toMatchObject({ posted: 0, lots: [] });
    expect(await balance(hanako, lastMoment, before)).toMatchObject({ posted: 100, lots: [{ expiresAt: end }] });
    expect(await outstandingBy(before, null)).toMatchObject({ rows: [{ ending: '2018-04', points: 100 }] });
    expect(await outstandingBy(after, null)).toMatchObject({ rows: [{ ending: '2018-05', points: 100 }] });
    expect(await outstandingBy(after, before)).toMatchObject({ total: { points: 0 } });
    expect(await expiredOf(null)).toMatchObject({ expired: 0, closing: 100 });
    expect(await expiredOf(before)).toMatchObject({ expired: 100, closing: 0 });
    const soon = await inTx((tx) => expiringWithin(tx, programme, null, clock, { within: 30, limit: 10 }));
    expect(soon.lines).toMatchObject([{ lastDay: '2018-05-11', available: 100 }]);
  });

  it('waits for a second person above what one may adjust alone', async () => {
    programme = await aProgramme({ adjustmentAlone: points(99) });
    const hanako = aHolder();
    await post(anIssue(hanako, 100));
    clock = ordered;
    const { extension, state } = await ask({ days: 30 });
    const approve = (actor: string) => inTx((tx) => approveExtension(tx, programme, extension, { actor, now: clock }));

    await extensions.run();
    expect(state).toBe('pending-approval');
    expect(await facts()).toEqual([]);
    await expect(approve('clerk')).rejects.toMatchObject({ code: 'same-person' });
    expect((await approve('head')).body).toMatchObject({ state: 'running', approvedBy: 'head' });
    await expect(approve('mayor')).rejects.toMatchObject({ code: 'already-approved' });
    await extensions.run();

    expect(await facts()).toMatchObject([{ actor: 'clerk+head', points: 100 }]);
    expect(await read(extension)).toMatchObject({ state: 'done', extended: { lots: 1 } });
  });

  it('does not touch what was granted after the order', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 100));
    clock = ordered;
    const { extension } = await ask({ days: 30 });
    clock = at('2018-04-01T12:00:00.001+09:00');
    await post(anIssue(hanako, 50));
    await extensions.run();

    expect(await read(extension)).toMatchObject({ state: 'done', extended: { lots: 1, points: 100 } });
  });

  it('waits through a freeze of the programme and goes on after it', async () => {
    await post(anIssue(aHolder(), 100));
    clock = ordered;
    const { extension } = await ask({ days: 30 });
    const freeze = (frozen: boolean) => admin.query('update programme set frozen = $2 where programme = $1', [programme, frozen]);

    await freeze(true);
    const { stopped } = await extensions.run();
    expect(stopped).toEqual([{ programme, extension, code: 'programme-frozen' }]);
    expect(await read(extension)).toMatchObject({ state: 'running', extended: { lots: 0 } });
    await freeze(false);
    await extensions.run();

    expect(await read(extension)).toMatchObject({ state: 'done', extended: { lots: 1 } });
  });

  it('goes on where it was when a run is killed, and extends nothing twice', async () => {
    const holders = Array.from({ length: 1_300 }, aHolder);
    await door.post(holders.map((holder) => ({ ...anIssue(holder, 3), programme })));
    clock = ordered;
    const { extension } = await ask({ days: 30 });
    const cut = async () => {
      await eventually(async () =>
        expect((await admin.query('select 1 from extension where programme = $1 limit 1', [programme])).rowCount).toBe(1),
      );
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
    };

    await Promise.all([cut(), extensions.run().catch(() => undefined)]);
    const halfway = await read(extension);
    await Promise.all([extensions.run(), new RunExtensions(fresh.database, door, () => clock).run()]);
    // As if the last thing that was lost were where the order goes on.
    await admin.query(`update extension_order set after_account = '', finished_at = null where programme = $1`, [programme]);
    await extensions.run();

    expect(halfway.extended.lots).toBeGreaterThan(0);
    expect(await read(extension)).toMatchObject({ state: 'done', extended: { lots: 1_300, points: 3_900, holders: 1_300 } });
    const { rows } = await admin.query<{ end: Date; lots: number }>(
      'select expires_at as end, count(*)::int as lots from lot where programme = $1 group by 1',
      [programme],
    );
    expect(rows).toEqual([{ end: new Date(laterEnd), lots: 1_300 }]);
    expect(await wrongRows()).toEqual([]);
  }, 60_000);

  it('races spends and an expiry without losing a point', async () => {
    const holders = Array.from({ length: 120 }, aHolder);
    await door.post(holders.map((holder) => ({ ...anIssue(holder, 10), programme })));
    clock = lastMoment;
    const { extension } = await ask({ days: 30 });
    // The clock of the other process is a millisecond ahead: for it every lot has ended.
    const late = new ExpireLots(fresh.database, () => end);

    const [run, spent] = await Promise.all([
      late.run(programme, end),
      door.post(holders.map((holder) => ({ ...aSpend(holder, 4), programme }))),
      extensions.run(),
    ]);
    await late.close();

    const { extended } = await read(extension);
    const posted = spent.filter(({ outcome }) => outcome.status === 'posted').length;
    const { rows } = await admin.query<{ left: number; living: number }>(
      `select sum(remaining)::int as left, count(*) filter (where expires_at = $2 and remaining > 0)::int as living from lot where programme = $1`,
      [programme, laterEnd],
    );
    expect(run.lots + extended.lots).toBe(120);
    expect(rows[0]?.living).toBe(extended.lots);
    expect((rows[0]?.left ?? 0) + run.points + 4 * posted).toBe(1_200);
    expect(await wrongRows()).toEqual([]);
  });

  it.each<[string, Partial<PostExtension>, string]>([
    ['both a day and a number of days', { lastDay: '2018-05-01', days: 1 }, 'lastDay'],
    ['neither', {}, 'lastDay'],
    ['a day that is over', { lastDay: '2017-12-31' }, 'lastDay'],
    ['a day past the calendar', { lastDay: '9999-12-31' }, 'lastDay'],
    ['days in the wrong order', { days: 1, endingFrom: '2018-05-02', endingTo: '2018-05-01' }, 'endingTo'],
  ])('refuses %s by name', (_, body, field) => {
    expect(() => order(body)).toThrow(
      expect.objectContaining({ code: 'invalid-request', facts: { errors: [expect.objectContaining({ field })] } }) as Error,
    );
  });

  it('refuses what reaches past the last day of the programme, and a frozen programme', async () => {
    programme = await aProgramme({}, '2018-12-31');
    await post(anIssue(aHolder(), 1));

    await expect(wanted({ lastDay: '2019-01-01' })).rejects.toMatchObject({ code: 'outside-period' });
    await admin.query('update programme set frozen = true where programme = $1', [programme]);
    await expect(wanted({ days: 1 })).rejects.toMatchObject({ code: 'programme-frozen' });
  });
});
