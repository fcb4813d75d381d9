import { tenants } from '@points/database';
import { parseInstant, uuidv7 } from '@points/kernel';
import { eventually, freshDatabase, quietLogger, type FreshDatabase } from '@points/testing';
import pg from 'pg';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import { migrations } from '../schema/migrations.js';
import { aHolder, anIssue, aSpend, kawasaki, openProgramme, tamana } from '../testing/ledger-builders.js';
import { verifyDatabase } from '../verify/verify-database.js';
import { Chainer } from './chainer.js';
import { checkProof, prove, readHead, type Proof } from './proof.js';
import { prepareChainSession, sealNext, waitingProgrammes } from './seal.js';

const sealedAt = parseInstant('2026-01-01T00:00:00Z');

describe('the chainer', () => {
  let fresh: FreshDatabase;
  let door: Door;
  let session: pg.Client;
  beforeEach(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: systemClock });
    session = await fresh.database.session('chainer');
    await prepareChainSession(session);
    await openProgramme(fresh.database);
  });
  afterEach(async () => {
    await session?.end();
    await door?.close();
    await fresh?.close();
  });

  const seal = () => sealNext(session, kawasaki, sealedAt);
  const count = async (table: string) => Number((await session.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]?.n);
  const findings = async () => {
    const found = [];
    for await (const { findings: one } of verifyDatabase(session)) found.push(...one.first);
    return found;
  };

  it('seals the rules with the first postings, then what is new, and then nothing', async () => {
    const hanako = aHolder();
    await door.post([anIssue(hanako, 1000)]);
    const first = await seal();
    await door.post([aSpend(hanako, 300), aSpend(hanako, 200), aSpend(hanako, 9999)]);

    expect(first).toMatchObject({ block: 1, transfers: 1, rules: 1, vanished: [] });
    expect(await seal()).toMatchObject({ block: 2, transfers: 2, rules: 0 });
    expect(await seal()).toBeUndefined();
    expect([await waitingProgrammes(session), await count('unsealed'), await count('seal')]).toEqual([[], 0, 3]);
    expect(await findings()).toEqual([]);
  });

  it('seals a transfer that commits after later ones were sealed', async () => {
    const [early, hanako] = [aHolder(), aHolder()];
    const late = await fresh.database.session('late');
    await late.query(`select set_config('app.tenant', '141305', false)`);
    await late.query('begin');
    // As the door writes it, but its commit takes long.
    const [transfer, lot, at] = [uuidv7(), uuidv7(), systemClock()];
    await late.query(`insert into account (tenant, programme, account, balance, latest_at) values ('141305', $1, $2, 7, $3)`, [
      kawasaki,
      early,
      at,
    ]);
    await late.query(
      `insert into lot (tenant, programme, account, lot, priority, granted_at, usable_at, source, funding, rule_version, amount, remaining)
       values ('141305', $1, $2, $3, 0, $4, '{}', 'staff:x', 'free', 1, 7, 7)`,
      [kawasaki, early, lot, at],
    );
    await late.query(
      `insert into transfer (tenant, programme, account, transfer, kind, counter, amount, effective_at, recorded_at, actor) values ('141305', $1, $2, $3, 'issue', 'issued:staff:x', 7, $4, $4, 'test')`,
      [kawasaki, early, transfer, at],
    );
    await late.query(
      `insert into entry (tenant, programme, account, effective_at, transfer, amount) values ('141305', $1, $2, $4, $3, 7), ('141305', $1, 'issued:staff:x', $4, $3, -7)`,
      [kawasaki, early, transfer, at],
    );
    await late.query(`insert into draw (tenant, programme, account, transfer, seq, lot, amount) values ('141305', $1, $2, $3, 0, $4, 7)`, [
      kawasaki,
      early,
      transfer,
      lot,
    ]);

    await door.post([anIssue(hanako, 1000)]);
    await door.post([aSpend(hanako, 300)]);
    const before = await seal();
    await late.query('commit');
    await late.end();
    const after = await seal();

    expect([before, after]).toMatchObject([{ transfers: 2 }, { transfers: 1 }]);
    expect(await findings()).toEqual([]);
  });

  it('queues nothing for a posting that was rolled back', async () => {
    const hanako = aHolder();
    await door.post([anIssue(hanako, 1000)]);
    await seal();
    const request = aSpend(hanako, 300);
    await door.post([request, request]);

    expect(await seal()).toMatchObject({ transfers: 1, vanished: [] });
    expect(await count('unsealed')).toBe(0);
  });

  it('seals more than a block holds in several', async () => {
    const holders = Array.from({ length: 3_000 }, aHolder);
    await door.post(holders.map((holder) => anIssue(holder, 10)));
    const [one, two, three] = [await seal(), await seal(), await seal()];

    expect(one).toMatchObject({ block: 1, isFull: true });
    expect((one?.transfers ?? 0) + (two?.transfers ?? 0)).toBe(3_000);
    expect(three).toBeUndefined();
    expect(await findings()).toEqual([]);
  });

  it('has one owner among several, and another one when that is gone', async () => {
    await openProgramme(fresh.database, tamana);
    const chainers = [1, 2].map(() => new Chainer({ database: fresh.database, now: systemClock, log: quietLogger(), tickMs: 10 }));
    try {
      for (const chainer of chainers) chainer.start();
      await eventually(() => {
        expect(chainers.map((one) => one.state).sort()).toEqual(['owner', 'standby']);
      });
      const holders = Array.from({ length: 40 }, aHolder);
      for (const holder of holders) await door.post([anIssue(holder, 10), anIssue(holder, 10, { programme: tamana })]);
      await eventually(async () => expect([await count('seal'), await count('unsealed')]).toEqual([80, 0]));

      const owner = chainers.find((one) => one.state === 'owner');
      await owner?.stop();
      await door.post(holders.map((holder) => aSpend(holder, 1)));
      await eventually(async () => expect([await count('seal'), await count('unsealed')]).toEqual([120, 0]));
      expect(chainers.map((one) => one.state).sort()).toEqual(['owner', 'stopped']);
    } finally {
      await Promise.all(chainers.map((one) => one.stop()));
    }
    expect(await findings()).toEqual([]);
  });

  it('goes on when a transfer vanished before it was sealed, and says which', async () => {
    const [hanako, taro] = [aHolder(), aHolder()];
    await door.post([anIssue(hanako, 1000)]);
    const admin = new pg.Client({ connectionString: fresh.adminUrl, options: '-c search_path=ledger -c session_replication_role=replica' });
    await admin.connect();
    await admin.query('delete from transfer');
    await admin.end();
    await door.post([anIssue(taro, 10)]);

    expect(await seal()).toMatchObject({ transfers: 1, vanished: [{ account: hanako }] });
    expect(await findings()).toMatchObject([
      { table: 'entry' },
      { table: 'entry' },
      { table: 'draw' },
      { table: 'posting' },
      { table: 'lot' },
      { table: 'lot' },
      { table: 'account' },
      {},
    ]);
  });

  describe('a proof', () => {
    const proofOf = (transfer: string, head?: number) =>
      fresh.database.transaction(tenants('141305'), (tx) => prove(tx, kawasaki, { transfer, ...(head !== undefined && { head }) }));
    const headOf = () => fresh.database.transaction(tenants('141305'), (tx) => readHead(tx, kawasaki));
    const postings: string[] = [];
    beforeEach(async () => {
      postings.length = 0;
      for (let block = 0; block < 9; block++) {
        const done = await door.post(Array.from({ length: 5 }, () => anIssue(aHolder(), 10)));
        postings.push(...done.map(({ outcome }) => (outcome.status === 'posted' ? outcome.posting : '')));
        await seal();
      }
    });

    it('of every transfer leads to the head, to an older head too, and survives JSON', async () => {
      const head = await headOf();
      for (const [place, posting] of postings.entries()) {
        const answer = await proofOf(posting);
        const older = await proofOf(posting, Math.floor(place / 5) + 1);
        if (!answer.ok || !older.ok) throw new Error('there is a proof');
        expect(checkProof(JSON.parse(JSON.stringify(answer.proof)) as Proof, head?.hash)).toEqual([]);
        expect(checkProof(older.proof)).toEqual([]);
        expect(older.proof.headers).toHaveLength(1);
      }
      expect(await proofOf(postings.at(-1) ?? '', 3)).toEqual({ ok: false, reason: 'head-too-old' });
      expect(await proofOf(uuidv7())).toEqual({ ok: false, reason: 'not-sealed-yet' });
    });

    it('fails when anything of it is changed', async () => {
      const answer = await proofOf(postings[7] ?? '');
      if (!answer.ok) throw new Error('there is a proof');
      const { proof } = answer;
      const [newest, ...others] = proof.headers;
      const forged: Proof[] = [
        { ...proof, leaf: proof.leaf.replace(',10,', ',11,') },
        { ...proof, transfer: uuidv7() },
        { ...proof, index: proof.index + 1 },
        { ...proof, path: proof.path.slice(1) },
        { ...proof, path: proof.path.map((_, place) => (place === 0 ? '0'.repeat(64) : (proof.path[place] ?? ''))) },
        { ...proof, headers: others },
        { ...proof, headers: [] },
        { ...proof, headers: proof.headers.map((one) => ({ ...one, sealedAt: '2026-01-01T00:00:00.001Z' })) },
        { ...proof, headers: newest ? [newest, ...others.slice(1)] : [] },
      ];

      expect(forged.map((one) => checkProof(one, newest?.hash).length > 0)).toEqual(forged.map(() => true));
      expect(checkProof(proof, '0'.repeat(64))).toHaveLength(1);
      expect(checkProof(proof, newest?.hash)).toEqual([]);
    });
  });
});
