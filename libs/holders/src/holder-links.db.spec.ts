import { randomUUID } from 'node:crypto';
import { everyTenant } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { findHolder, holderMigrations, linkHolders } from './index.js';

describe('the link from a My Key ID to its holder', () => {
  let fresh: FreshDatabase;
  beforeAll(async () => {
    fresh = await freshDatabase('catalog', holderMigrations);
  });
  afterAll(() => fresh.close());

  const link = (...registrations: { holder: string; myKeyId: string; registeredAt: string }[]) =>
    fresh.database.transaction(everyTenant, (tx) => linkHolders(tx, registrations));
  const find = (myKeyId: string) => fresh.database.transaction(everyTenant, (tx) => findHolder(tx, myKeyId));
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

  it('is the newest one, whatever order the registrations are heard in', async () => {
    const holder = randomUUID();

    await link({ holder, myKeyId: 'NEWER001', registeredAt: at(2) }, { holder, myKeyId: 'OLDER001', registeredAt: at(1) });
    await link({ holder, myKeyId: 'OLDER001', registeredAt: at(1) });

    expect(await find('NEWER001')).toBe(holder);
    expect(await find('OLDER001')).toBeUndefined();
  });

  it('tells which My Key IDs were given up', async () => {
    const holder = randomUUID();
    expect(await link({ holder, myKeyId: 'FIRST001', registeredAt: at(1) })).toEqual([]);

    expect(await link({ holder, myKeyId: 'SECOND01', registeredAt: at(2) })).toEqual(['FIRST001']);
  });

  it('leads to the later holder when an id has passed on and the news is not complete', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    await link({ holder: first, myKeyId: 'PASSED01', registeredAt: at(1) }, { holder: second, myKeyId: 'PASSED01', registeredAt: at(2) });

    expect(await find('PASSED01')).toBe(second);
  });

  it('tells capital letters from small ones', async () => {
    await link({ holder: randomUUID(), myKeyId: 'CaseTest', registeredAt: at(1) });

    expect(await find('casetest')).toBeUndefined();
  });
});
