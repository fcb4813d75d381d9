import { tenants } from '@points/database';
import { linkHolders } from '@points/holders';
import { parseInstant, uuidv7, type Instant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import { migrations } from '../migrations.js';
import { placeOrders } from '../place-exchange-order/place-orders.js';
import { putPartner } from '../set-up-partners/put-partner.js';
import { tryScreening } from './try-screening.js';

const municipality = '141305';
const programme = `${municipality}-trial`;
const partner = 'card-a';
const start = parseInstant('2026-11-23T12:00:00+09:00');
const later = (minutes: number): Instant => parseInstant(new Date(Date.parse(start) + minutes * 60_000).toISOString());
const windowMinutes = 10;
const people = Array.from({ length: 5 }, (_, index) => ({ holder: uuidv7(), myKeyId: `TRIAL00${index + 1}`, registeredAt: start }));
/** Five people at two devices, several at one time, some again within the window and some just when it is over. */
const orders = Array.from({ length: 60 }, (_, n) => ({
  orderId: `O-${n}`,
  person: (n * n + n) % people.length,
  device: `device-${n % 7 < 3 ? 'one' : 'two'}`,
  minute: Math.floor((n * 3) / 2) - (n % 5 === 0 ? 1 : 0),
}));

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase('exchange', migrations);
  await fresh.database.transaction(tenants(municipality), async (tx) => {
    const terms = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: [partner] };
    await putPartner(tx, { municipality, programme, partner }, terms, { client: 'staff', now: start });
    await linkHolders(tx, people);
    for (const { orderId, person, device, minute } of orders) {
      const order = { orderId, myKeyId: people[person]?.myKeyId ?? '', partner, partnerPoints: 100, origin: { device } };
      const wish = { id: uuidv7(), municipality, programme, order, channel: 'api' as const, client: partner };
      await placeOrders(tx, [{ ...wish, isOnBehalf: false, mayBringHistory: false }], later(minute));
    }
  });
});
afterAll(() => fresh?.close());

it('counts the people within the window of each order as one would by hand', async () => {
  const peopleAt = ({ device, minute }: (typeof orders)[number]) =>
    new Set(
      orders.filter((one) => one.device === device && one.minute <= minute && one.minute > minute - windowMinutes).map((one) => one.person),
    ).size;
  const caught = orders.filter((one) => one.minute >= 20 && peopleAt(one) > 2);

  const { rules } = await fresh.database.transaction(tenants(municipality), (tx) =>
    tryScreening(tx, programme, {
      from: later(20),
      to: later(1_000),
      rules: [{ rule: 'people', measure: 'holders', by: 'device', windowMinutes, limit: 2, action: 'alert' }],
    }),
  );

  expect(caught.length).toBeGreaterThan(5);
  expect(caught.length).toBeLessThan(40);
  expect(rules[0]).toMatchObject({ orders: caught.length, municipalPoints: caught.length * 100 });
  expect(rules[0]?.first.map(({ orderId, value }) => [orderId, value]).sort()).toEqual(
    caught.map((one) => [one.orderId, peopleAt(one)]).sort(),
  );
});
