import { tenants } from '@points/database';
import { points, programmeId, uuidv7, type ProgrammeId } from '@points/kernel';
import { eventually, freshDatabase, type FreshDatabase } from '@points/testing';
import { systemClock } from '../clock.js';
import type { Rules } from '../rules/programme.js';
import { migrations } from '../schema/migrations.js';
import { aHolder, anIssue, aRequest, aSpend, at, openProgramme } from '../testing/ledger-builders.js';
import { Door } from './door.js';
import type { AnyRequest, Completed } from './request.js';

describe('batches, limits and debts at the door', () => {
  let fresh: FreshDatabase;
  let door: Door;
  let other: Door;
  let programmes = 0;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: systemClock });
    other = new Door({ database: fresh.database, now: systemClock });
  });
  afterAll(async () => {
    await door?.close();
    await other?.close();
    await fresh?.close();
  });

  const aProgramme = (rules: Partial<Rules> = {}) =>
    openProgramme(fresh.database, programmeId(`141305-b${++programmes}`), { rules, historyOpen: false });
  const one = async (request: AnyRequest, through = door) => (await through.postTogether({ requests: [request] }))[0]?.outcome;
  const codes = (completed: readonly Completed[]) =>
    completed.map(({ outcome }) => (outcome.status === 'posted' ? 'posted' : outcome.code));
  const rows = async (programme: ProgrammeId, table: string) =>
    (
      await fresh.database.transaction(tenants('141305'), (tx) =>
        tx.query<{ n: number }>(`select count(*)::int as n from ${table} where programme = $1`, [programme]),
      )
    )[0]?.n;
  const accountOf = async (programme: ProgrammeId, account: string) =>
    (
      await fresh.database.transaction(tenants('141305'), (tx) =>
        tx.query<object>('select balance::int, held::int, debt::int from account where programme = $1 and account = $2', [
          programme,
          account,
        ]),
      )
    )[0];

  it('carries an atomic batch out as a whole, each posting seeing the ones before it', async () => {
    const programme = await aProgramme({ transferAllowed: true });
    const [hanako, taro, hold] = [aHolder(), aHolder(), uuidv7()];

    const completed = await door.postTogether({
      atomic: true,
      requests: [
        anIssue(hanako, 100, { programme }),
        aRequest(hanako, { kind: 'hold', hold, amount: 40, places: [] }, { programme }),
        aRequest(hanako, { kind: 'capture', hold, amount: 30, final: true, to: 'merchant:m' }, { programme }),
        aRequest(hanako, { kind: 'transfer', amount: 70, to: taro }, { programme }),
        aSpend(taro, 70, { programme }),
      ],
    });

    expect(codes(completed)).toEqual(['posted', 'posted', 'posted', 'posted', 'posted']);
    expect(await accountOf(programme, hanako)).toEqual({ balance: 0, held: 0, debt: 0 });
    expect(await accountOf(programme, taro)).toEqual({ balance: 0, held: 0, debt: 0 });
  });

  it.each([false, true])(
    'looks again when an account comes into being while a batch waits for another one (dry run %s)',
    async (dryRun) => {
      const programme = await aProgramme();
      const [hanako, taro] = [aHolder(), aHolder()];
      await one(anIssue(hanako, 100, { programme }));
      const requests = [aSpend(hanako, 60, { programme }), aSpend(taro, 10, { programme })];
      let waiting: Promise<Completed[]> | undefined;

      // Another process, in the middle of a flush that touches Hanako and makes Taro's first grant.
      await fresh.database.transaction(tenants('141305'), async (tx) => {
        await tx.query('select from account where programme = $1 and account = $2 for no key update', [programme, hanako]);
        await tx.write(
          `insert into account (tenant, programme, account, balance, latest_at) values ('141305', $1, $2, 10, '2018-01-01T00:00:00Z')`,
          [programme, taro],
        );
        await tx.write(
          `insert into lot (tenant, programme, account, lot, priority, granted_at, usable_at, source, funding, rule_version, amount, remaining)
         values ('141305', $1, $2, $3, 0, '2018-01-01T00:00:00Z', '{}', 'partner:a', 'paid', 1, 10, 10)`,
          [programme, taro, uuidv7()],
        );
        waiting = door.postTogether({ atomic: true, dryRun, requests });
        await eventually(async () => {
          const [{ n } = { n: 0 }] = await tx.query<{ n: number }>(
            `select count(*)::int as n from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))`,
          );
          return n > 0;
        });
      });

      expect((await waiting)?.map(({ outcome }) => outcome)).toMatchObject([
        { status: 'posted', balance: 40 },
        { status: 'posted', balance: 0, available: 0 },
      ]);
    },
  );

  it('leaves nothing of an atomic batch behind when one posting is refused, and takes it when it is put right', async () => {
    const programme = await aProgramme();
    const [hanako, taro] = [aHolder(), aHolder()];
    await one(anIssue(hanako, 100, { programme }));
    const requests = [
      anIssue(taro, 50, { programme }),
      aSpend(hanako, 60, { programme }),
      aSpend(hanako, 60, { programme }),
      anIssue(taro, 1, { programme }),
    ];

    const refused = await door.postTogether({ atomic: true, requests });

    expect(codes(refused)).toEqual(['not-carried-out', 'not-carried-out', 'insufficient-points', 'not-carried-out']);
    expect(refused[2]?.outcome).toMatchObject({ facts: { needed: 60, available: 40 } });
    expect([await rows(programme, 'posting'), await rows(programme, 'transfer')]).toEqual([1, 1]);
    expect(await accountOf(programme, hanako)).toMatchObject({ balance: 100 });
    const right = requests.with(2, aSpend(hanako, 40, { programme, reference: requests[2]?.reference ?? '' }));
    expect(codes(await door.postTogether({ atomic: true, requests: right }))).toEqual(['posted', 'posted', 'posted', 'posted']);
    const again = await other.postTogether({ atomic: true, requests: right });
    expect(again.map((completed) => completed.repeated)).toEqual([true, true, true, true]);
    expect(await accountOf(programme, hanako)).toMatchObject({ balance: 0 });
  });

  it('keeps the others of a flush apart from what an atomic batch has undone', async () => {
    const programme = await aProgramme();
    const hanako = aHolder();
    await one(anIssue(hanako, 100, { programme }));

    const [before, batch, after] = await Promise.all([
      door.post([aSpend(hanako, 10, { programme })]),
      door.postTogether({ atomic: true, requests: [aSpend(hanako, 20, { programme }), aSpend(hanako, 500, { programme })] }),
      door.post([aSpend(hanako, 90, { programme })]),
    ]);

    expect(codes([...before, ...batch, ...after])).toEqual(['posted', 'not-carried-out', 'insufficient-points', 'posted']);
    expect(await accountOf(programme, hanako)).toMatchObject({ balance: 0 });
  });

  it('answers a dry run as it would be now and writes nothing', async () => {
    const programme = await aProgramme({ limits: [{ kind: 'budget', per: 'lifetime', points: points(100) }] });
    const [hanako, taro] = [aHolder(), aHolder()];
    const requests = [
      anIssue(hanako, 60, { programme }),
      aSpend(hanako, 20, { programme }),
      anIssue(taro, 60, { programme }),
      anIssue(taro, 40, { programme }),
    ];

    const dry = await door.postTogether({ requests, dryRun: true });

    expect(codes(dry)).toEqual(['posted', 'posted', 'cap-exceeded', 'posted']);
    expect(dry[1]?.outcome).toMatchObject({ balance: 40 });
    for (const table of ['account', 'posting', 'transfer', 'lot', 'counter'])
      expect([table, await rows(programme, table)]).toEqual([table, 0]);
    expect(codes(await door.postTogether({ requests }))).toEqual(codes(dry));
  });

  it('never grants more than a budget, whoever asks how often through two doors', async () => {
    const programme = await aProgramme({ limits: [{ kind: 'budget', per: 'lifetime', points: points(1_000), source: 'partner:*' }] });

    const completed = (
      await Promise.all(Array.from({ length: 150 }, (_, i) => (i % 2 ? door : other).post([anIssue(aHolder(), 9, { programme })])))
    ).flat();

    expect(codes(completed).filter((code) => code === 'posted')).toHaveLength(111);
    expect(completed.find(({ outcome }) => outcome.status === 'refused')?.outcome).toMatchObject({
      code: 'cap-exceeded',
      facts: { cap: 'budget/lifetime/partner:*', limit: 1000, used: 999, asked: 9 },
    });
  });

  it('counts what a holder is granted and how often he spends', async () => {
    const programme = await aProgramme({
      limits: [
        { kind: 'granted', per: 'lifetime', points: points(100) },
        { kind: 'uses', per: 'day', times: 2 },
      ],
    });
    const [hanako, taro] = [aHolder(), aHolder()];

    expect(
      codes(await door.post([anIssue(hanako, 60, { programme }), anIssue(hanako, 40, { programme }), anIssue(hanako, 1, { programme })])),
    ).toEqual(['posted', 'posted', 'cap-exceeded']);
    expect(codes(await other.post([anIssue(hanako, 1, { programme }), anIssue(taro, 100, { programme })]))).toEqual([
      'cap-exceeded',
      'posted',
    ]);
    expect(codes(await door.post([aSpend(hanako, 999, { programme }), aSpend(hanako, 1, { programme })]))).toEqual([
      'insufficient-points',
      'posted',
    ]);
    expect(codes(await other.post([aSpend(hanako, 1, { programme }), aSpend(hanako, 1, { programme })]))).toEqual([
      'posted',
      'velocity-exceeded',
    ]);
  });

  it('takes a grant back once, keeps the rest as a debt and lets the next grants pay it', async () => {
    const programme = await aProgramme({ reverseOfSpent: 'debt' });
    const hanako = aHolder();
    const grant = anIssue(hanako, 100, { programme });
    const reverse = (): AnyRequest => ({
      reference: `test:${uuidv7()}`,
      programme,
      account: hanako,
      instruction: { kind: 'reverse', of: grant.reference },
      actor: 'staff',
    });
    await door.post([grant, aSpend(hanako, 70, { programme })]);

    const reversal = reverse();
    const taken = await one(reversal);
    expect(taken).toMatchObject({ status: 'posted', amount: 30, owed: 70, balance: 0 });
    expect(await one(reversal, other)).toEqual(taken);
    expect(await accountOf(programme, hanako)).toEqual({ balance: 0, held: 0, debt: 70 });
    expect(await one(reverse(), other)).toMatchObject({ code: 'reverse-exceeds' });
    const [next, last] = [anIssue(hanako, 50, { programme }), anIssue(hanako, 50, { programme })];
    const paying = await one(next);
    expect(paying).toMatchObject({ status: 'posted', amount: 50, repaid: 50, balance: 0 });
    expect(await one(last)).toMatchObject({ status: 'posted', amount: 50, repaid: 20, balance: 30 });
    // Told again by another process, from the books alone.
    expect(await one(next, other)).toEqual(paying);
    expect(await one(grant)).not.toHaveProperty('repaid');
    expect(await accountOf(programme, hanako)).toEqual({ balance: 30, held: 0, debt: 0 });
    expect(
      await fresh.database.transaction(tenants('141305'), (tx) =>
        tx.query('select kind, sum(amount)::int as points from transfer where programme = $1 group by kind order by kind', [programme]),
      ),
    ).toEqual([
      { kind: 'issue', points: 200 },
      { kind: 'owe', points: 70 },
      { kind: 'repay', points: 70 },
      { kind: 'reverse', points: 30 },
      { kind: 'spend', points: 70 },
    ]);
  });

  it('lets nothing take effect in a fiscal year whose books are closed', async () => {
    const programme = await openProgramme(fresh.database, programmeId('141305-closed'));
    await fresh.database.transaction(tenants('141305'), (tx) =>
      tx.write(
        `insert into period_close (tenant, programme, fiscal_year, change, closed, holds_from, changed_at, actor, reason)
         values ('141305', $1, 2017, 1, true, '2018-06-01T00:00:00Z', '2018-06-01T00:00:00Z', 'clerk', 'year ended')`,
        [programme],
      ),
    );

    expect(await one(anIssue(aHolder(), 1, { programme, effectiveAt: at('2018-03-31T14:59:59.999Z') }))).toMatchObject({
      code: 'period-closed',
      facts: { day: '2018-03-31', fiscalYear: 2017 },
    });
    expect(await one(anIssue(aHolder(), 1, { programme, effectiveAt: at('2018-03-31T15:00:00Z') }))).toMatchObject({ status: 'posted' });
  });

  it('sees a grant of the same batch that it takes back', async () => {
    const programme = await aProgramme();
    const hanako = aHolder();
    const grant = anIssue(hanako, 100, { programme });
    const reverse: AnyRequest = {
      reference: `test:${uuidv7()}`,
      programme,
      account: hanako,
      instruction: { kind: 'reverse', of: grant.reference },
      actor: 'staff',
    };

    expect(codes(await door.postTogether({ requests: [grant, reverse, { ...reverse, reference: `test:${uuidv7()}` }] }))).toEqual([
      'posted',
      'posted',
      'reverse-exceeds',
    ]);
  });
});
