import { tenants } from '@points/database';
import { uuidv7 } from '@points/kernel';
import { eventually, freshDatabase, type FreshDatabase } from '@points/testing';
import { systemClock } from '../clock.js';
import { migrations } from '../schema/migrations.js';
import { balanceAt, balanceNow } from '../statement/balance.js';
import { aHolder, anIssue, aRequest, aSpend, at, kawasaki, openProgramme, tamana } from '../testing/ledger-builders.js';
import { Door } from './door.js';
import type { Completed, DoorRequest } from './request.js';

describe('the door', () => {
  let fresh: FreshDatabase;
  let door: Door;
  let other: Door;
  beforeAll(async () => {
    fresh = await freshDatabase('ledger', migrations);
    door = new Door({ database: fresh.database, now: systemClock });
    other = new Door({ database: fresh.database, now: systemClock });
    await openProgramme(fresh.database);
    await openProgramme(fresh.database, tamana, { historyOpen: false });
  });
  afterAll(async () => {
    await door?.close();
    await other?.close();
    await fresh?.close();
  });

  const post = async (request: DoorRequest, through = door): Promise<Completed['outcome']> => {
    const [completed] = await through.post([request]);
    if (!completed) throw new Error('no outcome');
    return completed.outcome;
  };
  /** Read both ways, which must agree. */
  const holding = (account: string) =>
    fresh.database.transaction(tenants('141305', '432067'), async (tx) => {
      const now = systemClock();
      const [kept, added] = [await balanceNow(tx, kawasaki, account, now), await balanceAt(tx, kawasaki, account, now)];
      expect(kept).toEqual(added);
      return kept;
    });
  const count = async (table: string, where = 'true', values: unknown[] = []) =>
    (
      await fresh.database.transaction(tenants('141305', '432067'), (tx) =>
        tx.query<{ n: number }>(`select count(*)::int as n from ${table} where ${where}`, values),
      )
    )[0]?.n;

  it('issues to a new holder and spends from the lot', async () => {
    const hanako = aHolder();

    expect(await post(anIssue(hanako, 1000))).toMatchObject({ status: 'posted', amount: 1000, balance: 1000, available: 1000 });
    expect(await post(aSpend(hanako, 300))).toMatchObject({ status: 'posted', amount: 300, balance: 700, available: 700 });

    expect(await holding(hanako)).toMatchObject({
      posted: 700,
      held: 0,
      available: 700,
      lots: [{ remaining: 700, source: 'partner:mobile-a' }],
    });
  });

  it('answers a repeated reference with the first outcome and books once', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 1000));
    const request = aSpend(hanako, 300);

    const first = await post(request);
    await post(aSpend(hanako, 100));
    const [again] = await other.post([{ ...request, actor: 'another', reason: 'forgotten' }]);

    expect(again).toMatchObject({ outcome: first, repeated: true });
    expect(await holding(hanako)).toMatchObject({ posted: 600 });
  });

  it('refuses a reference that comes again with other content, and books nothing', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 1000));
    const request = aSpend(hanako, 300);
    await post(request);

    expect(await post(aSpend(hanako, 301, { reference: request.reference }))).toMatchObject({
      status: 'refused',
      code: 'reference-reused',
    });
    expect(await post(aSpend(aHolder(), 300, { reference: request.reference }), other)).toMatchObject({
      status: 'refused',
      code: 'reference-reused',
    });
    expect(await holding(hanako)).toMatchObject({ posted: 700 });
  });

  it('gives a refusal again although it would be possible now', async () => {
    const hanako = aHolder();
    const request = aSpend(hanako, 300);
    const refused = await post(request);
    await post(anIssue(hanako, 1000));

    expect(await post(request)).toEqual(refused);
    expect(refused).toMatchObject({ code: 'insufficient-points', facts: { needed: 300, available: 0 } });
  });

  it('books one of ten equal requests that come through two doors at once', async () => {
    const hanako = aHolder();
    const issue = anIssue(hanako, 1000);

    const issued = await Promise.all(Array.from({ length: 10 }, (_, i) => post(issue, i % 2 ? door : other)));
    const spend = aSpend(hanako, 700);
    const spent = await Promise.all(Array.from({ length: 10 }, (_, i) => post(spend, i % 2 ? door : other)));

    expect(new Set([...issued, ...spent].map((one) => JSON.stringify(one))).size).toBe(2);
    expect(await holding(hanako)).toMatchObject({ posted: 300 });
    expect(await count('transfer', 'account = $1', [hanako])).toBe(2);
  });

  it('never spends more than there is, whoever asks how often through two doors', async () => {
    const holders = Array.from({ length: 5 }, aHolder);
    await door.post(holders.flatMap((holder) => [anIssue(holder, 60), anIssue(holder, 40)]));

    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => post(aSpend(holders[i % 5] ?? '', 7), i % 3 ? door : other)));

    expect(outcomes.filter((one) => one.status === 'posted')).toHaveLength(5 * 14);
    for (const holder of holders) expect(await holding(holder)).toMatchObject({ posted: 2, available: 2 });
    expect(await count('entry', 'true')).toBeGreaterThan(0);
    expect(await fresh.database.transaction(tenants('141305'), (tx) => tx.query('select sum(amount)::int as sum from entry'))).toEqual([
      { sum: 0 },
    ]);
  });

  it('transfers both ways through two doors at once without a deadlock', async () => {
    const give = await openProgramme(fresh.database, `141305-${uuidv7().slice(0, 8)}` as never, { rules: { transferAllowed: true } });
    const [a, b] = [aHolder(), aHolder()];
    await door.post([a, b].map((one) => anIssue(one, 1000, { programme: give })));

    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const [from, to] = i % 2 ? [a, b] : [b, a];
        return post(aRequest(from, { kind: 'transfer', amount: 10, to }, { programme: give }), i % 3 ? door : other);
      }),
    );

    expect(outcomes.every((one) => one.status === 'posted')).toBe(true);
    const [sums] = await fresh.database.transaction(tenants('141305'), (tx) =>
      tx.query(
        `select sum(balance)::int as balances, (select sum(remaining)::int from lot where programme = $1) as lots, (select sum(amount)::int from entry where programme = $1) as entries from account where programme = $1`,
        [give],
      ),
    );
    expect(sums).toEqual({ balances: 2000, lots: 2000, entries: 0 });
  });

  it('holds, captures in parts and releases the rest', async () => {
    const [hanako, hold] = [aHolder(), uuidv7()];
    await post(anIssue(hanako, 1000));

    expect(await post(aRequest(hanako, { kind: 'hold', hold, amount: 600, places: [] }))).toMatchObject({ balance: 1000, available: 400 });
    expect(await post(aSpend(hanako, 500))).toMatchObject({ code: 'insufficient-points', facts: { needed: 500, available: 400 } });
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 200, final: false, to: 'merchant:m' }))).toMatchObject({
      balance: 800,
      available: 400,
    });
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 500, final: true, to: 'merchant:m' }))).toMatchObject({
      code: 'hold-exceeded',
      facts: { needed: 500, available: 400 },
    });
    expect(await post(aRequest(hanako, { kind: 'capture', hold, amount: 100, final: true, to: 'merchant:m' }))).toMatchObject({
      balance: 700,
      available: 700,
    });
    expect(await post(aRequest(hanako, { kind: 'release', hold }))).toMatchObject({ code: 'hold-ended' });
    expect(await holding(hanako)).toMatchObject({ posted: 700, held: 0, available: 700 });
  });

  it('refunds in parts, to the lots that were drawn, and never above what was captured', async () => {
    const [hanako, hold] = [aHolder(), uuidv7()];
    await door.post([anIssue(hanako, 100), anIssue(hanako, 100)]);
    await post(aRequest(hanako, { kind: 'hold', hold, amount: 150, places: [] }));
    const capture = aRequest(hanako, { kind: 'capture', hold, amount: 150, final: true, to: 'merchant:m' });
    const refund = (amount: number) => post(aRequest(hanako, { kind: 'refund', of: capture.reference, amount }));

    // In one flush: a refund finds what was posted just before it.
    const [captured, refunded] = await door.post([capture, aRequest(hanako, { kind: 'refund', of: capture.reference, amount: 60 })]);

    expect([captured?.outcome, refunded?.outcome]).toMatchObject([{ balance: 50 }, { amount: 60, balance: 110 }]);
    expect(await holding(hanako)).toMatchObject({ lots: [{ remaining: 10 }, { remaining: 100 }] });
    expect(await refund(91)).toMatchObject({ code: 'refund-exceeds', facts: { needed: 91, available: 90 } });
    expect(await refund(90)).toMatchObject({ balance: 200 });
    expect(await refund(1)).toMatchObject({ code: 'refund-exceeds', facts: { needed: 1, available: 0 } });
    expect(await holding(hanako)).toMatchObject({ lots: [{ remaining: 100 }, { remaining: 100 }] });
    expect(await post(aRequest(aHolder(), { kind: 'refund', of: capture.reference, amount: 1 }))).toMatchObject({
      code: 'unknown-posting',
    });
  });

  it('sees a lot to its last millisecond and not beyond', async () => {
    const [hanako, taro] = [aHolder(), aHolder()];
    const granted = at('2018-01-01T12:00:00+09:00');
    await door.post([hanako, taro].map((one) => anIssue(one, 100, { effectiveAt: granted })));

    expect(await post(aSpend(hanako, 100, { effectiveAt: at('2018-04-11T23:59:59.999+09:00') }))).toMatchObject({ status: 'posted' });
    expect(await post(aSpend(taro, 100, { effectiveAt: at('2018-04-12T00:00:00+09:00') }))).toMatchObject({
      code: 'lot-expired',
      facts: { needed: 100, available: 0, expired: 100 },
    });
  });

  it('refuses a time of its own where history is closed, and a time to come', async () => {
    const hanako = aHolder();

    expect(await post(anIssue(hanako, 1, { programme: tamana, effectiveAt: at('2020-01-01T00:00:00Z') }))).toMatchObject({
      code: 'history-closed',
    });
    expect(await post(anIssue(hanako, 1, { effectiveAt: at('2999-01-01T00:00:00Z') }))).toMatchObject({ code: 'effective-in-future' });
    expect(await post(anIssue(hanako, 1, { effectiveAt: at('2016-12-31T14:59:59.999Z') }))).toMatchObject({ code: 'outside-period' });
    expect(await post(anIssue(hanako, 1, { effectiveAt: at('2016-12-31T15:00:00.000Z') }))).toMatchObject({ status: 'posted' });
  });

  it('refuses an unknown programme without a trace, so that it may be asked again when it is there', async () => {
    const later = `141305-later` as typeof kawasaki;
    const request = anIssue(aHolder(), 5, { programme: later });

    expect(await post(request)).toMatchObject({ code: 'unknown-programme' });
    await openProgramme(fresh.database, later);
    expect(await post(request)).toMatchObject({ status: 'posted' });
  });

  it('lets the others of a batch through when one runs into a bug', async () => {
    const [hanako, taro] = [aHolder(), aHolder()];
    const fine = anIssue(taro, 5);
    const broken = { ...fine, instruction: { ...fine.instruction, kind: 'unheard-of' } } as unknown as DoorRequest;
    const results = await door.settle([anIssue(hanako, 5), broken, anIssue(hanako, 6)]);

    expect(results[0]).toMatchObject({ outcome: { status: 'posted' } });
    expect(results[1]).toBeInstanceOf(Error);
    expect(results[2]).toMatchObject({ outcome: { status: 'posted', balance: 11 } });
    expect(await holding(hanako)).toMatchObject({ posted: 11 });
  });

  it('works on after its connections are cut', async () => {
    const hanako = aHolder();
    await post(anIssue(hanako, 5));
    await fresh.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%pipeline' and datname = current_database() and usename = current_user`,
    );

    const again = await eventually(() => post(anIssue(hanako, 5)));

    expect(again).toMatchObject({ status: 'posted', balance: 10 });
  });

  it('tells the outcome in the transaction of the posting to whoever asked by event', async () => {
    const hanako = aHolder();
    const request = anIssue(hanako, 5, { announce: { requester: 'exchange' } });

    await post(request);
    await post(request);

    const rows = await fresh.database.transaction(tenants('141305'), (tx) =>
      tx.query<{ requester: string; payload: string }>('select requester, payload from outbox where key = $1 order by id', [
        `${kawasaki}/${hanako}`,
      ]),
    );
    expect(rows.map((row) => row.requester)).toEqual(['exchange', 'exchange']);
    expect(rows[0]?.payload).toBe(rows[1]?.payload);
    expect(JSON.parse(rows[0]?.payload ?? '')).toMatchObject({
      reference: request.reference,
      kind: 'issue',
      outcome: { status: 'posted', amount: 5 },
    });
  });
});
