import { randomUUID } from 'node:crypto';
import { everyTenant, tenants, type Database, type Tx } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { changeMyKeyId } from './change-my-key-id.js';
import { findHolder } from './find-holder.js';
import { registerHolders, registerNewHolder } from './register-holders.js';
import { republishHolders } from './republish-holders.js';

const [kawasaki, fukuroi] = ['141305', '222160'];
const now = new Date('2018-02-28T00:00:00.000Z');

describe('holders', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeEach(async () => {
    fresh = await freshDatabase('identity', migrations);
    database = fresh.database;
  });
  afterEach(() => fresh.close());

  const at = <T>(municipality: string, work: (tx: Tx) => Promise<T>) => database.transaction(tenants(municipality), work);
  const register = (municipality: string, ...myKeyIds: string[]) =>
    at(municipality, (tx) => registerHolders(tx, municipality, myKeyIds, now));
  const told = () =>
    database.transaction(everyTenant, async (tx) =>
      (await tx.query<{ payload: string }>('select payload from outbox order by id')).map(
        (row) => JSON.parse(row.payload) as { holder: string; myKeyId: string },
      ),
    );
  const holderOf = async (municipality: string, myKeyId: string) => {
    const [one] = await register(municipality, myKeyId);
    if (!one || one.state === 'retired') throw new Error('expected a holder');
    return one.holder;
  };

  it('keep one id for one My Key ID, whichever municipality registers it', async () => {
    const [first] = await register(kawasaki, '8UGYA6UY');
    const [second] = await register(fukuroi, '8UGYA6UY');

    expect(first).toMatchObject({ state: 'created', myKeyId: '8UGYA6UY' });
    expect(second).toEqual({ ...first, state: 'known' });
  });

  it('are one person when two municipalities register the same My Key ID at the same moment', async () => {
    const answers = await Promise.all(
      [kawasaki, fukuroi, kawasaki, fukuroi].map((municipality) => register(municipality, 'AAAA2222', 'BBBB3333')),
    );

    const ids = answers.map((one) => one.map((holder) => holder.state !== 'retired' && holder.holder).join());
    expect(new Set(ids).size).toBe(1);
    expect(answers.flat().filter((one) => one.state === 'created')).toHaveLength(2);
    await database.transaction(everyTenant, async (tx) =>
      expect(await tx.query('select count(*)::int as n from holder')).toEqual([{ n: 2 }]),
    );
  });

  it('are told to the other services when they are new to a municipality, and not when nothing is new', async () => {
    const holder = await holderOf(kawasaki, '8UGYA6UY');
    await register(kawasaki, '8UGYA6UY');
    await register(fukuroi, '8UGYA6UY');

    expect(await told()).toEqual([1, 2].map(() => ({ holder, myKeyId: '8UGYA6UY', registeredAt: '2018-02-28T00:00:00.000Z' })));
  });

  it('are registered in bulk, each once, in the order of the request', async () => {
    const first = await holderOf(kawasaki, 'CCCC4444');

    const bulk = await register(kawasaki, 'DDDD5555', 'CCCC4444', 'DDDD5555', 'BBBB3333');

    expect(bulk.map((one) => [one.myKeyId, one.state])).toEqual([
      ['DDDD5555', 'created'],
      ['CCCC4444', 'known'],
      ['BBBB3333', 'created'],
    ]);
    expect(bulk[1]).toMatchObject({ holder: first });
  });

  it('get a My Key ID of readable characters when they have none', async () => {
    const made = await at(kawasaki, (tx) => registerNewHolder(tx, kawasaki, now));

    expect(made.myKeyId).toMatch(/^[2-9A-HJ-NP-Z]{8}$/);
    expect(await at(kawasaki, (tx) => findHolder(tx, kawasaki, made.myKeyId))).toEqual(made);
  });

  it('change to a wished My Key ID; the old one finds them and is never given again', async () => {
    const holder = await holderOf(kawasaki, '8UGYA6UY');

    const changed = await at(kawasaki, (tx) => changeMyKeyId(tx, holder, 'hanako01', now));

    expect(changed).toMatchObject({ ok: true, value: { myKeyId: 'hanako01' } });
    expect(await at(kawasaki, (tx) => findHolder(tx, kawasaki, '8UGYA6UY'))).toEqual({ holder, myKeyId: 'hanako01' });
    expect(await register(kawasaki, '8UGYA6UY')).toEqual([{ state: 'retired', myKeyId: '8UGYA6UY' }]);
    expect((await told()).map((one) => one.myKeyId)).toEqual(['8UGYA6UY', 'hanako01']);
  });

  it.each(['is', 'was'])('cannot wish for a My Key ID that %s somebody’s', async (tense) => {
    const [hanako, taro] = [await holderOf(kawasaki, 'HANAKO22'), await holderOf(kawasaki, 'TARO2222')];
    if (tense === 'was') await at(kawasaki, (tx) => changeMyKeyId(tx, hanako, 'HANAKO33', now));

    await expect(at(kawasaki, async (tx) => decided(await changeMyKeyId(tx, taro, 'HANAKO22', now)))).rejects.toThrow('my-key-id-taken');

    expect(await at(kawasaki, (tx) => findHolder(tx, kawasaki, 'TARO2222'))).toEqual({ holder: taro, myKeyId: 'TARO2222' });
  });

  it('end with one My Key ID when ten wishes race', async () => {
    const holder = await holderOf(kawasaki, 'TARO2222');

    await Promise.all(
      Array.from({ length: 10 }, (_, index) => at(kawasaki, (tx) => changeMyKeyId(tx, holder, `WISH000${index}`, new Date()))),
    );

    const all = await database.transaction(everyTenant, (tx) =>
      tx.query<{ value: string; until: Date | null }>('select value, until from my_key_id'),
    );
    expect(all).toHaveLength(11);
    expect(all.filter((row) => row.until === null)).toHaveLength(1);
    expect((await told()).at(-1)?.myKeyId).toBe(all.find((row) => row.until === null)?.value);
  });

  it('are unknown to a municipality that did not register them', async () => {
    const holder = await holderOf(kawasaki, 'TARO2222');

    expect(await at(fukuroi, (tx) => findHolder(tx, fukuroi, 'TARO2222'))).toBeUndefined();
    expect(await at(fukuroi, (tx) => changeMyKeyId(tx, holder, 'MINE2222', now))).toMatchObject({
      ok: false,
      refusal: { code: 'unknown-holder' },
    });
    expect(await at(kawasaki, (tx) => changeMyKeyId(tx, randomUUID(), 'MINE2222', now))).toMatchObject({
      ok: false,
      refusal: { code: 'unknown-holder' },
    });
  });

  it('are all told again, in chunks, with the My Key ID of now', async () => {
    await register(kawasaki, 'AAAA2222', 'BBBB2222', 'CCCC2222');
    await at(kawasaki, async (tx) => changeMyKeyId(tx, (await findHolder(tx, kawasaki, 'AAAA2222'))?.holder ?? '', 'AAAA3333', now));
    await database.transaction(everyTenant, (tx) => tx.write('delete from outbox'));

    const first = await database.transaction(everyTenant, (tx) => republishHolders(tx, undefined, 2));
    const second = await database.transaction(everyTenant, (tx) => republishHolders(tx, first.next, 2));

    expect([first.published, second]).toEqual([2, { published: 1 }]);
    expect((await told()).map((one) => one.myKeyId).sort()).toEqual(['AAAA3333', 'BBBB2222', 'CCCC2222']);
  });

  it('keep their history against the service’s own role', async () => {
    await register(kawasaki, 'TARO2222');

    for (const attempt of [
      `delete from my_key_id`,
      `update my_key_id set value = 'OTHER222'`,
      `update my_key_id set holder = gen_random_uuid()`,
      `delete from holder`,
      `delete from registration`,
    ])
      await expect(database.transaction(everyTenant, (tx) => tx.write(attempt))).rejects.toThrow(/permission denied/);
  });
});

function decided(result: Awaited<ReturnType<typeof changeMyKeyId>>): void {
  if (!result.ok) throw new Error(result.refusal.code);
}
