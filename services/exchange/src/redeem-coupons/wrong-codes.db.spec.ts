import { randomBytes, randomUUID } from 'node:crypto';
import { tenants } from '@points/database';
import { linkHolders } from '@points/holders';
import type { Cause } from '@points/http';
import { parseInstant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { redeemCoupon } from './redeem-coupon.js';

const municipality = '141305';
const programme = `${municipality}-trial`;
const now = parseInstant('2026-11-23T12:00:00+09:00');
const secret = randomBytes(32);
const cause: Cause = {
  ...{ municipality, client: 'portal', scopes: new Set<string>(), tenants: new Set([municipality]) },
  ...{ fingerprint: 'f', operation: 'POST coupon-redemptions' },
};

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
});
afterAll(() => fresh?.close());

it('counts the wrong codes of many people one by one, so that none of them passes over the number that raises the alarm', async () => {
  const people = Array.from({ length: 16 }, (_, index) => ({ holder: randomUUID(), myKeyId: `GUESS0${10 + index}`, registeredAt: now }));
  await fresh.database.transaction(tenants(municipality), (tx) => linkHolders(tx, people));
  const told: number[] = [];

  await Promise.all(
    people.map(({ myKeyId }) =>
      fresh.database.transaction(tenants(municipality), (tx) =>
        redeemCoupon(tx, cause, {
          ...{ programme, body: { code: randomBytes(8).toString('hex'), myKeyId }, id: randomUUID(), secret, now },
          onWrong: (inProgramme) => told.push(inProgramme),
        }),
      ),
    ),
  );

  expect(told.sort((a, b) => a - b)).toEqual(people.map((_, index) => index + 1));
});
