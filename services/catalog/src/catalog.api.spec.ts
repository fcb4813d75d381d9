import { randomUUID } from 'node:crypto';
import { call, testService, type Called, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { startFakeLedger, type FakeLedger } from './fake-ledger/fake-ledger.js';
import { catalog } from './index.js';
import type { OrderView } from './orders/orders.http.js';
import type { ProductView } from './products/products.http.js';

const [kawasaki, programme] = ['141305', '141305-trial'];
const everyScope = ['products', 'facilities', 'funds', 'activities', 'orders', 'donations', 'grants'].flatMap((one) => [
  `${one}:read`,
  `${one}:write`,
]);

describe('the catalogue', () => {
  let service: TestService;
  let ledger: FakeLedger;
  let token: string;
  let city: string;
  let [hanako, nextMyKeyId] = [{ holder: '', myKeyId: '' }, 10_000_000];

  beforeAll(async () => {
    service = await testService(catalog, { ANSWER_DEADLINE_MS: 3_000 });
    ledger = await startFakeLedger({ brokers: service.brokers, prefix: service.topicPrefix });
    token = await service.token(everyScope, [kawasaki]);
    city = `${service.url}/v1/municipalities/${kawasaki}`;
    hanako = await aHolder(5_000);
    await offer('melon', {});
    await put('funds/river', { name: '多摩川基金', programme });
    await put('activities/cleaning', { name: '清掃活動', programme, points: 100 });
  }, 60_000);
  afterAll(async () => {
    await ledger?.stop();
    await service?.close();
  });

  const put = (path: string, body: unknown) => call(`${city}/${path}`, { method: 'PUT', token, body });
  const get = <T>(path: string) => call<T>(`${city}/${path}`, { token });
  const post = <T>(path: string, body?: unknown, key: string = randomUUID()) =>
    call<T>(`${city}/programmes/${programme}/${path}`, { method: 'POST', token, key, ...(body !== undefined && { body }) });

  function offer(product: string, change: Partial<ProductView>): Promise<Called> {
    return put(`products/${product}`, {
      name: 'メロン',
      kind: 'mail-order',
      prices: [{ programme, points: 1_000 }],
      stock: 5,
      status: 'on-sale',
      ...change,
    });
  }

  async function aHolder(balance: number): Promise<{ holder: string; myKeyId: string }> {
    const [holder, myKeyId] = [randomUUID(), String(nextMyKeyId++)];
    await ledger.registerHolder(holder, myKeyId);
    ledger.grant(holder, balance);
    await eventually(async () => {
      const { rowCount } = await service.database.pool.query('select 1 from holder_link where holder = $1', [holder]);
      return rowCount === 1;
    });
    return { holder, myKeyId };
  }

  it('sells a product for points and takes it back whole', async () => {
    const taro = await aHolder(2_500);

    const placed = await post<OrderView>('orders', { product: 'melon', quantity: 2, myKeyId: taro.myKeyId });

    expect([placed.status, placed.body]).toMatchObject([201, { state: 'confirmed', points: 2_000, quantity: 2 }]);
    expect(ledger.balance(taro.holder)).toBe(500);
    expect(ledger.asked.at(-1)).toMatchObject({
      reference: `catalog:order:${placed.body.order}`,
      instruction: { kind: 'spend', amount: 2_000, to: 'product:melon', places: ['product:melon', 'mailorder:141305'] },
      cause: { actor: 'test-client' },
    });
    expect((await get<ProductView>('products/melon')).body).toMatchObject({ stock: 5, remaining: 3 });
    expect((await call(`${service.url}${placed.headers.get('location')}`, { token })).body).toEqual(placed.body);

    const cancelled = await post<OrderView>(`orders/${placed.body.order}/cancellations`);

    expect([cancelled.status, cancelled.body.state]).toEqual([201, 'cancelled']);
    expect(ledger.balance(taro.holder)).toBe(2_500);
    expect((await get<ProductView>('products/melon')).body.remaining).toBe(5);
    const again = await post<{ code: string }>(`orders/${placed.body.order}/cancellations`);
    expect([again.status, again.body.code]).toEqual([409, 'order-cancelled']);
  });

  it('gives the pieces back when the ledger refuses the points, and passes its reason on', async () => {
    const poor = await aHolder(999);
    const order = { product: 'melon', quantity: 1, myKeyId: poor.myKeyId };

    const refused = await post<Record<string, unknown>>('orders', order, 'poor-1');

    expect([refused.status, refused.body]).toMatchObject([422, { code: 'insufficient-points', balance: 999, needed: 1_000 }]);
    expect((await get<ProductView>('products/melon')).body.remaining).toBe(5);
    ledger.grant(poor.holder, 9_000);
    expect((await post('orders', order, 'poor-1')).body).toEqual(refused.body);
    expect((await call(`${service.url}${String(refused.body.at)}`, { token })).body).toMatchObject({
      state: 'refused',
      refusal: { code: 'insufficient-points' },
    });
  });

  it('answers 202 when the ledger is silent, and the order ends by itself', async () => {
    const slow = await service.again({ ANSWER_DEADLINE_MS: 200 } as object);
    const jiro = await aHolder(1_000);
    const orders = `${slow.url}/v1/municipalities/${kawasaki}/programmes/${programme}/orders`;
    const wish = { product: 'melon', quantity: 1, myKeyId: jiro.myKeyId };
    try {
      ledger.pause();
      const silent = await call<OrderView>(orders, { token, body: wish, key: 'silent-1' });
      const early = await call<{ code: string }>(`${orders}/${silent.body.order}/cancellations`, { method: 'POST', token });
      await ledger.resume();

      expect([silent.status, silent.body.state]).toEqual([202, 'pending']);
      expect([early.status, early.body.code]).toEqual([409, 'order-pending']);
      await eventually(async () =>
        expect((await call(`${service.url}${silent.headers.get('location')}`, { token })).body).toMatchObject({ state: 'confirmed' }),
      );
      const repeated = await call<OrderView>(orders, { token, body: wish, key: 'silent-1' });
      expect([repeated.status, repeated.body.order, repeated.headers.get('idempotency-replayed')]).toEqual([
        201,
        silent.body.order,
        'true',
      ]);
      expect(ledger.balance(jiro.holder)).toBe(0);
    } finally {
      await slow.stop();
    }
  });

  it.each<[string, object, string]>([
    ['a product nobody offers', { product: 'none' }, 'unknown-product'],
    ['a withdrawn product', { product: 'withdrawn' }, 'product-withdrawn'],
    ['a product of another programme', { product: 'other-programme' }, 'not-sold-for-programme'],
    ['more than is left', { quantity: 6 }, 'out-of-stock'],
    ['a My Key ID nobody has', { myKeyId: 'zzzzzzzz' }, 'unknown-my-key-id'],
  ])('refuses an order for %s without asking the ledger', async (_, change, code) => {
    await offer('withdrawn', { status: 'withdrawn' });
    await offer('other-programme', { prices: [{ programme: '141305-other', points: 1 }] });
    const before = ledger.asked.length;

    const { status, body } = await post<{ code: string }>('orders', { product: 'melon', quantity: 1, myKeyId: hanako.myKeyId, ...change });

    expect([status, body.code]).toEqual([422, code]);
    expect(ledger.asked.length).toBe(before);
  });

  it('donates to a fund', async () => {
    const donor = await aHolder(300);

    const { status, body } = await post<{ donation: string }>('donations', { fund: 'river', myKeyId: donor.myKeyId, amount: 200 });

    expect([status, body]).toMatchObject([201, { state: 'confirmed', amount: 200, fund: 'river' }]);
    expect(ledger.asked.at(-1)?.instruction).toEqual({ kind: 'donate', amount: 200, to: 'fund:river', places: ['fund:river'] });
    expect((await get(`programmes/${programme}/donations/${body.donation}`)).body).toEqual(body);
    const tooMuch = await post<{ code: string }>('donations', { fund: 'river', myKeyId: donor.myKeyId, amount: 101 });
    expect([tooMuch.status, tooMuch.body.code]).toEqual([422, 'insufficient-points']);
  });

  it('grants the points of an activity once for each occurrence', async () => {
    const helper = await aHolder(0);
    const wish = { activity: 'cleaning', myKeyId: helper.myKeyId, occurrence: '2026-11-23' };

    const first = await post<{ grant: string }>('activity-grants', wish);
    const second = await post<{ code: string }>('activity-grants', wish);
    const nextDay = await post('activity-grants', { ...wish, occurrence: '2026-11-24' });

    expect([first.status, first.body]).toMatchObject([201, { state: 'confirmed', points: 100 }]);
    expect([second.status, second.body.code]).toEqual([422, 'already-granted']);
    expect(nextDay.status).toBe(201);
    expect(ledger.balance(helper.holder)).toBe(200);
    expect(ledger.asked.at(-1)?.instruction).toEqual({ kind: 'issue', amount: 100, source: 'activity:cleaning', funding: 'free' });
    expect((await get(`programmes/${programme}/activity-grants/${first.body.grant}`)).body).toEqual(first.body);
  });

  it('names the facility and its tags when a ticket is ordered', async () => {
    const swimmer = await aHolder(1_000);
    await put('facilities/pool', { name: '市民プール', tags: ['group:sports'] });
    await offer('pool-ticket', { kind: 'facility-ticket', facility: 'pool', stock: null, tags: ['season:summer'] });

    const { status } = await post('orders', { product: 'pool-ticket', quantity: 1, myKeyId: swimmer.myKeyId });

    expect(status).toBe(201);
    expect(ledger.asked.at(-1)?.instruction).toMatchObject({
      places: ['product:pool-ticket', 'facility:pool', 'group:sports', 'season:summer'],
    });
  });

  it.each<[string, Partial<ProductView>, number, string]>([
    [
      'a price in points of another municipality',
      { prices: [{ programme: '222160-main', points: 1 }] },
      422,
      'programme-of-other-municipality',
    ],
    [
      'two prices in one programme',
      {
        prices: [
          { programme, points: 1 },
          { programme, points: 2 },
        ],
      },
      422,
      'price-given-twice',
    ],
    ['a facility for goods', { kind: 'goods', facility: 'pool' }, 422, 'facility-not-for-kind'],
    ['a ticket for a facility nobody knows', { kind: 'facility-ticket', facility: 'none' }, 422, 'unknown-facility'],
    ['a stock below zero', { stock: -1 }, 422, 'invalid-request'],
    ['a price of nothing', { prices: [{ programme, points: 0 }] }, 422, 'invalid-request'],
    ['a tag without a kind', { tags: ['sports'] }, 422, 'invalid-request'],
  ])('refuses a product with %s', async (_, change, status, code) => {
    const answered = await offer('wrong', change);

    expect([answered.status, answered.body.code]).toEqual([status, code]);
    expect((await get('products/wrong')).status).toBe(404);
  });

  it.each(['products', 'facilities', 'funds', 'activities'])('pages through all %s by key', async (things) => {
    const owari = `${service.url}/v1/municipalities/232262/${things}`;
    const theirs = await service.token(everyScope, ['232262']);
    const bodies: Record<string, object> = {
      products: { name: 'x', kind: 'goods', prices: [], stock: null, status: 'on-sale' },
      facilities: { name: 'x' },
      funds: { name: 'x', programme: '232262-main' },
      activities: { name: 'x', programme: '232262-main', points: 1 },
    };
    for (const id of ['c', 'a', 'b-1', 'b']) await call(`${owari}/${id}`, { method: 'PUT', token: theirs, body: bodies[things] });

    const names = [];
    for (let next: string | undefined = ''; next !== undefined;) {
      const { body }: Called<{ items: Record<string, string>[]; next?: string }> = await call(
        `${owari}?limit=3${next && `&after=${next}`}`,
        { token: theirs },
      );
      names.push(body.items.map((item) => item.product ?? item.facility ?? item.fund ?? item.activity));
      next = body.next;
    }

    expect(names).toEqual([['a', 'b', 'b-1'], ['c']]);
  });

  it('publishes an OpenAPI 3.1 document that a public linter accepts', async () => {
    const { body } = await call(`${service.url}/openapi.json`);

    const found = await lintFromString({ source: JSON.stringify(body), config: await createConfig({ extends: ['spec', 'recommended'] }) });

    expect(found.map((one) => `${one.severity} ${one.message}`)).toEqual([]);
  });
});
