import { randomUUID } from 'node:crypto';
import { everyTenant, type Database } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { providerStorage } from './provider-storage.js';
import { pruneExpired, pruneRowsMax } from './prune-expired.js';

describe('the storage of the OpenID Provider', () => {
  let fresh: FreshDatabase;
  let database: Database;
  beforeAll(async () => {
    fresh = await freshDatabase('identity', migrations);
    database = fresh.database;
  });
  afterAll(() => fresh?.close());

  it('gives back what was stored last, by id, uid and user code', async () => {
    const [id, uid, userCode] = [randomUUID(), randomUUID(), randomUUID()];
    const sessions = providerStorage(database)('Session');

    await sessions.upsert(id, { uid, kind: 'first' }, 60);
    await sessions.upsert(id, { uid, userCode, kind: 'second' }, 60);

    expect(await sessions.find(id)).toEqual({ uid, userCode, kind: 'second' });
    expect(await sessions.findByUid(uid)).toEqual({ uid, userCode, kind: 'second' });
    expect(await sessions.findByUserCode(userCode)).toEqual({ uid, userCode, kind: 'second' });
    expect(await providerStorage(database)('Grant').find(id)).toBeUndefined();
  });

  it('tells when a record was consumed, so that a code works once', async () => {
    const [id, codes] = [randomUUID(), providerStorage(database)('AuthorizationCode')];
    await codes.upsert(id, {}, 60);

    await codes.consume(id);

    expect(await codes.find(id)).toEqual({ consumed: expect.any(Number) as number });
  });

  it('forgets a record that is destroyed, and all of a grant that is revoked', async () => {
    const [one, two, grantId] = [randomUUID(), randomUUID(), randomUUID()];
    const [codes, refreshTokens] = [providerStorage(database)('AuthorizationCode'), providerStorage(database)('RefreshToken')];
    await codes.upsert(one, { grantId }, 60);
    await refreshTokens.upsert(two, { grantId }, 60);

    await codes.destroy(one);
    await codes.revokeByGrantId(grantId);

    expect([await codes.find(one), await refreshTokens.find(two)]).toEqual([undefined, undefined]);
  });

  it('does not give what has expired, and prunes it, more than one statement’s worth too', async () => {
    const [id, sessions] = [randomUUID(), providerStorage(database)('Session')];
    await sessions.upsert(id, {}, -1);
    await sessions.upsert(randomUUID(), {}, 60);
    await database.transaction(everyTenant, (tx) =>
      tx.write(
        `insert into provider_record (model, id, payload, expires_at) select 'Session', 'old-' || n, '{}', now() - interval '1 hour' from generate_series(1, $1) n`,
        [pruneRowsMax],
      ),
    );

    expect(await sessions.find(id)).toBeUndefined();
    expect(await pruneExpired(database)).toBe(pruneRowsMax + 1);
    expect(await pruneExpired(database)).toBe(0);
  });
});
