import { randomUUID } from 'node:crypto';
import { everyTenant } from '@points/database';
import { addDays, jstDateOf, parseInstant, startOfDayJst, type Instant } from '@points/kernel';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { exchangeStory, type ExchangeStory, type Resident } from '../testing/exchange-story.js';
import { closedProgramme } from '../testing/fake-ledger.js';
import { allocateDue, claimDue } from './allocate-due.js';

const reserve = '000001-reserve';
const [utsunomiya, owariasahi] = ['092011-miya', '232262-asahi'];

let story: ExchangeStory;
let partner: string;
beforeAll(async () => {
  story = await exchangeStory(reserve, ['reserve:read', 'reserve:write', 'history:write', 'exchange:reverse-late']);
  expect((await story.put('reserve', {})).status).toBe(201);
  partner = await story.newPartner({ reversalDays: 30 });
}, 60_000);
afterAll(() => story?.close());

const resident = (index: number): Resident => {
  const one = story.residents[index];
  if (!one) throw new Error('there are four residents');
  return one;
};

/** Points in the reserve; answers the order's id. */
async function arrive({ myKeyId }: Resident, partnerPoints: number, acceptedAt?: string): Promise<string> {
  const orderId = `R-${randomUUID().slice(0, 8)}`;
  const order = { orderId, myKeyId, partner, partnerPoints, ...(acceptedAt !== undefined && { acceptedAt }) };
  const { status, body } = await story.send('exchange-orders', order);
  expect([status, body]).toMatchObject([201, { state: 'completed' }]);
  return orderId;
}
const allocate = (one: Resident, parts: object[], allocationId = `A-${randomUUID().slice(0, 8)}`) =>
  story.send('reserve/allocations', { allocationId, myKeyId: one.myKeyId, parts });
const view = async (one: Resident) => (await story.read(`reserve?myKeyId=${one.myKeyId}`)).body;
const nameBase = (one: Resident, programme: string) => story.put(`reserve/base-programmes/${one.myKeyId}`, { programme });
const today = () => jstDateOf(parseInstant(new Date().toISOString()));

describe('points without a municipality', () => {
  it('wait, are split over municipalities as their holder says, and a repeated allocation changes nothing', async () => {
    const hanako = resident(0);
    const orderId = await arrive(hanako, 1_000);
    expect(await view(hanako)).toMatchObject({
      ...{ waiting: 1_000, toChoose: 1_000, underWay: 0, allocations: [] },
      arrivals: [{ orderId, partner, points: 1_000, remaining: 1_000, lastDay: addDays(today(), 14), state: 'to-choose' }],
    });
    const parts = [
      { programme: utsunomiya, points: 600 },
      { programme: owariasahi, points: 300 },
    ];

    const first = await allocate(hanako, parts, 'A-1');
    const again = await allocate(hanako, parts, 'A-1');

    expect([first.status, again.status]).toEqual([202, 200]);
    await eventually(async () =>
      expect((await story.read('reserve/allocations/A-1')).body).toMatchObject({
        parts: parts.map((part) => ({ ...part, state: 'completed' })),
      }),
    );
    expect(await view(hanako)).toMatchObject({ waiting: 100, toChoose: 100, underWay: 0 });
    expect([story.ledger.converted(utsunomiya), story.ledger.converted(owariasahi)]).toEqual([600, 300]);
    const issued = story.ledger.asked.filter((one) => one.instruction.kind === 'issue' && one.programme !== reserve);
    // Two programmes are two keys: nobody promises which of them is asked first.
    expect(issued.map(({ programme, municipality, account }) => [programme, municipality, account]).sort()).toEqual([
      [utsunomiya, '092011', `holder:${hanako.holder}`],
      [owariasahi, '232262', `holder:${hanako.holder}`],
    ]);
    expect((await allocate(hanako, [{ programme: utsunomiya, points: 1 }], 'A-1')).body).toMatchObject({ code: 'allocation-exists' });
  }, 60_000);

  it('are back when a municipality refuses them, with its reason', async () => {
    const taro = resident(1);
    await arrive(taro, 500);

    await allocate(taro, [{ programme: closedProgramme, points: 500 }], 'A-2');

    await eventually(async () =>
      expect((await story.read('reserve/allocations/A-2')).body).toMatchObject({
        parts: [{ state: 'refused', refusal: { code: 'outside-period' } }],
      }),
    );
    expect(await view(taro)).toMatchObject({ waiting: 500, toChoose: 500, underWay: 0 });
    expect(story.ledger.balance(taro.holder)).toEqual({ balance: 500, available: 500 });
  }, 60_000);

  it('are refused to more than is there, to the reserve itself and to nobody known, and all parts with one', async () => {
    const taro = resident(1);
    const refused = async (parts: object[]) => (await allocate(taro, parts)).body['code'];

    expect(await refused([{ programme: utsunomiya, points: 501 }])).toBe('reserve-insufficient');
    expect(await refused([{ programme: reserve, points: 1 }])).toBe('target-is-reserve');
    expect(
      await refused([
        { programme: utsunomiya, points: 1 },
        { programme: utsunomiya, points: 1 },
      ]),
    ).toBe('target-twice');
    expect(
      (await story.send('reserve/allocations', { allocationId: 'A-9', myKeyId: 'NOBODY00', parts: [{ programme: utsunomiya, points: 1 }] }))
        .body,
    ).toMatchObject({
      code: 'unknown-my-key-id',
    });
    expect((await story.read(`reserve?myKeyId=${taro.myKeyId}`)).body).toMatchObject({ waiting: 500 });
    expect(await story.read('reserve/allocations/nothing')).toMatchObject({ status: 404, body: { code: 'unknown-allocation' } });
  });

  it('are less by what the partner takes back', async () => {
    const taro = resident(1);
    const orderId = await arrive(taro, 200);

    const { status } = await story.send(`partners/${partner}/exchange-orders/${orderId}/reversals`, { reason: 'mistake' });

    expect(status).toBeLessThan(300);
    await eventually(async () => expect(await view(taro)).toMatchObject({ waiting: 500, arrivals: [{ remaining: 500 }] }));
  }, 60_000);
});

describe('points for which nothing was chosen', () => {
  it('go to the base programme on the 15th day at 00:00 in Tokyo, once, and not a millisecond before', async () => {
    const jiro = resident(2);
    await nameBase(jiro, owariasahi);
    await arrive(jiro, 700);
    const due = async (at: Instant) => {
      const within = story.service.database;
      const mine = (await within.transaction(everyTenant, (tx) => claimDue(tx, 100, at))).filter((one) => one.holder === jiro.holder);
      return Promise.all(mine.map((one) => within.transaction(everyTenant, (tx) => allocateDue(tx, one, at))));
    };
    const day = jstDateOf(parseInstant(String(((await view(jiro)) as { arrivals?: { arrivedAt: string }[] }).arrivals?.[0]?.arrivedAt)));

    expect(await due(millisecondBefore(startOfDayJst(addDays(day, 15))))).toEqual([]);
    const both = await Promise.all([due(startOfDayJst(addDays(day, 15))), due(startOfDayJst(addDays(day, 15)))]);
    expect(both.flat()).toEqual([true]);

    await eventually(async () =>
      expect(await view(jiro)).toMatchObject({
        ...{ waiting: 0, underWay: 0 },
        allocations: [{ automatic: true, parts: [{ programme: owariasahi, points: 700, state: 'completed' }] }],
      }),
    );
  }, 60_000);

  it('are kept without a base programme, and go to the first that is named', async () => {
    const saburo = resident(3);
    await arrive(saburo, 900, `${addDays(today(), -20)}T10:00:00+09:00`);
    expect(await view(saburo)).toMatchObject({ waiting: 900, toChoose: 900, arrivals: [{ state: 'waits-for-base-programme' }] });

    await nameBase(saburo, utsunomiya);

    await eventually(
      async () =>
        expect(await view(saburo)).toMatchObject({
          ...{ waiting: 0, underWay: 0, base: { programme: utsunomiya } },
          allocations: [{ automatic: true, parts: [{ programme: utsunomiya, points: 900, state: 'completed' }] }],
        }),
      { timeoutMs: 30_000 },
    );
  }, 60_000);
});

it('moves points on the 15th day that were under way to another municipality meanwhile and came back', async () => {
  const goro = resident(0);
  await arrive(goro, 400, `${addDays(today(), -14)}T10:00:00+09:00`);
  await nameBase(goro, owariasahi);
  const due = startOfDayJst(addDays(today(), 1));
  const look = async (at: Instant) => {
    const { database } = story.service;
    for (const one of await database.transaction(everyTenant, (tx) => claimDue(tx, 100, at)))
      await database.transaction(everyTenant, (tx) => allocateDue(tx, one, at));
  };
  story.ledger.fallSilent();
  await allocate(goro, [{ programme: closedProgramme, points: 400 }], 'A-7');
  await look(due);

  await story.ledger.speak();
  await eventually(async () => expect((await story.read('reserve/allocations/A-7')).body).toMatchObject({ parts: [{ state: 'refused' }] }));
  // The job looks before its time too, and must not forget them.
  await look(parseInstant(new Date().toISOString()));
  const mine = async () =>
    ((await view(goro)) as { arrivals?: { points: number; remaining: number }[] }).arrivals?.filter((one) => one.points === 400);
  expect(await mine()).toMatchObject([{ remaining: 400, state: 'to-choose' }]);

  await eventually(async () => {
    await look(due);
    expect(await mine()).toEqual([]);
  });
  expect(await view(goro)).toMatchObject({
    allocations: expect.arrayContaining([expect.objectContaining({ automatic: true })]) as unknown,
  });
}, 60_000);

it('is opened twice like once, and not where points were exchanged before', async () => {
  const programme = '000001-late';
  const put = (path: string, body: object) => call(story.at(path, programme), { method: 'PUT', token: story.staff, body });
  await put('partners/early', { name: 'Early', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 1, clients: [] });
  const order = { orderId: 'R-early', myKeyId: resident(1).myKeyId, partner: 'early', partnerPoints: 1 };
  expect(await call(story.at('exchange-orders', programme), { token: story.staff, body: order })).toMatchObject({ status: 201 });

  expect(await put('reserve', {})).toMatchObject({ status: 409, body: { code: 'orders-came-before' } });
  expect(await call(story.at(`reserve?myKeyId=${resident(1).myKeyId}`, programme), { token: story.staff })).toMatchObject({ status: 404 });
  expect(await story.put('reserve', {})).toMatchObject({ status: 200 });
});

it('is shown to who may read it, and of a reserve only', async () => {
  const { myKeyId } = resident(0);

  expect(await story.read(`reserve?myKeyId=${myKeyId}`, story.partner)).toMatchObject({ status: 403 });
  const other = story.at(`reserve?myKeyId=${myKeyId}`, '000001-other');
  expect(await call(other, { token: story.staff })).toMatchObject({ status: 404, body: { code: 'no-reserve' } });
});

function millisecondBefore(instant: Instant): Instant {
  return parseInstant(new Date(Date.parse(instant) - 1).toISOString());
}
