import { randomBytes, randomUUID } from 'node:crypto';
import { orderFlaggedV1, type OrderFlagged } from '@points/contracts';
import { Controller, Module } from '@nestjs/common';
import { OnEvent, messagingMigrations, type Received } from '@points/messaging';
import { httpMigrations } from '@points/http';
import { ServiceConfig } from '@points/service';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { exchangeStory, type ExchangeStory } from '../testing/exchange-story.js';
import { toldPartner } from '../testing/told-partner.js';

const programme = '232262-points';
let story: ExchangeStory;
let guard: TestService;
const alerts: OrderFlagged[] = [];

@Controller()
class Guard {
  @OnEvent(orderFlaggedV1)
  hear(events: Received<OrderFlagged>[]): void {
    alerts.push(...events.map((one) => one.data));
  }
}
@Module({ controllers: [Guard] })
class GuardModule {}

beforeAll(async () => {
  const scopes = ['screening:read', 'screening:write', 'screening:decide', 'coupons:redeem'];
  story = await exchangeStory(programme, scopes, { COUPON_KEY: randomBytes(32).toString('base64url') });
  guard = await testService(
    {
      name: 'guard',
      title: 'Guard',
      description: 'Hears the alerts.',
      module: GuardModule,
      config: ServiceConfig,
      migrations: [...httpMigrations, ...messagingMigrations],
      reads: [orderFlaggedV1],
    },
    { TOPIC_PREFIX: story.service.topicPrefix },
  );
}, 60_000);
afterAll(async () => {
  await guard?.close();
  await story?.close();
});

const place = (partner: string, changes: object = {}) =>
  story.send('exchange-orders', {
    orderId: randomUUID(),
    myKeyId: story.residents[0]?.myKeyId,
    partner,
    partnerPoints: 100,
    ...changes,
  });
const setRule = async (partner: string, changes: object = {}) => {
  const rule = `r-${randomUUID().slice(0, 8)}`;
  const body = { measure: 'orders', by: 'holder', windowMinutes: 60, limit: 2, action: 'review', partners: [partner], ...changes };
  expect((await story.put(`screening-rules/${rule}`, body)).status).toBe(200);
  return { rule, body };
};
const waitingFor = async (partner: string) =>
  ((await story.read('order-reviews')).body.reviews as { order: string; partner: string; hits: object[] }[]).filter(
    (one) => one.partner === partner,
  );
const decide = (order: string, decision: string) => story.send(`order-reviews/${order}/decisions`, { decision, reason: 'looked at it' });

describe('a rule that watches for fraud', () => {
  it('lets orders wait for a person, who lets one go on and refuses the other', async () => {
    const partner = await story.newPartner({ caps: [{ of: 'partner', per: 'day', points: 400 }] });
    const { rule } = await setRule(partner);

    const answers = [await place(partner), await place(partner), await place(partner), await place(partner)];

    expect(answers.map(({ status, body }) => [status, body.state])).toEqual([
      [201, 'completed'],
      [201, 'completed'],
      [202, 'in-review'],
      [202, 'in-review'],
    ]);
    const waiting = await waitingFor(partner);
    expect(waiting.map(({ hits }) => hits)).toEqual([
      [{ rule, action: 'review', measure: 'orders', by: 'holder', value: 3, limit: 2 }],
      [{ rule, action: 'review', measure: 'orders', by: 'holder', value: 4, limit: 2 }],
    ]);
    const [first, second] = waiting.map(({ order }) => order);
    const approved = await decide(first ?? '', 'approve');
    const refused = await decide(second ?? '', 'refuse');
    expect([approved.body.state, refused.body.state]).toEqual(['pending', 'refused']);
    expect(refused.body.refusal).toMatchObject({ code: 'refused-in-review' });
    await eventually(async () => {
      const { body } = await story.read(`partners/${partner}/exchange-orders/${String(answers[2]?.body.orderId)}`);
      return body.state === 'completed';
    });
    expect((await decide(first ?? '', 'refuse')).body.code).toBe('not-in-review');
    // What waited counted; what was refused is given back.
    expect((await place(partner, { myKeyId: story.residents[1]?.myKeyId })).status).toBe(201);
    expect((await place(partner, { myKeyId: story.residents[1]?.myKeyId })).body.code).toBe('cap-exceeded');
  });

  it('has the partner told that orders wait and what a person said, without the rule and the reason', async () => {
    const partner = await story.newPartner();
    const { rule } = await setRule(partner, { limit: 1 });
    await place(partner);
    const orderIds = [(await place(partner)).body.orderId, (await place(partner)).body.orderId];
    const [first, second] = (await waitingFor(partner)).map(({ order }) => order);

    await decide(first ?? '', 'approve');
    await decide(second ?? '', 'refuse');

    const told = {
      held: await toldPartner(story.service, partner, 'exchange-order.in-review'),
      approved: await toldPartner(story.service, partner, 'exchange-order.review-approved'),
      refused: await toldPartner(story.service, partner, 'exchange-order.refused'),
    };
    expect(told.held.map((one) => one['orderId'])).toEqual(orderIds);
    expect(told.approved).toMatchObject([{ orderId: orderIds[0], partnerPoints: 100, approvedAt: expect.any(String) as string }]);
    expect(told.refused).toMatchObject([{ orderId: orderIds[1], code: 'refused-in-review' }]);
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`${rule}|looked at it`));
    await eventually(async () => (await toldPartner(story.service, partner, 'exchange-order.completed')).length === 2);
  });

  it('has the partner told of an order that was called off while it waited', async () => {
    const partner = await story.newPartner();
    await setRule(partner, { limit: 0 });
    const { orderId } = (await place(partner)).body;

    await story.send(`partners/${partner}/exchange-orders/${String(orderId)}/cancellations`, { reason: 'cooling-off' });

    expect(await toldPartner(story.service, partner, 'exchange-order.refused')).toMatchObject([{ orderId, code: 'cancelled' }]);
  });

  it('refuses without a word about itself, stores nothing, and tells the guards', async () => {
    const partner = await story.newPartner();
    const { rule } = await setRule(partner, { measure: 'points', limit: 150, action: 'refuse' });
    await place(partner);

    const { status, body } = await place(partner, { orderId: 'caught' });

    expect([status, body.code]).toEqual([422, 'screened']);
    expect(JSON.stringify(body)).not.toContain(rule);
    expect((await story.read(`partners/${partner}/exchange-orders/caught`)).status).toBe(404);
    await eventually(() => Promise.resolve(alerts.some((one) => one.orderId === 'caught')));
    expect(alerts.find((one) => one.orderId === 'caught')).toMatchObject({
      partner,
      action: 'refuse',
      hits: [{ rule, measure: 'points', by: 'holder', value: 200, limit: 150 }],
    });
  });

  it('refuses a coupon in the same way: its code stays unused', async () => {
    const partner = await story.newPartner({ kind: 'coupon-code' });
    const batch = `partners/${partner}/coupon-batches/b`;
    await story.put(batch, { name: 'b', expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
    const code = randomBytes(8).toString('hex');
    await story.send(`${batch}/coupons`, { coupons: [{ serial: 's', code, partnerPoints: 100 }] });
    const { rule, body: content } = await setRule(partner, { limit: 0, action: 'refuse' });
    const redeem = (key: string) =>
      call(story.at('coupon-redemptions'), { token: story.staff, key, body: { code, myKeyId: story.residents[0]?.myKeyId } });
    const key = randomUUID();

    const [refused, again] = [await redeem(key), await redeem(key)];

    expect([refused.status, refused.body.code]).toEqual([422, 'screened']);
    expect(again.body).toEqual(refused.body);
    await eventually(() => Promise.resolve(alerts.some((one) => one.partner === partner)));
    expect(alerts.filter((one) => one.partner === partner)).toMatchObject([{ action: 'refuse', hits: [{ rule, value: 1, limit: 0 }] }]);
    await story.put(`screening-rules/${rule}`, { ...content, isActive: false });
    expect((await redeem(randomUUID())).status).toBe(201);
  });

  it('sees many people at one device, in one batch and over several', async () => {
    const partner = await story.newPartner();
    await setRule(partner, { measure: 'holders', by: 'device', limit: 2, action: 'alert' });
    const device = `device-${randomUUID()}`;

    const answers = await Promise.all(
      story.residents
        .slice(0, 3)
        .map(({ myKeyId }, index) => place(partner, { orderId: `${device}-${index}`.slice(0, 60), myKeyId, origin: { device } })),
    );
    await place(partner, { orderId: 'again', origin: { device } });
    await place(partner, { orderId: 'elsewhere', origin: { device: `${device}-2` } });

    expect(answers.every(({ status }) => status === 201)).toBe(true);
    await eventually(() => Promise.resolve(alerts.filter((one) => one.partner === partner).length === 2));
    const values = alerts.filter((one) => one.partner === partner).map(({ action, hits }) => [action, hits[0]?.value]);
    expect(values).toEqual([
      ['alert', 3],
      ['alert', 3],
    ]);
  });

  it('is a new version when it changes, and watches nothing while it is inactive', async () => {
    const partner = await story.newPartner();
    const { rule, body } = await setRule(partner, { limit: 0 });

    const same = await story.put(`screening-rules/${rule}`, body);
    const off = await story.put(`screening-rules/${rule}`, { ...body, isActive: false });

    expect([same.body.version, off.body.version]).toEqual([1, 2]);
    expect((await place(partner)).body.state).toBe('completed');
    expect((await story.read('screening-rules')).body.rules).toContainEqual(expect.objectContaining({ rule, version: 2, isActive: false }));
  });

  it.each([
    [{ measure: 'everything' }, 'measure'],
    [{ windowMinutes: 0 }, 'windowMinutes'],
    [{ limit: -1 }, 'limit'],
    [{ action: 'jail' }, 'action'],
  ])('is not set with %j', async (changes, field) => {
    const rule = { measure: 'orders', by: 'holder', windowMinutes: 60, limit: 2, action: 'review', ...changes };

    const { status, body } = await story.put('screening-rules/wrong', rule);

    expect(status).toBe(422);
    expect((body.errors as { field: string }[]).map((one) => one.field)).toContain(field);
  });

  it('can be tried on the past and finds there what it would have caught, the like of what it catches live', async () => {
    const partner = await story.newPartner();
    const device = `d-${randomUUID()}`;
    for (const { myKeyId } of story.residents) await place(partner, { myKeyId, origin: { device } });
    const [from, to] = [new Date(Date.now() - 86_400_000).toISOString(), new Date(Date.now() + 1_000).toISOString()];
    const rule = { windowMinutes: 60, action: 'review', partners: [partner] };

    const { status, body } = await story.send('screening-trials', {
      from,
      to,
      rules: [
        { ...rule, rule: 'people', measure: 'holders', by: 'device', limit: 2 },
        { ...rule, rule: 'orders', measure: 'orders', by: 'partner', limit: 1 },
        { ...rule, rule: 'points', measure: 'points', by: 'holder', limit: 100 },
      ],
    });

    expect(status).toBe(200);
    const found = body.rules as { rule: string; orders: number; municipalPoints: number; first: { value: number }[] }[];
    expect(
      found.map(({ rule: of, orders, municipalPoints, first }) => [of, orders, municipalPoints, first.map(({ value }) => value)]),
    ).toEqual([
      ['people', 2, 200, [3, 4]],
      ['orders', 3, 300, [2, 3, 4]],
      ['points', 0, 0, []],
    ]);
    expect(
      (
        await story.send('screening-trials', {
          from: '2020-01-01T00:00:00Z',
          to,
          rules: [{ ...rule, rule: 'x', measure: 'orders', by: 'holder', limit: 1 }],
        })
      ).body.errors,
    ).toMatchObject([{ field: 'to' }]);
  });
});

describe('the stop switch', () => {
  it('stops a partner, and lets it go on', async () => {
    const partner = await story.newPartner();

    await story.put(`stops/partners/${partner}`, { stopped: true, reason: 'codes were stolen' });
    const stopped = await place(partner);
    const listed = await story.read('stops');
    await story.put(`stops/partners/${partner}`, { stopped: false, reason: 'solved' });

    expect([stopped.status, stopped.body.code]).toEqual([422, 'partner-stopped']);
    expect(listed.body.stops).toMatchObject([
      { subject: `partner:${partner}`, stopped: true, reason: 'codes were stolen', actor: 'staff' },
    ]);
    expect((await place(partner)).status).toBe(201);
  });

  it('stops one person at all partners', async () => {
    const [one, other] = [await story.newPartner(), await story.newPartner()];
    const [, , taro, jiro] = story.residents;

    await story.put(`stops/holders/${taro?.holder ?? ''}`, { stopped: true, reason: 'under inquiry' });

    expect((await place(one, { myKeyId: taro?.myKeyId })).body.code).toBe('holder-stopped');
    expect((await place(other, { myKeyId: taro?.myKeyId })).body.code).toBe('holder-stopped');
    expect((await place(other, { myKeyId: jiro?.myKeyId })).status).toBe(201);
  });

  it('is for those who guard the programme', async () => {
    const partner = await story.newPartner();

    expect((await story.put(`stops/partners/${partner}`, { stopped: true, reason: 'x' }, story.partner)).body.code).toBe('scope-missing');
    expect((await call(story.at('order-reviews'), { token: story.partner })).status).toBe(403);
  });
});
