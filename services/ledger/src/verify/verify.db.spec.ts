import { parseInstant, type ProgrammeId } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { prepareChainSession, sealNext, waitingProgrammes } from '../chain/seal.js';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import { migrations } from '../schema/migrations.js';
import { kawasaki, tamana } from '../testing/ledger-builders.js';
import { livedInProgramme } from '../testing/lived-in-ledger.js';
import type { Verified, VerifyOptions } from './check-books.js';
import { verifyDatabase } from './verify-database.js';

const sealedAt = parseInstant('2018-03-01T00:00:00Z');

/** What the command finds when somebody with the database's own powers has been at the books. */
describe('verify', () => {
  let fresh: FreshDatabase;
  let admin: pg.Client;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    const door = new Door({ database: fresh.database, now: systemClock });
    const session = await fresh.database.session('chainer');
    try {
      await prepareChainSession(session);
      // Several blocks of one programme, as in a life.
      const eachHundred = async () => {
        for (const programme of await waitingProgrammes(session)) await sealNext(session, programme, sealedAt);
      };
      await livedInProgramme({ database: fresh.database, door }, kawasaki, { seed: 4, steps: 200, eachHundred });
      await livedInProgramme({ database: fresh.database, door }, tamana, { seed: 5, steps: 200, moving: true, eachHundred });
    } finally {
      await door.close();
      await session.end();
    }
    admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=ledger' });
    await admin.connect();
  });
  afterAll(async () => {
    await admin?.end();
    await fresh?.close();
  });

  const verify = async (options: VerifyOptions & { programme?: ProgrammeId } = {}, client: pg.Client = admin): Promise<Verified[]> => {
    const found: Verified[] = [];
    for await (const one of verifyDatabase(client, options)) found.push(one);
    return found;
  };
  const firstOf = (all: readonly Verified[]) => all.flatMap((one) => one.findings.first)[0];

  /** Does it with all triggers and checks off, verifies, and puts everything back. */
  const tampered = async (...statements: string[]): Promise<Verified[]> => {
    const copy = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=ledger -c session_replication_role=replica' });
    await copy.connect();
    try {
      await copy.query('begin');
      let rows = 0;
      for (const statement of statements) rows += (await copy.query(statement)).rowCount ?? 0;
      expect(rows).toBeGreaterThanOrEqual(statements.length);
      const programme = statements.some((one) => one.includes(tamana)) ? tamana : kawasaki;
      return await verify({ programme }, notItsTransaction(copy));
    } finally {
      await copy.query('rollback');
      await copy.end();
    }
  };

  it('finds nothing wrong with a ledger in which everything has happened', async () => {
    const all = await verify();

    expect(all.map((one) => [one.programme, one.findings.first])).toEqual([
      [kawasaki, []],
      [tamana, []],
    ]);
    const [first] = all;
    expect(Object.keys(first?.totals ?? {}).sort()).toEqual([
      'adjust',
      'donate',
      'expire',
      'issue',
      'refund',
      'repay',
      'reverse',
      'spend',
      'transfer-in',
      'transfer-out',
    ]);
    expect(first?.unsealed).toBe(0);
    expect(first?.head?.number).toBeGreaterThan(1);
  });

  it('says the same to the service’s own role', async () => {
    const own = await fresh.database.session('verify');
    try {
      expect((await verify({}, own)).map((one) => one.findings.count)).toEqual([0, 0]);
    } finally {
      await own.end();
    }
  });

  const some = (table: string, where: string) => `ctid = (select ctid from ${table} where programme = '${kawasaki}' and ${where} limit 1)`;
  const moving = (where: string) => `ctid = (select ctid from lot where programme = '${tamana}' and ${where} limit 1)`;

  it.each<[string, string, string[]]>([
    ['the amount of an entry changed', 'entry', [`update entry set amount = amount + 1 where ${some('entry', `account like 'holder:%'`)}`]],
    [
      'the amount of a merchant’s entry changed',
      'entry',
      [`update entry set amount = amount + 1 where ${some('entry', `account like 'merchant:%'`)}`],
    ],
    ['an entry deleted', 'entry', [`delete from entry where ${some('entry', `account like 'merchant:%'`)}`]],
    [
      'a pair of entries inserted',
      'entry',
      [
        `insert into entry select tenant, programme, a, effective_at, '019a0000-0000-7000-8000-000000000000', n from (select * from transfer where ${some('transfer', 'true')}) t,
         lateral (values (t.account, 5), ('merchant:shop-1', -5)) as v (a, n)`,
      ],
    ],
    [
      'the amount of a transfer changed',
      'transfer',
      [`update transfer set amount = amount + 1 where ${some('transfer', `kind = 'spend'`)}`],
    ],
    [
      'the kind of a transfer changed',
      'transfer',
      [`update transfer set kind = 'convert' where ${some('transfer', `kind = 'spend' and hold is null`)}`],
    ],
    [
      'the effective time of a transfer changed, with its entries',
      'transfer',
      [
        `create temp table one on commit drop as select * from transfer where ${some('transfer', `kind = 'spend'`)}`,
        `update transfer t set effective_at = t.effective_at + interval '1 millisecond' from one where one.transfer = t.transfer`,
        `update entry e set effective_at = e.effective_at + interval '1 millisecond' from one where one.transfer = e.transfer`,
      ],
    ],
    ['the actor of a transfer changed', 'transfer', [`update transfer set actor = 'nobody' where ${some('transfer', 'true')}`]],
    [
      'a time of recording changed by a microsecond',
      'transfer',
      [`update transfer set recorded_at = recorded_at + interval '1 microsecond' where ${some('transfer', 'true')}`],
    ],
    ['a transfer deleted', 'transfer', [`delete from transfer where ${some('transfer', `kind = 'spend'`)}`]],
    [
      'a transfer deleted with all that belongs to it',
      'transfer',
      [
        `create temp table one on commit drop as select * from transfer where ${some('transfer', `kind = 'spend' and hold is null`)}`,
        'update account a set balance = a.balance + one.amount from one where (a.programme, a.account) = (one.programme, one.account)',
        'update lot l set remaining = l.remaining - d.amount from draw d, one where d.transfer = one.transfer and (l.programme, l.account, l.lot) = (d.programme, d.account, d.lot)',
        'delete from draw using one where draw.transfer = one.transfer',
        'delete from entry using one where entry.transfer = one.transfer',
        'delete from posting using one where posting.transfer = one.transfer',
        'delete from transfer using one where transfer.transfer = one.transfer',
      ],
    ],
    [
      'a transfer inserted with all that belongs to it, never sealed',
      'transfer',
      [
        `create temp table one on commit drop as select * from lot where ${some('lot', 'remaining > held')}`,
        `insert into transfer select tenant, programme, account, '019a0000-0000-7000-8000-000000000000', 'spend', 'merchant:shop-1', 1, granted_at, granted_at, null, null, null, 'nobody', null from one`,
        `insert into entry select tenant, programme, a, granted_at, '019a0000-0000-7000-8000-000000000000', n from one, lateral (values (account, -1), ('merchant:shop-1', 1)) as v (a, n)`,
        `insert into draw select tenant, programme, account, '019a0000-0000-7000-8000-000000000000', 0, lot, -1 from one`,
        'update lot l set remaining = l.remaining - 1 from one where l.lot = one.lot',
        'update account a set balance = balance - 1 from one where (a.programme, a.account) = (one.programme, one.account)',
      ],
    ],
    ['a draw changed', 'transfer', [`update draw set amount = amount - 1 where ${some('draw', 'amount < -1')}`]],
    [
      'a draw moved to another lot',
      'transfer',
      [
        `update draw d set lot = (select lot from lot l where l.account = d.account and l.lot <> d.lot limit 1) where ${some('draw', 'amount < 0')}`,
      ],
    ],
    ['a draw deleted', 'transfer', [`delete from draw where ${some('draw', 'amount < 0')}`]],
    [
      'a draw inserted',
      'transfer',
      [`insert into draw select tenant, programme, account, transfer, 99, lot, -1 from draw where ${some('draw', 'amount < 0')}`],
    ],
    [
      'a draw of no transfer inserted',
      'draw',
      [
        `insert into draw select tenant, programme, account, '019a0000-0000-7000-8000-000000000000', 0, lot, -1 from draw where ${some('draw', 'amount < 0')}`,
      ],
    ],
    [
      'what remains in a lot changed',
      'lot',
      [`update lot set remaining = remaining + 1 where ${some('lot', 'remaining + expired < amount')}`],
    ],
    ['what is held in a lot changed', 'lot', [`update lot set held = held + 1 where ${some('lot', 'remaining > held')}`]],
    ['the end of a lot changed', 'lot', [`update lot set expires_at = expires_at + interval '1 day' where ${some('lot', 'true')}`]],
    ['the end of a lot taken away', 'lot', [`update lot set expires_at = null where ${some('lot', 'true')}`]],
    [
      'the end of a lot that moves with use changed',
      'lot',
      [`update lot set expires_at = expires_at + interval '400 days' where ${moving('true')}`],
    ],
    [
      'the end of a lot that moves with use brought forward',
      'lot',
      [`update lot set expires_at = granted_at + interval '1 day' where ${moving('true')}`],
    ],
    [
      'the end of a lot that staff moved put back',
      'lot',
      [`update lot l set expires_at = x.from_end from extension x where x.lot = l.lot and x.${some('extension', 'true')}`],
    ],
    [
      'the end of a lot moved on, with an extension that nobody ordered',
      'extension',
      [
        `create temp table one on commit drop as select * from lot where ${some('lot', 'expires_at is not null and open')}`,
        `insert into extension select tenant, programme, account, lot, '019a0000-0000-7000-8000-000000000000', '019a0000-0000-7000-8000-000000000000', remaining, expires_at,
           expires_at + interval '1 day', granted_at, granted_at from one`,
        `update lot l set expires_at = l.expires_at + interval '1 day' from one where one.lot = l.lot`,
      ],
    ],
    [
      'an extension changed, and the lot with it',
      'transfer',
      [
        `create temp table one on commit drop as select * from extension x where ${some('extension', 'not exists (select from extension y where y.lot = extension.lot and y.to_end > extension.to_end)')}`,
        `update extension x set to_end = x.to_end + interval '1 day' from one where one.lot = x.lot and one.to_end = x.to_end`,
        `update lot l set expires_at = l.expires_at + interval '1 day' from one where one.lot = l.lot`,
      ],
    ],
    ['an extension deleted', 'transfer', [`delete from extension where ${some('extension', 'true')}`]],
    [
      'the end from which an extension began changed',
      'transfer',
      [`update extension set from_end = from_end - interval '1 day' where ${some('extension', 'true')}`],
    ],
    [
      'the order of an extension changed',
      'extension',
      [`update extension set extension = '019a0000-0000-7000-8000-000000000000' where ${some('extension', 'true')}`],
    ],
    ['the amount of a lot changed', 'lot', [`update lot set amount = amount + 1 where ${some('lot', 'true')}`]],
    ['the source of a lot changed', 'transfer', [`update lot set source = 'staff:nobody' where ${some('lot', 'true')}`]],
    [
      'a lot inserted',
      'lot',
      [
        `insert into lot (tenant, programme, account, lot, priority, granted_at, usable_at, source, funding, rule_version, amount, remaining)
      select tenant, programme, account, '019a0000-0000-7000-8000-000000000000', 0, granted_at, '{}', source, funding, rule_version, 5, 5 from lot where ${some('lot', 'true')}`,
      ],
    ],
    ['a lot deleted', 'lot', [`delete from lot where ${some('lot', 'true')}`]],
    ['what a hold has captured changed', 'hold', [`update hold set captured = captured + 1 where ${some('hold', 'captured < amount')}`]],
    ['a hold ended', 'hold', [`update hold set ended = true where ${some('hold', 'not ended')}`]],
    ['the parts of a hold changed', 'transfer', [`update hold set places = '{shop:other}' where ${some('hold', 'ended')}`]],
    ['a hold deleted', 'hold', [`delete from hold where ${some('hold', 'true')}`]],
    ['the balance of an account changed', 'account', [`update account set balance = balance + 1 where ${some('account', 'true')}`]],
    ['what an account holds changed', 'account', [`update account set held = held + 1 where ${some('account', 'balance > held')}`]],
    ['what has lapsed of an account changed', 'account', [`update account set lapsed = lapsed + 1 where ${some('account', 'true')}`]],
    ['the debt of an account changed', 'account', [`update account set debt = debt + 1 where ${some('account', 'true')}`]],
    ['an account deleted', 'account', [`delete from account where ${some('account', 'true')}`]],
    [
      'the outcome of a posting changed',
      'transfer',
      [`update posting set balance = balance + 1 where ${some('posting', 'transfer is not null')}`],
    ],
    [
      'the amount of a posting changed',
      'posting',
      [`update posting set amount = amount + 1 where ${some('posting', 'transfer is not null')}`],
    ],
    ['a posting deleted', 'transfer', [`delete from posting where ${some('posting', 'transfer is not null')}`]],
    [
      'a posting turned to another transfer',
      'posting',
      [`update posting set transfer = '019a0000-0000-7000-8000-000000000000' where ${some('posting', 'transfer is not null')}`],
    ],
    [
      'a version of the rules changed',
      'programme_rule',
      [`update programme_rule set rules = jsonb_set(rules, '{priority}', '7') where ${some('programme_rule', 'version = 2')}`],
    ],
    ['a version of the rules deleted', 'programme_rule', [`delete from programme_rule where ${some('programme_rule', 'version = 2')}`]],
    ['a block changed', 'block', [`update block set sealed_at = sealed_at + interval '1 second' where ${some('block', 'number = 1')}`]],
    [
      'a leaf of a block changed',
      'block',
      [`update block set leaves = set_byte(leaves, 40, get_byte(leaves, 40) # 1) where ${some('block', 'number = 1')}`],
    ],
    ['a block deleted', 'block', [`delete from block where ${some('block', 'number = 1')}`]],
    [
      'the last block deleted',
      'block',
      [`delete from block where programme = '${kawasaki}' and number = (select max(number) from block where programme = '${kawasaki}')`],
    ],
    ['a seal deleted', 'block', [`delete from seal where ${some('seal', 'true')}`]],
    ['the hash of a seal changed', 'transfer', [`update seal set hash = sha256('x') where ${some('seal', 'true')}`]],
  ])('finds %s', async (_, table, statements) => {
    const all = await tampered(...statements);

    expect(firstOf(all)?.table).toBe(table);
    expect(firstOf(all)?.expected).not.toBe(firstOf(all)?.found);
  });

  it('finds a chain that was made again from the start, by a head that was published', async () => {
    const [before] = await verify();

    const [same] = await verify({ head: before?.head?.hash ?? '' });
    const [other] = await verify({ head: '0'.repeat(64) });

    expect(same?.findings.first).toEqual([]);
    expect(other?.findings.first).toMatchObject([{ table: 'block', key: 'head', expected: expect.stringContaining('0000') as string }]);
  });
});

/** The verifier opens a transaction of its own; here it is to see what an open one has changed. */
function notItsTransaction(client: pg.Client): pg.Client {
  const query = client.query.bind(client) as (...parts: unknown[]) => Promise<unknown>;
  return {
    query: (...parts: unknown[]) =>
      typeof parts[0] === 'string' && /^(begin|rollback)/.test(parts[0])
        ? query(parts[0].startsWith('begin') ? 'savepoint verifying' : 'rollback to savepoint verifying')
        : query(...parts),
    // Only `query` is used.
  } as unknown as pg.Client;
}
