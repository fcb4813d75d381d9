import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant } from '@points/database';
import { event, publish } from '@points/messaging';
import { routesOf } from '@points/service';
import { call, testService, type Called, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { lapseHolds } from './payments/lapse-holds.job.js';
import type { ActedPaymentView, PaymentView, PaymentWithActionsView } from './payments/payment-shapes.js';
import { settlement } from './settlement.js';
import { FakeLedger, fakeLedgerService } from './testing/fake-ledger.js';

const [kawasaki, fukuroi] = ['141305', '222160'];
const programme = `${kawasaki}-kawasaki`;
const deadlineMs = 1_000;

describe('settlement', () => {
  let service: TestService;
  let ledgerService: TestService;
  let token: string;
  let shops: string;
  let payments: string;
  const ledger = new FakeLedger();

  beforeAll(async () => {
    service = await testService(settlement, { PAYMENT_DEADLINE_MS: deadlineMs });
    ledgerService = await testService(fakeLedgerService(ledger), { TOPIC_PREFIX: service.topicPrefix });
    token = await service.token(['payments:write', 'payments:read', 'shops:write', 'shops:read'], [kawasaki]);
    shops = `${service.url}/v1/municipalities/${kawasaki}/shops`;
    payments = `${service.url}/v1/municipalities/${kawasaki}/programmes/${programme}/payments`;
    await put(`${service.url}/v1/municipalities/${kawasaki}/groups/brekafu`, { name: 'ブレーメン通り商店街' });
    for (const shop of ['tofu', 'fish', 'elsewhere'])
      await put(`${shops}/${shop}`, { name: shop, group: 'brekafu', programmes: [programme], status: 'active' });
    await eventually(async () => (await call(`${service.url}/health/ready`)).status === 200, { timeoutMs: 30_000 });
    await eventually(async () => (await call(`${ledgerService.url}/health/ready`)).status === 200, { timeoutMs: 30_000 });
  }, 90_000);
  afterEach(() => {
    ledger.gate = Promise.resolve();
  });
  afterAll(async () => {
    await service?.close();
    await ledgerService?.close();
  });

  const put = (url: string, body: unknown) => call(url, { method: 'PUT', token, body });
  const read = (payment: string) => call<PaymentWithActionsView>(`${payments}/${payment}`, { token });
  const pay = (body: object, key?: string) =>
    call<PaymentView & { code: string }>(payments, { token, body: { shop: 'tofu', ...body }, ...(key !== undefined && { key }) });
  const act = (payment: string, what: string, body: object = {}, key?: string) =>
    call<ActedPaymentView & { code: string; left: number }>(`${payments}/${payment}/${what}`, {
      token,
      body,
      ...(key !== undefined && { key }),
    });

  let count = 0;
  /** A holder known to this service, with points in the ledger. */
  async function holder(points: number): Promise<{ holder: string; myKeyId: string }> {
    const one = { holder: randomUUID(), myKeyId: `M${String(++count).padStart(7, '0')}` };
    ledger.give(one.holder, points);
    await register(one);
    await eventually(
      async () =>
        (await service.database.transaction(everyTenant, (tx) => tx.query('select 1 from holder_link where my_key_id = $1', [one.myKeyId])))
          .length === 1,
    );
    return one;
  }
  const register = (one: { holder: string; myKeyId: string }) =>
    ledgerService.database.transaction(everyTenant, (tx) =>
      publish(tx, [event(holderRegisteredV1, { ...one, registeredAt: new Date().toISOString() })]),
    );
  /** Until `open` is called the ledger takes nothing in. */
  function closeLedger(): () => void {
    let open: () => void = () => undefined;
    ledger.gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }
  const statesOf = (called: Called<{ state?: string }>[]) => called.map((one) => `${one.status} ${one.body.state ?? ''}`);

  it('takes a payment in the HTTP response: one spend of the ledger, and the balance after it', async () => {
    const { holder: id, myKeyId } = await holder(1_000);

    const { status, body } = await pay({ myKeyId, amount: 300, terminal: 'T1', receipt: 'R-1' });

    expect(status).toBe(201);
    expect(body).toEqual({
      payment: expect.any(String) as string,
      state: 'captured',
      amount: 300,
      captured: 300,
      refunded: 0,
      shop: 'tofu',
      capture: 'now',
      balance: 700,
      terminal: 'T1',
      receipt: 'R-1',
      createdAt: expect.any(String) as string,
    });
    expect(ledger.balanceOf(id)).toBe(700);
    expect((await read(body.payment)).body).toEqual({ ...body, actions: [] });
    expect(ledger.requests.filter((one) => one.account === `holder:${id}`)).toMatchObject([
      {
        reference: `settlement:payment:${body.payment}`,
        instruction: { kind: 'spend', amount: 300, to: 'merchant:tofu', places: ['shop:tofu', 'group:brekafu'] },
        cause: { actor: 'test-client' },
      },
    ]);
  });

  it('declines with the code of the ledger, and books nothing', async () => {
    const { holder: id, myKeyId } = await holder(100);

    const tooMuch = await pay({ myKeyId, amount: 101 }, 'declined');
    const elsewhere = await pay({ myKeyId, amount: 100, shop: 'elsewhere' });

    expect([tooMuch.status, tooMuch.body]).toMatchObject([
      422,
      { code: 'insufficient-points', needed: 101, available: 100, state: 'refused' },
    ]);
    expect([elsewhere.status, elsewhere.body.code]).toEqual([422, 'not-usable-here']);
    expect(ledger.balanceOf(id)).toBe(100);
    expect((await pay({ myKeyId, amount: 101 }, 'declined')).body).toEqual(tooMuch.body);
  });

  it('refuses before anything is booked, in a fixed order', async () => {
    const { myKeyId } = await holder(100);
    await put(`${shops}/closed`, { name: 'closed', programmes: [programme], status: 'suspended' });
    await put(`${shops}/other`, { name: 'other', programmes: [], status: 'active' });
    const before = ledger.requests.length;

    const codes = [
      await pay({ myKeyId, amount: 1, shop: 'nobody' }),
      await pay({ myKeyId, amount: 1, shop: 'closed' }),
      await pay({ myKeyId, amount: 1, shop: 'other' }),
      await pay({ myKeyId: 'ZZZZZZZZ', amount: 1 }),
      await pay({ myKeyId, amount: 0 }),
      await pay({ myKeyId, amount: 1, receipt: 'x'.repeat(65) }),
    ].map((one) => `${one.status} ${one.body.code}`);

    expect(codes).toEqual([
      '422 unknown-shop',
      '422 shop-suspended',
      '422 programme-not-taken',
      '422 unknown-my-key-id',
      '422 invalid-request',
      '422 invalid-request',
    ]);
    expect(ledger.requests).toHaveLength(before);
  });

  it('takes a changed shop for what it is from the next payment on', async () => {
    const { myKeyId } = await holder(100);
    await put(`${shops}/changing`, { name: 'changing', programmes: [programme], status: 'active' });
    const first = await pay({ myKeyId, amount: 1, shop: 'changing' }, 'before-the-change');
    await put(`${shops}/changing`, { name: 'changing', programmes: [programme], status: 'suspended' });

    expect((await pay({ myKeyId, amount: 1, shop: 'changing' })).body.code).toBe('shop-suspended');
    expect((await pay({ myKeyId, amount: 1, shop: 'changing' }, 'before-the-change')).body).toEqual(first.body);
  });

  it('follows a holder to a new My Key ID', async () => {
    const one = await holder(100);
    await pay({ myKeyId: one.myKeyId, amount: 1 });
    await register({ holder: one.holder, myKeyId: 'NEW00001' });

    await eventually(async () => (await pay({ myKeyId: 'NEW00001', amount: 1 })).status === 201);
    expect((await pay({ myKeyId: one.myKeyId, amount: 1 })).body.code).toBe('unknown-my-key-id');
  });

  it('answers ten equal requests with one payment', async () => {
    const { holder: id, myKeyId } = await holder(1_000);

    const called = await Promise.all(Array.from({ length: 10 }, () => pay({ myKeyId, amount: 10 }, 'ten-at-once')));

    expect(called.filter((one) => one.status === 201).length).toBeGreaterThanOrEqual(1);
    expect(called.filter((one) => one.status !== 201).map((one) => one.body.code)).toEqual(
      called.filter((one) => one.status !== 201).map(() => 'request-in-progress'),
    );
    const again = await pay({ myKeyId, amount: 10 }, 'ten-at-once');
    expect([again.status, again.headers.get('idempotency-replayed'), ledger.balanceOf(id)]).toEqual([201, 'true', 990]);
    expect((await pay({ myKeyId, amount: 11 }, 'ten-at-once')).body.code).toBe('idempotency-key-reused');
    expect((await act(again.body.payment, 'refunds', { amount: 1 }, 'ten-at-once')).body.code).toBe('idempotency-key-reused');
  });

  it('holds points, captures them in parts and gives the rest back', async () => {
    const { holder: id, myKeyId } = await holder(1_000);

    const held = await pay({ myKeyId, amount: 500, capture: 'later' });
    const first = await act(held.body.payment, 'captures', { amount: 200, final: false }, 'first-part');
    const again = await act(held.body.payment, 'captures', { amount: 200, final: false }, 'first-part');
    const tooMuch = await act(held.body.payment, 'captures', { amount: 301 });
    const last = await act(held.body.payment, 'captures', { amount: 100 });

    expect([held.status, held.body]).toMatchObject([201, { state: 'authorised', captured: 0, balance: 500 }]);
    expect([first.status, first.body]).toMatchObject([
      201,
      { state: 'authorised', captured: 200, asked: { kind: 'capture', amount: 200, state: 'done' } },
    ]);
    expect([again.headers.get('idempotency-replayed'), again.body]).toEqual(['true', first.body]);
    expect([tooMuch.status, tooMuch.body.code, tooMuch.body.left]).toEqual([422, 'capture-exceeds', 300]);
    expect([last.status, last.body]).toMatchObject([201, { state: 'captured', captured: 300, balance: 700 }]);
    expect([last.body.holdUntil, ledger.balanceOf(id), ledger.availableOf(`holder:${id}`)]).toEqual([undefined, 700, 700]);
  });

  it('refunds in parts, over several captures, and never above what was captured', async () => {
    const { holder: id, myKeyId } = await holder(1_000);
    const { body } = await pay({ myKeyId, amount: 500, capture: 'later' });
    await act(body.payment, 'captures', { amount: 300, final: false });
    await act(body.payment, 'captures', {});

    const part = await act(body.payment, 'refunds', { amount: 250 });
    const tooMuch = await act(body.payment, 'refunds', { amount: 251 });
    const rest = await act(body.payment, 'refunds', { amount: 250 });

    expect([part.status, part.body]).toMatchObject([201, { state: 'captured', refunded: 250, balance: 750 }]);
    expect([tooMuch.status, tooMuch.body.code, tooMuch.body.left]).toEqual([422, 'refund-exceeds', 250]);
    expect([rest.status, rest.body]).toMatchObject([201, { state: 'refunded', refunded: 500 }]);
    expect(ledger.balanceOf(id)).toBe(1_000);
  });

  it('lets refunds that race give back no more than was captured', async () => {
    const { holder: id, myKeyId } = await holder(1_000);
    const { body } = await pay({ myKeyId, amount: 100 });

    const called = await Promise.all(Array.from({ length: 6 }, () => act(body.payment, 'refunds', { amount: 40 })));

    expect(called.map((one) => one.status).sort()).toEqual([201, 201, 422, 422, 422, 422]);
    expect((await read(body.payment)).body).toMatchObject({ refunded: 80, state: 'captured' });
    expect(ledger.balanceOf(id)).toBe(980);
  });

  it('cancels what is held and what is captured', async () => {
    const { holder: id, myKeyId } = await holder(1_000);
    const [held, captured, both] = [
      await pay({ myKeyId, amount: 100, capture: 'later' }),
      await pay({ myKeyId, amount: 100 }),
      await pay({ myKeyId, amount: 100, capture: 'later' }),
    ];
    await act(both.body.payment, 'captures', { amount: 60, final: false });
    await act(captured.body.payment, 'refunds', { amount: 30 });

    const called = [];
    for (const one of [held, captured, both]) called.push(await act(one.body.payment, 'cancellations'));

    expect(statesOf(called)).toEqual(['201 cancelled', '201 cancelled', '201 cancelled']);
    expect(called.map((one) => one.body.asked.amount)).toEqual([100, 70, 100]);
    expect([ledger.balanceOf(id), ledger.availableOf(`holder:${id}`)]).toEqual([1_000, 1_000]);
    expect((await act(held.body.payment, 'cancellations')).body.code).toBe('payment-ended');
    expect((await act(held.body.payment, 'captures')).body.code).toBe('payment-not-authorised');
  });

  it('answers 202 past the deadline, and the payment ends by itself', async () => {
    const { holder: id, myKeyId } = await holder(1_000);
    const open = closeLedger();

    const { status, body, headers } = await pay({ myKeyId, amount: 10 }, 'slow');
    const repeated = await pay({ myKeyId, amount: 10 }, 'slow');
    open();

    expect([status, body.state, body.captured]).toEqual([202, 'pending', 0]);
    expect([repeated.status, repeated.body.payment, repeated.headers.get('idempotency-replayed')]).toEqual([202, body.payment, 'true']);
    await eventually(
      async () => (await call<PaymentView>(`${service.url}${headers.get('location')}`, { token })).body.state === 'captured',
    );
    expect([(await pay({ myKeyId, amount: 10 }, 'slow')).status, ledger.balanceOf(id)]).toEqual([201, 990]);
  });

  it.each(['now', 'later'] as const)('undoes a payment (capture: %s) that was cancelled before the ledger answered', async (capture) => {
    const { holder: id, myKeyId } = await holder(1_000);
    const open = closeLedger();
    const { body } = await pay({ myKeyId, amount: 10, capture }, `gave-up-${capture}`);

    const cancelled = await act(body.payment, 'cancellations', {}, `cancel-${capture}`);
    open();

    expect([cancelled.status, cancelled.body]).toMatchObject([202, { state: 'cancelling', asked: { state: 'pending' } }]);
    await eventually(async () => (await read(body.payment)).body.state === 'cancelled');
    expect((await read(body.payment)).body.actions).toMatchObject([{ kind: 'cancellation', amount: 10, state: 'done' }]);
    expect([ledger.balanceOf(id), ledger.availableOf(`holder:${id}`)]).toEqual([1_000, 1_000]);
    expect((await act(body.payment, 'cancellations', {}, `cancel-${capture}`)).status).toBe(201);
    expect((await pay({ myKeyId, amount: 10, capture }, `gave-up-${capture}`)).body.code).toBe('payment-cancelled');
  });

  it('has nothing to undo when the ledger refuses a payment that was cancelled meanwhile', async () => {
    const { myKeyId } = await holder(1);
    const open = closeLedger();
    const { body } = await pay({ myKeyId, amount: 10 });
    await act(body.payment, 'cancellations');
    open();

    await eventually(async () => (await read(body.payment)).body.state === 'refused');
    expect((await read(body.payment)).body.actions).toMatchObject([{ kind: 'cancellation', amount: 0, state: 'done' }]);
  });

  it('ends a hold whose time is over', async () => {
    const { holder: id, myKeyId } = await holder(100);
    const { body } = await pay({ myKeyId, amount: 40, capture: 'later' });
    const inTwoWeeks = new Date(Date.now() + 14 * 86_400_000);

    expect(await lapseHolds(service.database, new Date())).toBe(0);
    expect(await lapseHolds(service.database, inTwoWeeks)).toBe(1);
    expect(await lapseHolds(service.database, inTwoWeeks)).toBe(0);

    await eventually(async () => (await read(body.payment)).body.state === 'lapsed');
    expect(ledger.availableOf(`holder:${id}`)).toBe(100);
  });

  it('answers through the replica that holds the call, whichever reads the ledger’s fact', async () => {
    const other = await service.again();
    try {
      const holders = await Promise.all(Array.from({ length: 8 }, () => holder(100)));
      const replicas = [service.url, other.url];

      const called = await Promise.all(
        holders.flatMap(({ myKeyId }) =>
          replicas.map((url) =>
            call<PaymentView>(`${url}/v1/municipalities/${kawasaki}/programmes/${programme}/payments`, {
              token,
              body: { shop: 'fish', myKeyId, amount: 1 },
            }),
          ),
        ),
      );

      expect(new Set(statesOf(called))).toEqual(new Set(['201 captured']));
    } finally {
      await other.stop();
    }
  }, 60_000);

  it('keeps a payment to its municipality and programme', async () => {
    const { myKeyId } = await holder(100);
    const { body } = await pay({ myKeyId, amount: 1 });
    const theirs = await service.token(['payments:read', 'payments:write'], [fukuroi]);

    const asOthers = await call(`${payments}/${body.payment}`, { token: theirs });
    const inTheirs = await call(`${service.url}/v1/municipalities/${fukuroi}/programmes/${fukuroi}-x/payments/${body.payment}`, {
      token: theirs,
    });
    const inOther = await call(
      `${service.url}/v1/municipalities/${kawasaki}/programmes/${kawasaki}-other/payments/${body.payment}/refunds`,
      { token, body: { amount: 1 } },
    );

    expect([asOthers, inTheirs, inOther].map((one) => `${one.status} ${String(one.body['code'])}`)).toEqual([
      '403 tenant-not-allowed',
      '404 unknown-payment',
      '404 unknown-payment',
    ]);
  });

  describe('shops', () => {
    const shop = (id: string) => ({ shop: id, name: `店 ${id}`, programmes: [programme], status: 'active', tags: ['facility:pool'] });

    it('are made in bulk, all or none, and listed by page', async () => {
      const bulk = (list: object[], key?: string) =>
        call<Record<string, unknown>>(`${shops}/bulk`, { token, body: { shops: list }, ...(key && { key }) });
      const made = await bulk(
        ['b1', 'b2', 'b3'].map((id) => ({ ...shop(id), group: 'brekafu' })),
        'bulk',
      );
      const again = await bulk(
        ['b1', 'b2', 'b3'].map((id) => ({ ...shop(id), group: 'brekafu' })),
        'bulk',
      );
      const unknownGroup = await bulk([shop('b4'), { ...shop('b5'), group: 'nobody' }]);
      const foreign = await bulk([{ ...shop('b4'), programmes: [`${fukuroi}-x`] }]);
      const twice = await bulk([shop('b4'), shop('b4')]);

      expect([made.status, made.body, again.headers.get('idempotency-replayed')]).toEqual([200, { shops: 3 }, 'true']);
      expect([unknownGroup, foreign, twice].map((one) => `${one.status} ${String(one.body['code'])}`)).toEqual([
        '422 unknown-group',
        '422 foreign-programme',
        '422 shop-twice',
      ]);
      expect((await call(`${shops}/b4`, { token })).status).toBe(404);
      expect((await call(`${shops}/b1`, { token })).body).toEqual({ ...shop('b1'), group: 'brekafu' });
      const page = await call<{ shops: { shop: string }[]; next: string }>(`${shops}?group=brekafu&limit=2`, { token });
      const next = await call<{ shops: { shop: string }[]; next?: string }>(`${shops}?group=brekafu&limit=2&after=${page.body.next}`, {
        token,
      });
      expect([page.body.shops.map((one) => one.shop), next.body.shops.map((one) => one.shop)]).toEqual([
        ['b1', 'b2'],
        ['b3', 'elsewhere'],
      ]);
      expect((await call(`${service.url}/v1/municipalities/${kawasaki}/groups?limit=1`, { token })).body).toEqual({
        groups: [{ group: 'brekafu', name: 'ブレーメン通り商店街' }],
      });
    });
  });

  it('guards every route with a scope and a tenant', async () => {
    const open = routesOf(service.app).filter((route) => route.operation.public);
    expect(open.map((route) => route.path)).toEqual(['/health/live', '/health/ready', '/metrics']);
    for (const route of routesOf(service.app).filter((one) => !one.operation.public)) {
      const url = `${service.url}${route.path.replace(':municipality', kawasaki).replace(':programme', programme).replace(/:\w+/g, randomUUID())}`;
      const ask = async (scopes: string[], tenants: string[]) =>
        (
          await call(url, {
            method: route.method.toUpperCase(),
            token: await service.token(scopes, tenants),
            ...(route.body && { body: {} }),
          })
        ).body['code'];
      expect([route.path, (await call(url, { method: route.method.toUpperCase(), ...(route.body && { body: {} }) })).body['code']]).toEqual(
        [route.path, 'token-missing'],
      );
      expect([route.path, await ask(['other'], [kawasaki])]).toEqual([route.path, 'scope-missing']);
      expect([route.path, await ask([route.operation.scope ?? ''], [fukuroi])]).toEqual([route.path, 'tenant-not-allowed']);
    }
  });

  it('publishes an OpenAPI 3.1 document that a public linter accepts', async () => {
    const { body } = await call(`${service.url}/openapi.json`);
    const config = await createConfig({
      extends: ['spec', 'recommended'],
      rules: { 'no-server-example.com': 'off', 'operation-4xx-response': 'error' },
    });

    const found = await lintFromString({ source: JSON.stringify(body), config });

    expect(found.map((one) => `${one.severity} ${one.ruleId} ${one.message} ${JSON.stringify(one.location[0]?.pointer)}`)).toEqual([]);
  });

  it('leaves no event behind', async () => {
    await eventually(
      async () => (await service.database.transaction(everyTenant, (tx) => tx.query('select 1 from outbox limit 1'))).length === 0,
    );
    expect(await service.database.transaction(everyTenant, (tx) => tx.query('select reason, detail from dead_letter'))).toEqual([]);
  });
});
