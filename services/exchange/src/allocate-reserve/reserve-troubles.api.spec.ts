import { randomUUID } from 'node:crypto';
import { everyTenant } from '@points/database';
import { addDays, jstDateOf, parseInstant, type Instant } from '@points/kernel';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { automaticRefusalsMax } from '../rules/reserve.js';
import { exchangeStory, type ExchangeStory, type Resident } from '../testing/exchange-story.js';
import { closedProgramme, debtReserve } from '../testing/fake-ledger.js';
import { allocateDue, claimDue } from './allocate-due.js';
import type { HolderReserveView } from './reserve-shapes.js';

const reserve = '000001-reserve';
const [utsunomiya, owariasahi] = ['092011-miya', '232262-asahi'];
const partner = 'mobile';

let story: ExchangeStory;
let operator: string;
beforeAll(async () => {
  story = await exchangeStory(reserve, ['reserve:read', 'reserve:write', 'history:write', 'exchange:reverse-late']);
  operator = await story.service.token(['reserve:operate'], ['000001'], 'operator');
  const terms = { name: 'Mobile', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: [], reversalDays: 30 };
  for (const programme of [reserve, debtReserve])
    for (const path of ['reserve', `partners/${partner}`])
      expect(
        (await call(story.at(path, programme), { method: 'PUT', token: story.staff, body: path === 'reserve' ? {} : terms })).status,
      ).toBe(201);
}, 60_000);
afterAll(() => story?.close());
afterEach(() => story.ledger.endRefusing());

const resident = (index: number): Resident => {
  const one = story.residents[index];
  if (!one) throw new Error('there are four residents');
  return one;
};
const send = (path: string, body: object, { programme = reserve, token = story.staff } = {}) =>
  call(story.at(path, programme), { token, body });

async function arrive({ myKeyId }: Resident, partnerPoints: number, more: { acceptedAt?: string } = {}, programme = reserve) {
  const orderId = `R-${randomUUID().slice(0, 8)}`;
  const { status, body } = await send('exchange-orders', { orderId, myKeyId, partner, partnerPoints, ...more }, { programme });
  expect([status, body]).toMatchObject([201, { state: 'completed' }]);
  return orderId;
}
const view = async ({ myKeyId }: Resident, programme = reserve) =>
  (await call(story.at(`reserve?myKeyId=${myKeyId}`, programme), { token: story.staff })).body as unknown as HolderReserveView;
async function allocate({ myKeyId }: Resident, target: string, points: number, programme = reserve): Promise<string> {
  const allocationId = `A-${randomUUID().slice(0, 8)}`;
  const { status, body } = await send(
    'reserve/allocations',
    { allocationId, myKeyId, parts: [{ programme: target, points }] },
    { programme },
  );
  expect([status, body]).toMatchObject([202, {}]);
  return allocationId;
}
const stateOf = async (one: Resident, allocationId: string, programme = reserve) =>
  (await view(one, programme)).allocations.find((allocation) => allocation.allocationId === allocationId)?.parts[0]?.state;
const troubles = async () => {
  const { status, body } = await call<{ parts: object[]; arrivals: { arrival: string; refusals: number; nextTryAt?: string }[] }>(
    story.at('reserve/troubles'),
    { token: operator },
  );
  expect(status).toBe(200);
  return body;
};
const metrics = async () => (await call<{ text: string }>(`${story.service.url}/metrics`)).body.text;
const today = () => jstDateOf(parseInstant(new Date().toISOString()));
/** What the ledger has of a holder in the reserve, and what is written down here. */
const bothSides = async (one: Resident, programme = reserve) => {
  const { waiting, underWay } = await view(one, programme);
  return { exchange: { waiting, underWay }, ledger: story.ledger.balance(one.holder, programme) };
};
const agreedAt = (points: number) => ({ exchange: { waiting: points, underWay: 0 }, ledger: { balance: points, available: points } });

describe('a base programme that refuses', () => {
  const long = parseInstant(new Date(Date.now() + 100 * 86_400_000).toISOString());
  const look = async (at: Instant) => {
    const { database } = story.service;
    for (const one of await database.transaction(everyTenant, (tx) => claimDue(tx, 100, at)))
      await database.transaction(everyTenant, (tx) => allocateDue(tx, one, at));
  };
  const daysUntil = (instant: string | undefined) => Math.round((Date.parse(String(instant)) - Date.now()) / 86_400_000);

  it('is tried again after 1, 2, 4, 8 and 16 days, then waits for an operator, and its holder may choose all the while', async () => {
    const hanako = resident(0);
    await arrive(hanako, 500, { acceptedAt: `${addDays(today(), -15)}T10:00:00+09:00` });
    expect(await story.put(`reserve/base-programmes/${hanako.myKeyId}`, { programme: closedProgramme })).toMatchObject({ status: 200 });
    const waits: number[] = [];
    for (let refusals = 1; refusals < automaticRefusalsMax; refusals++) {
      const [refused] = await eventually(
        async () => {
          const { arrivals } = await troubles();
          return arrivals[0]?.refusals === refusals && arrivals;
        },
        { timeoutMs: 30_000 },
      );
      waits.push(daysUntil(refused?.nextTryAt));
      await look(long);
    }

    const [givenUp] = await eventually(async () => {
      const { arrivals } = await troubles();
      return arrivals[0]?.refusals === automaticRefusalsMax && arrivals;
    });
    await look(long);

    expect(waits).toEqual([1, 2, 4, 8, 16]);
    expect(givenUp).toMatchObject({
      ...{ holder: hanako.holder, partner, remaining: 500, programme: closedProgramme },
      refusal: { code: 'outside-period' },
    });
    expect(givenUp?.nextTryAt).toBeUndefined();
    expect((await troubles()).arrivals).toEqual([givenUp]);
    expect(await metrics()).toMatch(/points_exchange_reserve_refused\{.*state="waits-for-operator".*\} 1/);
    expect((await view(hanako)).arrivals).toMatchObject([{ remaining: 500, state: 'refused' }]);
    expect(await bothSides(hanako)).toEqual(agreedAt(500));

    const chosen = await allocate(hanako, utsunomiya, 100);
    await eventually(async () => expect(await stateOf(hanako, chosen)).toBe('completed'));
    expect(await bothSides(hanako)).toEqual(agreedAt(400));
  }, 90_000);

  it('gets all tries anew when an operator asks, and another one that is named gets the points at once', async () => {
    const hanako = resident(0);
    const [before] = (await troubles()).arrivals;
    const attempts = `reserve/arrivals/${before?.arrival ?? ''}/attempts`;
    expect(await send(attempts, {})).toMatchObject({ status: 403 });

    const asked = await send(attempts, {}, { token: operator });

    expect(asked).toMatchObject({ status: 202, body: { arrival: before?.arrival, refusals: 0 } });
    await eventually(async () => expect((await troubles()).arrivals).toMatchObject([{ refusals: 1 }]));
    await story.put(`reserve/base-programmes/${hanako.myKeyId}`, { programme: owariasahi });
    await eventually(async () => expect(await bothSides(hanako)).toEqual(agreedAt(0)), { timeoutMs: 30_000 });
    expect(story.ledger.balance(hanako.holder, owariasahi).balance).toBe(400);
    expect((await troubles()).arrivals).toEqual([]);
    expect(await send(attempts, {}, { token: operator })).toMatchObject({ status: 409, body: { code: 'not-waiting' } });
    expect(await send(`reserve/arrivals/${randomUUID()}/attempts`, {}, { token: operator })).toMatchObject({
      status: 404,
      body: { code: 'unknown-arrival' },
    });
  }, 90_000);
});

describe('a part in dispute', () => {
  it.each([
    ['capture', utsunomiya, 'completed', 0, 300],
    ['release', closedProgramme, 'refused', 300, 0],
  ] as const)(
    'shows both sides, and its %s is asked again on an operator’s word',
    async (step, target, end, left, issued) => {
      const taro = resident(1);
      const had = story.ledger.balance(taro.holder, reserve).balance;
      await arrive(taro, 300);
      story.ledger.refuse(reserve, step);
      const allocationId = await allocate(taro, target, 300);
      await eventually(async () => expect(await stateOf(taro, allocationId)).toBe('in-dispute'));
      const reference = `exchange:reserve:${reserve}:${allocationId}:0:${step}`;
      const sides = {
        ...{ allocationId, part: 1, holder: taro.holder, programme: target, points: 300 },
        exchange: { step, askedAgain: 0, ...(step === 'release' && { refusal: { code: 'outside-period' } }) },
        ledger: { code: 'programme-frozen' },
      };
      expect((await troubles()).parts).toMatchObject([{ ...sides, exchange: { ...sides.exchange, state: 'in-dispute', reference } }]);
      expect(await metrics()).toMatch(/points_exchange_reserve_parts_open\{.*state="in-dispute".*\} 1/);
      const attempts = `reserve/allocations/${allocationId}/parts/1/attempts`;
      expect(await send(attempts, {})).toMatchObject({ status: 403, body: { code: 'scope-missing' } });

      // The cause is still there, and then it is gone.
      const first = await send(attempts, {}, { token: operator });
      await eventually(async () => expect((await troubles()).parts).toMatchObject([{ exchange: { askedAgain: 1, state: 'in-dispute' } }]));
      story.ledger.endRefusing();
      const second = await send(attempts, {}, { token: operator });

      const asking = step === 'capture' ? 'capturing' : 'releasing';
      expect(first).toMatchObject({
        status: 202,
        body: { ...sides, exchange: { ...sides.exchange, state: asking, askedAgain: 1, reference: `${reference}:1` } },
      });
      expect(second).toMatchObject({ status: 202, body: { exchange: { state: asking, askedAgain: 2, reference: `${reference}:2` } } });
      await eventually(async () => expect(await stateOf(taro, allocationId)).toBe(end));
      expect(await bothSides(taro)).toEqual(agreedAt(had + left));
      expect(story.ledger.balance(taro.holder, target).balance).toBe(issued);
      expect((await troubles()).parts).toEqual([]);
      expect(await send(attempts, {}, { token: operator })).toMatchObject({ status: 409, body: { code: 'not-waiting', state: end } });
    },
    60_000,
  );

  it('that does not exist is not asked again', async () => {
    expect(await send('reserve/allocations/nothing/parts/1/attempts', {}, { token: operator })).toMatchObject({
      status: 404,
      body: { code: 'unknown-part' },
    });
    const malformed = await send('reserve/allocations/nothing/parts/21/attempts', {}, { token: operator });
    expect(malformed).toMatchObject({ status: 404, body: { errors: [{ field: 'part' }] } });
  });
});

describe('an order that its partner takes back in the middle of a part', () => {
  const reverse = (orderId: string, programme: string) =>
    send(`partners/${partner}/exchange-orders/${orderId}/reversals`, { reason: 'mistake' }, { programme });

  /** The ledger holds 600 of 1,000, and the target has not been heard of yet. */
  async function inTheMiddle(one: Resident, programme: string, target: string) {
    const orderId = await arrive(one, 1_000, {}, programme);
    story.ledger.fallSilent('issue');
    const allocationId = await allocate(one, target, 600, programme);
    await eventually(async () => expect(await stateOf(one, allocationId, programme)).toBe('issuing'));
    return { orderId, allocationId };
  }

  it('is refused where the programme refuses, and the part comes to its end', async () => {
    const saburo = resident(2);
    const { orderId, allocationId } = await inTheMiddle(saburo, reserve, utsunomiya);

    const { status, body } = await reverse(orderId, reserve);
    await story.ledger.speak();

    expect([status, body]).toMatchObject([422, { code: 'reverse-exceeds', needed: 1_000, available: 400 }]);
    await eventually(async () => expect(await stateOf(saburo, allocationId)).toBe('completed'));
    expect(await bothSides(saburo)).toEqual(agreedAt(400));
    expect(story.ledger.balance(saburo.holder, utsunomiya).balance).toBe(600);
  }, 60_000);

  it.each([
    ['the target takes', utsunomiya, 'completed', 0],
    ['the target refuses', closedProgramme, 'refused', 600],
  ] as const)(
    'leaves a debt of what is held where the programme allows it; %s the part, and the next points pay',
    async (_, target, end, left) => {
      const shiro = resident(3);
      expect(story.ledger.balance(shiro.holder, debtReserve).balance).toBe(0);
      const { orderId, allocationId } = await inTheMiddle(shiro, debtReserve, target);

      const { status, body } = await reverse(orderId, debtReserve);
      await story.ledger.speak();

      expect([status, body]).toMatchObject([201, { reversal: { taken: { takenBack: 400, owed: 600 } } }]);
      await eventually(async () => expect(await stateOf(shiro, allocationId, debtReserve)).toBe(end));
      expect(await bothSides(shiro, debtReserve)).toEqual(agreedAt(left));
      // The next points pay the debt before they wait for anything.
      await arrive(shiro, 700, {}, debtReserve);
      expect(await bothSides(shiro, debtReserve)).toEqual(agreedAt(left + 100));
      const rest = await allocate(shiro, utsunomiya, left + 100, debtReserve);
      await eventually(async () => expect(await stateOf(shiro, rest, debtReserve)).toBe('completed'));
      expect(await bothSides(shiro, debtReserve)).toEqual(agreedAt(0));
    },
    60_000,
  );
});
