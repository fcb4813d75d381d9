import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant } from '@points/database';
import { event, publish } from '@points/messaging';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { exchange } from '../exchange.js';
import { debtProgramme, fakeLedger, type FakeLedger } from '../testing/fake-ledger.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;

let service: TestService;
let ledger: FakeLedger;
/** The system of the partner; the staff's tool; the second person. */
let card: string;
let staff: string;
let chief: string;

beforeAll(async () => {
  service = await testService(exchange);
  ledger = await fakeLedger(service.topicPrefix);
  [card, staff, chief] = await Promise.all([
    service.token(['exchange:write', 'exchange:read'], [kawasaki], 'card-system'),
    service.token(
      [
        'partners:write',
        'partners:read',
        'exchange:write',
        'exchange:read',
        'exchange:on-behalf',
        'exchange:reverse-late',
        'screening:write',
        'history:write',
      ],
      [kawasaki],
      'staff',
    ),
    service.token(['partners:approve'], [kawasaki], 'chief'),
  ]);
}, 60_000);

afterAll(async () => {
  await ledger?.close();
  await service?.close();
});

const at = (path: string, of = programme) => `${service.url}/v1/municipalities/${kawasaki}/programmes/${of}/${path}`;
const newHolder = async () => {
  const holder = { holder: randomUUID(), myKeyId: `K${randomUUID().slice(0, 7).toUpperCase()}` };
  await service.database.transaction(everyTenant, (tx) =>
    publish(tx, [event(holderRegisteredV1, { ...holder, registeredAt: new Date().toISOString() })]),
  );
  await eventually(async () => {
    const { rowCount } = await service.database.pool.query('select from holder_link where holder = $1', [holder.holder]);
    return rowCount === 1;
  });
  return holder;
};
const terms = { name: 'Card', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 100, clients: ['card-system'], reversalDays: 8 };
const newPartner = async (changes: object = {}, of = programme) => {
  const partner = `card-${randomUUID().slice(0, 8)}`;
  const { status } = await call(at(`partners/${partner}`, of), { method: 'PUT', token: staff, body: { ...terms, ...changes } });
  expect(status).toBe(201);
  return partner;
};
/** A completed order of a new resident at a new partner. */
const anOrder = async ({ of = programme, ...changes }: { of?: string; terms?: object; acceptedAt?: string } = {}) => {
  const partner = await newPartner(changes.terms, of);
  const resident = await newHolder();
  return { ...(await place(partner, resident, of, changes.acceptedAt)), resident };
};
const place = async (partner: string, { myKeyId }: { myKeyId: string }, of = programme, acceptedAt?: string) => {
  const body = { orderId: `O-${randomUUID().slice(0, 8)}`, partner, myKeyId, partnerPoints: 500, ...(acceptedAt && { acceptedAt }) };
  const { status } = await call(at('exchange-orders', of), { token: acceptedAt ? staff : card, body });
  expect(status).toBe(201);
  return { partner, orderId: body.orderId, of };
};
type Placed = Awaited<ReturnType<typeof place>>;
const path = ({ partner, orderId }: Placed) => `partners/${partner}/exchange-orders/${orderId}`;
const reverse = (order: Placed, { token = card, ...options }: { token?: string; key?: string; body?: object } = {}) =>
  call(at(`${path(order)}/reversals`, order.of), { token, body: { reason: 'mistake' }, ...options });
const cancel = (order: Placed, token = card) =>
  call(at(`${path(order)}/cancellations`, order.of), { token, body: { reason: 'cooling-off' } });
const read = (order: Placed) => call(at(path(order), order.of), { token: staff });
const askedFor = ({ orderId }: Placed) => ledger.asked.filter((one) => one.reference.includes(orderId));

describe('a reversal', () => {
  it('takes the points back, once, and says so however often it is asked for', async () => {
    const order = await anOrder();
    const key = randomUUID();

    const first = await reverse(order, { key, body: { reason: 'fraud', note: 'stolen card' } });
    const again = [
      await reverse(order, { key, body: { reason: 'fraud', note: 'stolen card' } }),
      await reverse(order),
      await cancel(order),
    ];

    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      state: 'reversed',
      reversal: { state: 'reversed', reason: 'fraud', note: 'stolen card', requestedBy: 'card-system', taken: { takenBack: 500, owed: 0 } },
    });
    expect(again.map((one) => one.status)).toEqual([201, 200, 200]);
    for (const one of again) expect(one.body).toEqual(first.body);
    expect(ledger.balance(order.resident.holder).balance).toBe(0);
    expect(askedFor(order)).toMatchObject([
      { instruction: { kind: 'issue' } },
      { instruction: { kind: 'reverse' }, cause: { actor: 'card-system', reason: 'fraud' } },
    ]);
    expect((await call(at(`${path(order)}/reversals`), { token: card })).body).toEqual({ reversals: [first.body.reversal] });
  });

  it('needs terms that give the partner time for it, and staff need none', async () => {
    const order = await anOrder({ terms: { reversalDays: undefined } });

    const refused = await reverse(order);
    const byStaff = await reverse(order, { token: staff });

    expect([refused.status, refused.body.code]).toEqual([422, 'reversal-not-agreed']);
    expect(byStaff.status).toBe(201);
    expect(byStaff.body).toMatchObject({ reversal: { isLate: true, requestedBy: 'staff' } });
  });

  it('is over for the partner after the days of the terms, and keeps to the terms of the order', async () => {
    const order = await anOrder({ acceptedAt: '2018-01-10T09:00:00+09:00' });
    const ofToday = await place(order.partner, order.resident);
    const { body: change } = await call<{ change: string }>(at(`partners/${order.partner}/changes`), {
      token: staff,
      body: { terms: { ...terms, reversalDays: 400 }, reason: 'longer' },
    });
    await call(at(`partners/${order.partner}/changes/${change.change}/approvals`), { token: chief, body: { change: change.change } });

    const late = await reverse(order);

    expect([late.status, late.body.code, late.body.lastDay]).toEqual([422, 'reversal-window-over', '2018-01-18']);
    expect((await reverse(ofToday)).status).toBe(201);
    const inItsTime = await reverse(order, { token: staff, body: { reason: 'cooling-off', reversedAt: '2018-01-18T23:59:59+09:00' } });
    expect(inItsTime.body).toMatchObject({ reversal: { taken: { reversedAt: '2018-01-18T14:59:59.000Z' } } });
    expect(inItsTime.body.reversal).not.toHaveProperty('isLate');
  });

  it('that the ledger refuses leaves the order as it was, and may be asked for again', async () => {
    const order = await anOrder();
    ledger.spend(order.resident.holder, 100);

    const refused = await reverse(order);
    const between = await read(order);
    ledger.spend(order.resident.holder, -100);
    const done = await reverse(order);

    expect([refused.status, refused.body.code]).toEqual([422, 'reverse-exceeds']);
    expect(refused.body).toMatchObject({ needed: 500, available: 400, orderId: order.orderId, state: 'completed' });
    expect(between.body).toMatchObject({ state: 'completed', reversal: { state: 'refused', refusal: { code: 'reverse-exceeds' } } });
    expect([done.status, done.body.state]).toEqual([201, 'reversed']);
    const { body } = await call<{ reversals: object[] }>(at(`${path(order)}/reversals`), { token: card });
    expect(body.reversals).toMatchObject([{ state: 'reversed' }, { state: 'refused' }]);
  });

  it('tells what was taken back and what became a debt, where the programme’s rule is so', async () => {
    const order = await anOrder({ of: debtProgramme });
    ledger.spend(order.resident.holder, 120);

    const { status, body } = await reverse(order);

    expect(status).toBe(201);
    expect(body).toMatchObject({ state: 'reversed', reversal: { taken: { takenBack: 380, owed: 120 } } });
    expect(ledger.balance(order.resident.holder).balance).toBe(0);
  });

  it('takes the bonus back too, and gives caps and the campaign back what they had counted', async () => {
    const partner = await newPartner({ caps: [{ of: 'holder', per: 'year', points: 500 }] });
    const campaign = `C-${randomUUID().slice(0, 8)}`;
    const from = '2026-01-01T00:00:00+09:00';
    const body = {
      name: 'Autumn',
      partners: [partner],
      bonusPoints: 50,
      from,
      to: '2100-01-01T00:00:00+09:00',
      budget: 50,
      borneBy: 'partner',
    };
    const { proposedAt } = (await call(at(`campaigns/${campaign}`), { method: 'PUT', token: staff, body })).body;
    await call(at(`campaigns/${campaign}/approvals`), { token: chief, body: { campaign, proposedAt } });
    const resident = await newHolder();
    const order = await place(partner, resident);
    await eventually(async () => (await read(order)).body['bonus'], { timeoutMs: 1_000 });

    const reversed = await reverse(order);

    expect(reversed.body).toMatchObject({
      state: 'reversed',
      bonus: { state: 'reversed', points: 50 },
      reversal: { taken: { takenBack: 500 }, bonus: { taken: { takenBack: 50, owed: 0 } } },
    });
    expect(ledger.balance(resident.holder).balance).toBe(0);
    expect((await call(at(`campaigns/${campaign}`), { token: staff })).body).toMatchObject({ used: 0 });
    const next = await place(partner, resident);
    expect((await read(next)).body).toMatchObject({ bonus: { points: 50 } });
  });

  it('is answered 202 while the ledger is silent, and ends by itself', async () => {
    const order = await anOrder();
    ledger.fallSilent();

    const asked = await reverse(order);
    await ledger.speak();

    expect([asked.status, asked.body.state]).toEqual([202, 'reversing']);
    await eventually(async () => (await read(order)).body.state === 'reversed');
  });

  it('belongs to the partner’s own clients', async () => {
    const order = await anOrder();
    const other = await service.token(['exchange:write', 'exchange:read'], [kawasaki], 'other-system');

    expect((await reverse(order, { token: other })).body.code).toBe('client-not-of-partner');
    expect((await reverse({ ...order, orderId: 'none' })).status).toBe(404);
    expect((await reverse({ ...order, partner: 'nobody' })).body.code).toBe('unknown-partner');
    expect((await reverse(order, { body: { reason: 'mistake', reversedAt: '2018-01-01T00:00:00Z' } })).status).toBe(403);
    expect((await read(order)).body.state).toBe('completed');
  });
});

describe('a batch of reversals', () => {
  it('answers each order for itself, and takes nothing back twice when it comes again', async () => {
    const partner = await newPartner();
    const residents = [await newHolder(), await newHolder()] as const;
    const [good, spent] = [await place(partner, residents[0]), await place(partner, residents[1])];
    ledger.spend(residents[1].holder, 1);
    const body = { reason: 'mistake', orderIds: [good.orderId, spent.orderId, 'nothing'] };
    const send = () => call<{ outcomes: object[] }>(at(`partners/${partner}/reversals`), { token: card, body });

    const first = await send();
    const second = await send();

    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      reversed: 1,
      underWay: 0,
      refused: 2,
      outcomes: [
        { orderId: good.orderId, outcome: 'reversed', order: { state: 'reversed' } },
        { orderId: spent.orderId, outcome: 'refused', problem: { code: 'reverse-exceeds', facts: { needed: 500, available: 499 } } },
        { orderId: 'nothing', outcome: 'refused', problem: { status: 404, code: 'unknown-order' } },
      ],
    });
    expect(second.body.outcomes[0]).toEqual(first.body.outcomes[0]);
    expect(askedFor(good).map((one) => one.instruction.kind)).toEqual(['issue', 'reverse']);
  });
});

describe('a cancellation', () => {
  it('of an issued order is a reversal', async () => {
    const order = await anOrder();

    const { status, body } = await cancel(order);

    expect(status).toBe(201);
    expect(body).toMatchObject({ state: 'reversed', reversal: { reason: 'cooling-off' } });
  });

  it('says that an order is under way while the ledger is asked', async () => {
    const partner = await newPartner();
    const resident = await newHolder();
    ledger.fallSilent();
    const body = { orderId: 'O-pending', partner, myKeyId: resident.myKeyId, partnerPoints: 500 };
    await call(at('exchange-orders'), { token: card, body });

    const refused = await cancel({ partner, orderId: 'O-pending', of: programme });
    await ledger.speak();

    expect([refused.status, refused.body.code, refused.body.state]).toEqual([409, 'order-under-way', 'pending']);
  });

  it('of an order that waits for a person refuses it at once and gives back what was counted', async () => {
    const partner = await newPartner({ caps: [{ of: 'partner', per: 'year', points: 1_000 }] });
    const resident = await newHolder();
    const rule = { measure: 'orders', by: 'holder', windowMinutes: 60, limit: 1, action: 'review', partners: [partner] };
    expect((await call(at(`screening-rules/r-${partner}`), { method: 'PUT', token: staff, body: rule })).status).toBe(200);
    await place(partner, resident);
    const order = { partner, orderId: 'O-review', of: programme };
    const wish = { orderId: 'O-review', partner, myKeyId: resident.myKeyId, partnerPoints: 500 };
    const placed = await call(at('exchange-orders'), { token: card, body: wish });

    const first = await cancel(order);
    const again = await cancel(order);

    expect(placed.body.state).toBe('in-review');
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toMatchObject({ state: 'refused', refusal: { code: 'cancelled', facts: { by: 'card-system' } } });
    expect((await place(partner, await newHolder())).orderId).toBeDefined();
  });
});
