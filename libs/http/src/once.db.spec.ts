import { everyTenant, tenants, type Tx } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { answer, refusal, type Answer } from './answer.js';
import { fingerprintOf, type Cause } from './cause.js';
import { httpMigrations, once, pruneRequests } from './once.js';

const municipality = '141305';

function aCause(change: Partial<Cause> = {}): Cause {
  return {
    municipality,
    client: 'shop',
    scopes: new Set(),
    tenants: new Set([municipality]),
    idempotencyKey: 'k1',
    fingerprint: 'f1',
    operation: 'test',
    ...change,
  };
}

describe('an idempotent operation', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('catalog', [
      ...httpMigrations,
      { name: 'CreateEffect1763856000001', up: 'create table effect (text text not null); grant select, insert on effect to {app};' },
    ]);
  });
  afterAll(() => fresh.close());

  const effect = (tx: Tx, text: string) => tx.write('insert into effect (text) values ($1)', [text]);
  const effects = async (text: string) => (await fresh.database.pool.query('select 1 from effect where text = $1', [text])).rowCount;
  const run = (cause: Cause, work: (tx: Tx) => Promise<Answer>) =>
    fresh.database.transaction(tenants(municipality), (tx) => once(tx, cause, () => work(tx)));
  const pay = (text: string) => async (tx: Tx) => {
    await effect(tx, text);
    return answer(201, { text }, { location: `/${text}` });
  };

  it('answers a repeated key with the first answer and does it once', async () => {
    const cause = aCause({ idempotencyKey: 'repeat' });

    const first = await run(cause, pay('repeat'));
    const second = await run(cause, pay('repeat'));

    expect(first).toMatchObject({ status: 201, body: { text: 'repeat' } });
    expect(second).toMatchObject({
      status: 201,
      body: { text: 'repeat' },
      headers: { location: '/repeat', 'idempotency-replayed': 'true' },
    });
    expect(await effects('repeat')).toBe(1);
  });

  it('answers 422 to the same key with another body', async () => {
    await run(aCause({ idempotencyKey: 'other' }), pay('other'));

    await expect(run(aCause({ idempotencyKey: 'other', fingerprint: 'f2' }), pay('never'))).rejects.toMatchObject({
      status: 422,
      code: 'idempotency-key-reused',
    });
    expect(await effects('never')).toBe(0);
  });

  it('answers 409 while the first is in progress, and does it once in a crowd', async () => {
    const cause = aCause({ idempotencyKey: 'crowd' });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const first = run(cause, async (tx) => {
      await gate;
      return pay('crowd')(tx);
    });
    await fresh.database.transaction(tenants(municipality), (tx) => tx.query('select 1'));

    const others = Promise.allSettled(Array.from({ length: 3 }, () => run(cause, pay('crowd'))));
    const settled = await others;
    release();
    await first;

    expect(settled.map((one) => (one.status === 'rejected' ? (one.reason as { status: number }).status : 0))).toEqual([409, 409, 409]);
    expect(await effects('crowd')).toBe(1);
  });

  it('keeps nothing of work that failed, so the same key may try again', async () => {
    const cause = aCause({ idempotencyKey: 'failed' });
    await expect(
      run(cause, async (tx) => {
        await effect(tx, 'failed');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    expect(await run(cause, pay('failed'))).toMatchObject({ status: 201 });
    expect(await effects('failed')).toBe(1);
  });

  it('stores a refusal as the answer it is', async () => {
    const cause = aCause({ idempotencyKey: 'refused' });
    const refuse = () => Promise.resolve(refusal(422, 'out-of-stock', 'none left', { stock: 0 }));

    await run(cause, refuse);

    expect(await run(cause, pay('never'))).toMatchObject({
      status: 422,
      body: { code: 'out-of-stock', stock: 0 },
      headers: { 'content-type': 'application/problem+json' },
    });
  });

  it('keeps the keys of two clients and of two municipalities apart', async () => {
    await run(aCause({ idempotencyKey: 'apart' }), pay('apart'));
    await run(aCause({ idempotencyKey: 'apart', client: 'other' }), pay('apart'));
    await fresh.database.transaction(tenants('432067'), (tx) =>
      once(tx, aCause({ idempotencyKey: 'apart', municipality: '432067' }), () => pay('apart')(tx)),
    );

    expect(await effects('apart')).toBe(3);
  });

  it('forgets keys after their time', async () => {
    await run(aCause({ idempotencyKey: 'old' }), pay('old'));
    await fresh.database.transaction(everyTenant, (tx) => tx.query('select 1'));
    const admin = await import('pg').then(({ default: pg }) => new pg.Client({ connectionString: fresh.adminUrl }));
    await admin.connect();
    await admin.query(`update catalog.request set created_at = now() - interval '73 hours' where key = 'old'`);
    await admin.end();

    expect(await fresh.database.transaction(everyTenant, pruneRequests)).toBe(1);
    expect(await run(aCause({ idempotencyKey: 'old' }), pay('old'))).not.toHaveProperty('headers.idempotency-replayed');
  });
});

describe('the fingerprint of a request', () => {
  it('does not depend on the order of fields, and does on everything else', () => {
    const print = (url: string, body: unknown) => fingerprintOf('POST', url, body);

    expect(print('/a', { x: 1, y: { b: 1, a: 2 } })).toBe(print('/a', { y: { a: 2, b: 1 }, x: 1 }));
    expect(
      new Set([
        print('/a', { x: 1 }),
        print('/b', { x: 1 }),
        print('/a', { x: 2 }),
        print('/a', { x: '1' }),
        print('/a', undefined),
        print('/a', [1, 2]),
        print('/a', [2, 1]),
      ]).size,
    ).toBe(7);
  });
});
