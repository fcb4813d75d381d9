import { everyTenant, tenants, type Database, type Tx } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { pruneExpired } from '../provider/prune-expired.js';
import { providerStorage } from '../provider/provider-storage.js';
import { matchesSecret } from './client-secret.js';
import { createClient, ensureClient, listClients, platform, putClient, revokeClient, rotateSecret, type ClientSpec } from './client.js';

const [kawasaki, fukuroi] = ['141305', '222160'];
const now = new Date();
const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000);

describe('clients', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeEach(async () => {
    fresh = await freshDatabase('identity', migrations);
    database = fresh.database;
  });
  afterEach(() => fresh.close());

  const asPlatform = <T>(work: (tx: Tx) => Promise<T>) => database.transaction(everyTenant, work);
  const hashesOf = async (clientId: string) =>
    ((await providerStorage(database)('Client').find(clientId)) as { secretHashes: string[] } | undefined)?.secretHashes;
  const isGood = async (clientId: string, secret: string) => ((await hashesOf(clientId)) ?? []).some((hash) => matchesSecret(secret, hash));

  it('get a secret when they are new, and none when they change', async () => {
    const secret = await asPlatform((tx) => putClient(tx, platform, aClient(), now));
    const again = await asPlatform((tx) => putClient(tx, platform, aClient({ scopes: ['holders:write'] }), now));

    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(again).toBeUndefined();
    expect(await asPlatform((tx) => listClients(tx, '', 10))).toMatchObject([{ clientId: 'city', scopes: ['holders:write'] }]);
    expect(await isGood('city', secret ?? '')).toBe(true);
  });

  it('leave no secret in the database, only salted hashes', async () => {
    const secret = await asPlatform((tx) => putClient(tx, platform, aClient(), now));

    const [row] = await asPlatform((tx) =>
      tx.query<{ all: string }>(
        `select (select json_agg(c)::text from client c) || (select json_agg(s)::text from client_secret s) as all`,
      ),
    );

    expect(row?.all).toContain('sha256:');
    expect(row?.all).not.toContain(secret);
  });

  it('have the old secret beside the new one for a day, and never three', async () => {
    const first = (await asPlatform((tx) => putClient(tx, platform, aClient(), now))) ?? '';
    const second = await asPlatform((tx) => rotateSecret(tx, 'city', later(1)));
    const both = [await isGood('city', first), await isGood('city', second.secret)];
    const third = await asPlatform((tx) => rotateSecret(tx, 'city', later(2)));

    expect(both).toEqual([true, true]);
    expect(second.previousValidUntil).toEqual(later(25));
    expect([await isGood('city', first), await isGood('city', second.secret), await isGood('city', third.secret)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('lose the old secret when its day is over, and its row soon after', async () => {
    const first = (await asPlatform((tx) => putClient(tx, platform, aClient(), later(-50)))) ?? '';
    const second = await asPlatform((tx) => rotateSecret(tx, 'city', later(-25)));

    expect([await isGood('city', first), await isGood('city', second.secret)]).toEqual([false, true]);
    expect(await pruneExpired(database)).toBe(1);
    expect(await hashesOf('city')).toHaveLength(1);
  });

  it('are unknown at once when they are revoked, and never come back', async () => {
    await asPlatform((tx) => putClient(tx, platform, aClient(), now));

    await asPlatform((tx) => revokeClient(tx, 'city', now));

    expect(await hashesOf('city')).toBeUndefined();
    await expect(asPlatform((tx) => putClient(tx, platform, aClient(), now))).rejects.toThrow('was revoked');
    await expect(asPlatform((tx) => rotateSecret(tx, 'city', now))).rejects.toThrow('no such client');
    expect(await asPlatform((tx) => ensureClient(tx, aClient(), 's'.repeat(43), now))).toBe('revoked');
  });

  it('of the bootstrap file are made once, brought up to date, and keep an old secret for a day', async () => {
    const [one, two] = ['1'.repeat(43), '2'.repeat(43)];
    const ensure = (spec: ClientSpec, secret: string) => asPlatform((tx) => ensureClient(tx, spec, secret, now));

    expect(await ensure(aClient(), one)).toBe('created');
    expect(await ensure(aClient(), one)).toBe('kept');
    expect(await hashesOf('city')).toHaveLength(1);
    expect(await ensure(aClient({ tenants: [fukuroi] }), one)).toBe('changed');
    expect(await ensure(aClient({ tenants: [fukuroi] }), two)).toBe('changed');
    expect([await isGood('city', one), await isGood('city', two)]).toEqual([true, true]);
  });

  it('of one municipality cannot be seen, changed or taken by another', async () => {
    const theirs = aClient({ clientId: `${kawasaki}-pos` });
    await database.transaction(tenants(kawasaki), (tx) => createClient(tx, kawasaki, theirs, now));
    const asFukuroi = <T>(work: (tx: Tx) => Promise<T>) => database.transaction(tenants(fukuroi), work);

    expect(await asFukuroi((tx) => listClients(tx, '', 10))).toEqual([]);
    await expect(asFukuroi((tx) => rotateSecret(tx, theirs.clientId, now))).rejects.toThrow('no such client');
    await expect(asFukuroi((tx) => revokeClient(tx, theirs.clientId, now))).rejects.toThrow('no such client');
    await expect(asFukuroi((tx) => createClient(tx, fukuroi, { ...theirs, tenants: [fukuroi] }, now))).rejects.toThrow('exists');
  });

  it('of a municipality hold rights over it alone, says the database', async () => {
    const greedy = (given: string[]) =>
      database.transaction(tenants(kawasaki), (tx) => createClient(tx, kawasaki, aClient({ tenants: given }), now));

    await expect(greedy(['*'])).rejects.toThrow('client_stays_in_tenant');
    await expect(greedy([kawasaki, fukuroi])).rejects.toThrow('client_stays_in_tenant');
    await expect(
      database.transaction(tenants(kawasaki), (tx) => createClient(tx, platform, aClient({ tenants: ['*'] }), now)),
    ).rejects.toThrow('row-level security');
  });
});

function aClient(given: Partial<ClientSpec> = {}): ClientSpec {
  return { clientId: 'city', name: 'City of Kawasaki', kind: 'municipality', scopes: ['holders:read'], tenants: [kawasaki], ...given };
}
