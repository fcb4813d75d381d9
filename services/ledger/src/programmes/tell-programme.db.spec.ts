import { programmeChangedV1, type ProgrammeChanged } from '@points/contracts';
import { tenants } from '@points/database';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../schema/migrations.js';
import { at, kawasaki } from '../testing/ledger-builders.js';
import { addRules, putProgramme } from './put-programme.js';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('ledger', migrations);
});
afterAll(() => fresh?.close());

const now = at('2017-11-01T00:00:00Z');
const body = {
  name: 'trial',
  firstDay: '2017-11-20',
  rules: { expiry: { kind: 'days-after-grant' as const, days: 100 }, usableAt: ['scheme:bureka'] },
};
const inTx = <T>(work: Parameters<typeof fresh.database.transaction<T>>[1]) => fresh.database.transaction(tenants('141305'), work);
const told = () =>
  inTx(async (tx) => {
    const rows = await tx.query<{ payload: string }>('select payload from outbox where type = $1 order by id', [programmeChangedV1.type]);
    return rows.map(({ payload }) => JSON.parse(payload) as ProgrammeChanged);
  });

it('tells the other services of a programme, of its end and of new rules, in the order in which they hold', async () => {
  await inTx((tx) => putProgramme(tx, kawasaki, body, now));
  await inTx((tx) => putProgramme(tx, kawasaki, { ...body, lastDay: '2018-11-30', lastGrantDay: '2018-08-31' }, now));
  await inTx((tx) => addRules(tx, kawasaki, { validFrom: '2018-04-01', rules: { expiry: { kind: 'none' }, usableAt: [] } }, now));

  const first = { version: 1, validFrom: '2017-11-20', expiry: { kind: 'days-after-grant', days: 100 }, usableAt: ['scheme:bureka'] };
  const second = { version: 2, validFrom: '2018-04-01', expiry: { kind: 'none' }, usableAt: [] };
  const common = { municipality: '141305', programme: kawasaki, name: 'trial', firstDay: '2017-11-20', changedAt: now };
  const end = { lastUseDay: '2018-11-30', lastGrantDay: '2018-08-31' };
  expect(await told()).toEqual([
    { ...common, versions: [first] },
    { ...common, ...end, versions: [first] },
    { ...common, ...end, versions: [first, second] },
  ]);
});

it('tells nothing of what was refused', async () => {
  const before = (await told()).length;

  await expect(inTx((tx) => putProgramme(tx, kawasaki, { ...body, firstDay: '2017-12-01' }, now))).rejects.toMatchObject({
    code: 'programme-exists',
  });

  expect(await told()).toHaveLength(before);
});
