import { everyTenant, type Tx } from '@points/database';
import { uuidv7, type Instant, type ProgrammeId } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { prepareChainSession, sealNext, waitingProgrammes } from '../chain/seal.js';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import { fiscalYear } from '../report/fiscal-year.js';
import { beginning, movements, type Dimension, type Period, type Way } from '../report/movements.js';
import { yearReport } from '../report/year-report.js';
import { migrations } from '../schema/migrations.js';
import { random } from '../simulate/random.js';
import { accountBalanceAt } from '../statement/account-statement.js';
import { aHolder, anIssue, aRequest, aSpend, at, kawasaki, tamana } from '../testing/ledger-builders.js';
import { livedInProgramme } from '../testing/lived-in-ledger.js';
import type { Finding } from '../verify/findings.js';
import { verifyDatabase } from '../verify/verify-database.js';
import { RollUp } from './roll-up.js';

const endless = '9999-01-01T00:00:00.000Z' as Instant;
const ways: readonly Way[] = [
  { from: 'sums', isWide: false },
  { from: 'lots', isWide: false },
  { from: 'lots', isWide: true },
];
const bys: readonly (readonly Dimension[])[] = [
  [],
  ['month'],
  ['month', 'source', 'funding'],
  ['cohort'],
  ['age', 'source'],
  ['month', 'cohort', 'funding'],
];

/** Of a ledger in which everything has happened: part of it rolled up, part sealed, part neither; expiries posted and not. */
describe('the roll-up', () => {
  let fresh: FreshDatabase;
  let admin: pg.Client;
  let chain: pg.Client;
  let door: Door;
  let rollUp: RollUp;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=ledger' });
    await admin.connect();
    chain = await fresh.database.session('chainer');
    await prepareChainSession(chain);
    door = new Door({ database: fresh.database, now: systemClock });
    rollUp = new RollUp(fresh.database);
  });
  afterAll(async () => {
    await door?.close();
    await chain?.end();
    await admin?.end();
    await fresh?.close();
  });

  const inTx = <T>(work: (tx: Tx) => Promise<T>) => fresh.database.transaction(everyTenant, work);
  const seal = async () => {
    for (const programme of await waitingProgrammes(chain)) await sealNext(chain, programme, at('2018-03-01T00:00:00Z'));
  };
  const places = async () => {
    const { rows } = await admin.query<{ unsealed: number; unrolled: number; rolled: number }>(`
      select (select coalesce(sum(cardinality(transfers)), 0)::int from unsealed) as unsealed,
        (select coalesce(sum(cardinality(transfers)), 0)::int from unrolled) as unrolled,
        (select coalesce(sum(lines), 0)::int from movement_roll_up where grain = 'day') as rolled`);
    return rows[0] ?? { unsealed: 0, unrolled: 0, rolled: 0 };
  };
  const findings = async (client: pg.Client = admin): Promise<Finding[]> => {
    const found: Finding[] = [];
    for await (const one of verifyDatabase(client)) found.push(...one.findings.first);
    return found;
  };

  /** Each figure of many periods, found in every way and, line by line, as it was known at the end of time. */
  const expectOneAnswer = async (programme: ProgrammeId, seed: number) => {
    const chance = random(seed);
    const day = () => `2017-${String(chance.whole(1, 12)).padStart(2, '0')}-${String(chance.whole(1, 28)).padStart(2, '0')}`;
    const time = () => (chance.chance(0.5) ? '00:00:00' : `${String(chance.whole(10, 23))}:30:00`);
    const periods = Array.from({ length: 4 }, (): Period => {
      const [from, to] = [at(`${day()}T${time()}+09:00`), at(`${day()}T${time()}+09:00`)].sort();
      return { from: from ?? beginning, to: to ?? endless, knownAt: null };
    });
    periods.push({ from: at('2016-12-15T00:00:00+09:00'), to: at('2018-01-01T00:00:00+09:00'), knownAt: null });
    for (const period of periods)
      for (const by of bys) {
        const known = await inTx((tx) => movements(tx, programme, { ...period, knownAt: endless }, by));
        for (const way of ways) expect([way, await inTx((tx) => movements(tx, programme, period, by, way))]).toEqual([way, known]);
      }
    const { from, to } = fiscalYear(2017);
    const [year, knownYear] = await inTx(async (tx) => [
      await yearReport(tx, programme, 2017, to, null),
      await yearReport(tx, programme, 2017, to, endless),
    ]);
    expect({ ...year, knownAt: null, from }).toEqual({ ...knownYear, knownAt: null, from });
    for (const account of [
      'merchant:shop-1',
      'fund:library',
      'issued:partner:mobile-a',
      'expired',
      'transfers:between-holders',
      'merchant:none',
    ])
      for (const instant of [at(`${day()}T10:00:00+09:00`), at(`${day()}T00:00:00+09:00`), endless])
        expect([account, await inTx((tx) => accountBalanceAt(tx, programme, account, instant, null))]).toEqual([
          account,
          await inTx((tx) => accountBalanceAt(tx, programme, account, instant, endless)),
        ]);
  };

  it.each<[ProgrammeId, number, boolean]>([
    [kawasaki, 11, false],
    [tamana, 12, true],
  ])(
    'and what it does not know yet are the lines of the books at every moment, in %s',
    async (programme, seed, moving) => {
      let hundreds = 0;
      const holders = await livedInProgramme({ database: fresh.database, door }, programme, {
        seed,
        steps: 400,
        moving,
        eachHundred: async () => {
          // Nothing sealed, all of it sealed, all of that rolled up, and from then on some in each place.
          if (++hundreds >= 2) await seal();
          if (hundreds >= 3) await rollUp.catchUp();
          await expectOneAnswer(programme, seed * 100 + hundreds);
        },
      });
      // History that comes late, to days and years that are rolled up, and points whose time is over while nobody has posted it.
      for (const holder of holders) {
        await door.post([
          anIssue(holder, 700, { programme, effectiveAt: at('2017-02-03T04:05:06Z') }),
          aSpend(holder, 3, { programme, effectiveAt: at('2017-10-01T00:00:00+09:00') }),
          anIssue(holder, 70, { programme, effectiveAt: at('2017-11-30T23:59:59.999+09:00') }),
          aRequest(
            holder,
            { kind: 'hold', hold: uuidv7(), amount: 5, places: ['shop:shop-1'] },
            { programme, effectiveAt: at('2017-12-01T00:00:00+09:00') },
          ),
        ]);
      }
      await expectOneAnswer(programme, seed);
      await seal();
      expect((await places()).unrolled).toBeGreaterThan(0);
      await expectOneAnswer(programme, seed + 1);
      await rollUp.catchUp();
      expect(await places()).toMatchObject({ unsealed: 0, unrolled: 0 });
      await expectOneAnswer(programme, seed + 2);
      expect(await findings()).toEqual([]);
    },
    120_000,
  );

  it('counts a line once when two do it at the same time, and when one is interrupted', async () => {
    const before = await places();
    const holder = aHolder();
    await door.post(Array.from({ length: 20 }, () => anIssue(holder, 10)));
    await seal();
    const interrupted = new Error('interrupted');
    await expect(
      fresh.database.transaction(everyTenant, async (tx) => {
        const half = new RollUp({ transaction: (_: unknown, work: (tx: Tx) => unknown) => work(tx) } as never);
        expect((await half.step()).transfers).toBe(20);
        throw interrupted;
      }),
    ).rejects.toBe(interrupted);
    expect(await places()).toEqual({ ...before, unrolled: 20 });

    const added = await Promise.all([rollUp.step(), new RollUp(fresh.database).step()]);

    expect(added.reduce((sum, one) => sum + one.transfers, 0)).toBe(20);
    expect(await places()).toEqual({ unsealed: 0, unrolled: 0, rolled: before.rolled + 20 });
    expect(await findings()).toEqual([]);
  });

  it.each([
    [
      'a sum of movements changed',
      'movement_roll_up',
      `update movement_roll_up set points = points + 1 where ctid = (select ctid from movement_roll_up limit 1)`,
    ],
    [
      'a count of lines changed',
      'movement_roll_up',
      `update movement_roll_up set lines = lines + 1 where ctid = (select ctid from movement_roll_up limit 1)`,
    ],
    [
      'a sum of movements deleted',
      'movement_roll_up',
      `delete from movement_roll_up where ctid = (select ctid from movement_roll_up where grain = 'month' limit 1)`,
    ],
    [
      'a sum of movements of which there is no line',
      'movement_roll_up',
      `insert into movement_roll_up (tenant, programme, grain, first_day, kind, source, funding, cohort, age, recorded, points, lines)
       select tenant, programme, grain, first_day, kind, 'invented', funding, cohort, age, recorded, points, lines from movement_roll_up limit 1`,
    ],
    [
      'a sum of an account changed',
      'account_roll_up',
      `update account_roll_up set points = points - 1 where ctid = (select ctid from account_roll_up limit 1)`,
    ],
    [
      'a transfer counted that waits still',
      'movement_roll_up',
      `insert into unrolled (tenant, programme, accounts, effective_at, transfers)
       select tenant, programme, array[account], array[effective_at], array[transfer] from transfer where kind = 'spend' limit 1`,
    ],
  ])('names %s when it is verified', async (_, table, statement) => {
    const expectedKey = (finding?: Finding) => finding?.table;
    await admin.query('begin');
    try {
      expect((await admin.query(statement)).rowCount).toBe(1);
      const inside = {
        query: (text: string | object, values?: unknown[]) => (isTransaction(text) ? { rows: [] } : admin.query(text as string, values)),
      };
      expect(expectedKey((await findings(inside as never))[0])).toBe(table);
    } finally {
      await admin.query('rollback');
    }
  });
});

/** The tampered rows are to be seen in the transaction that wrote them. */
function isTransaction(text: string | object): boolean {
  return typeof text === 'string' && /^(begin|commit|rollback)/.test(text);
}
