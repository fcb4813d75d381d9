import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant, tenants } from '@points/database';
import { openApiOf, routesOf } from '@points/http';
import { event, publish } from '@points/messaging';
import { addDays, jstDateOf, parseInstant } from '@points/kernel';
import { call, testService, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import pg from 'pg';
import { exchange } from './exchange.js';
import { notCredited } from './rules/match-credits.js';
import { startCardSchemeProcess, type CardSchemeProcess } from './testing/card-scheme-process.js';
import { closedProgramme, fakeLedger, unknownProgramme, type FakeLedger } from './testing/fake-ledger.js';

const [kawasaki, tamana] = ['141305', '432067'];
const programme = `${kawasaki}-trial`;
const scheme = 'ブレカ';
const secret = 'street-s3cret';
const hanako = { holder: '01890a5d-ac96-774b-bcce-b302099a8057', myKeyId: 'WH7KTXH4' };

let service: TestService;
let ledger: FakeLedger;
let card: CardSchemeProcess;
/** The system of card-a, and the staff's tool that brings history in and acts for every partner. */
let partner: string;
let staff: string;
/** The second person. */
let chief: string;

beforeAll(async () => {
  service = await testService(exchange, { OUTSIDE_ALLOW_PRIVATE: 'true' });
  [ledger, card] = await Promise.all([fakeLedger(service.topicPrefix), startCardSchemeProcess(secret)]);
  partner = await service.token(['exchange:write', 'exchange:read'], [kawasaki], 'card-a-system');
  staff = await service.token(
    [
      ...['partners:write', 'partners:read', 'schemes:write', 'exchange:write', 'exchange:read', 'exchange:on-behalf'],
      ...['conversions:write', 'conversions:read', 'history:write'],
    ],
    [kawasaki],
    'kawasaki-staff',
  );
  chief = await service.token(['partners:approve', 'partners:write'], [kawasaki], 'kawasaki-chief');
  for (const one of [programme, closedProgramme, unknownProgramme]) {
    await put(`programmes/${one}/partners/card-a`, { ...cardA, clients: ['card-a-system'] });
    await put(`programmes/${one}/schemes/${encodeURIComponent(scheme)}`, { name: 'モトスミ・ブレーメン通り', endpoint: card.url, secret });
  }
  await put(`programmes/${programme}/partners/card-b`, {
    name: 'Card B',
    rate: { numerator: 5, denominator: 1 },
    lotPartnerPoints: 200,
    minPartnerPoints: 400,
    maxPartnerPoints: 10_000,
    validTo: '2018-11-30',
    clients: ['card-b-system'],
  });
  await registerHolder(service, hanako);
}, 60_000);

afterAll(async () => {
  await ledger?.close();
  await service?.close();
  await card?.stop();
});

const cardA = { name: 'Card A', rate: { numerator: 1, denominator: 1 }, lotPartnerPoints: 500 };
const at = (path: string) => `${service.url}/v1/municipalities/${kawasaki}/${path}`;
const put = (path: string, body: object) => call(at(path), { method: 'PUT', token: staff, body });
/** One person proposes, another approves. */
const changeTerms = async (path: string, terms: object, holdsFrom?: string) => {
  const { body: change } = await call<{ change: string }>(at(`${path}/changes`), {
    token: staff,
    body: { terms, reason: 'agreed by letter', ...(holdsFrom && { holdsFrom }) },
  });
  return call(at(`${path}/changes/${change.change}/approvals`), { token: chief, body: { change: change.change } });
};
const newId = (kind: string) => `${kind}-${randomUUID().slice(0, 8)}`;
const anOrder = (changes: object = {}) => ({
  orderId: newId('KWS'),
  myKeyId: hanako.myKeyId,
  partner: 'card-a',
  partnerPoints: 500,
  ...changes,
});
const place = (body: object, options: { key?: string; token?: string; of?: string } = {}) =>
  call(at(`programmes/${options.of ?? programme}/exchange-orders`), { token: partner, body, ...options });
const readOrder = (order: { orderId: string; partner: string }, of = programme) =>
  call(at(`programmes/${of}/partners/${order.partner}/exchange-orders/${order.orderId}`), { token: staff });
const aConversion = (changes: object = {}) => ({ conversionId: newId('BRE'), myKeyId: hanako.myKeyId, scheme, points: 100, ...changes });
const convert = (body: object, options: { key?: string; of?: string } = {}) =>
  call(at(`programmes/${options.of ?? programme}/conversions`), { token: staff, body, ...options });
const readConversion = (id: string) => call(at(`programmes/${programme}/conversions/${id}`), { token: staff });
const askedFor = (id: string) => ledger.asked.filter((one) => one.reference.includes(id));

async function registerHolder(where: TestService, { holder, myKeyId }: typeof hanako): Promise<void> {
  const data = { holder, myKeyId, registeredAt: new Date().toISOString() };
  // The outbox of any service may tell it: what counts is what arrives.
  await where.database.transaction(everyTenant, (tx) => publish(tx, [event(holderRegisteredV1, data)]));
  await eventually(async () => {
    const { rowCount } = await where.database.pool.query('select 1 from holder_link where holder = $1 and my_key_id = $2', [
      holder,
      myKeyId,
    ]);
    return rowCount === 1;
  });
}

describe('a partner', () => {
  it('is new once, the same again, and no other by one person’s word', async () => {
    const path = `programmes/${programme}/partners/${encodeURIComponent('電力A')}`;
    const terms = { name: '電力A', rate: { numerator: 1, denominator: 2 }, lotPartnerPoints: 100 };

    const first = await put(path, terms);
    const again = await put(path, { ...terms, rate: { numerator: 2, denominator: 4 } });
    const changed = await put(path, { ...terms, rate: { numerator: 3, denominator: 4 }, clients: ['x'] });

    expect([first, again, changed].map((one) => one.status)).toEqual([201, 200, 409]);
    expect(first.body).toMatchObject({ partner: '電力A', kind: 'direct', rate: { version: 1 }, clients: [] });
    expect(changed.body).toMatchObject({ code: 'change-needs-approval', errors: [{ field: 'rate' }, { field: 'clients' }] });
    expect((await call(at(path), { token: staff })).body).toEqual(first.body);
  });

  it('is listed in order of id, page by page', async () => {
    const { body: all } = await call<{ partners: { partner: string }[] }>(at(`programmes/${programme}/partners`), { token: staff });
    const { body: page } = await call<{ partners: { partner: string }[]; next: string }>(at(`programmes/${programme}/partners?limit=1`), {
      token: staff,
    });

    const ids = all.partners.map((one) => one.partner);
    expect(ids.slice(0, 2)).toEqual(['card-a', 'card-b']);
    expect(page).toMatchObject({ partners: [{ partner: 'card-a' }], next: 'card-a' });
  });

  it.each([
    [{ ...cardA, rate: { numerator: 0, denominator: 1 } }, 'rate.numerator'],
    [{ ...cardA, rate: { numerator: 1.5, denominator: 1 } }, 'rate.numerator'],
    [{ ...cardA, rate: { numerator: 1, denominator: 1_000_000_001 } }, 'rate.denominator'],
    [{ ...cardA, lotPartnerPoints: 0 }, 'lotPartnerPoints'],
    [{ ...cardA, minPartnerPoints: 10, maxPartnerPoints: 9 }, 'maxPartnerPoints'],
    [{ ...cardA, maxPartnerPoints: 499 }, 'maxPartnerPoints'],
    [{ ...cardA, validFrom: '2018-02-30' }, 'validFrom'],
    [{ ...cardA, validFrom: '2018-03-01', validTo: '2018-02-28' }, 'validTo'],
  ])('is not set up with %j', async (body, field) => {
    const { status, body: said } = await put(`programmes/${programme}/partners/wrong`, body);

    expect([status, said.code]).toEqual([422, 'invalid-request']);
    expect((said.errors as { field: string }[]).map((one) => one.field)).toContain(field);
  });

  it('belongs to a programme of the municipality in the path', async () => {
    expect((await put(`programmes/${tamana}-city/partners/card-a`, cardA)).body.code).toBe('unknown-programme');
  });
});

describe('an exchange order', () => {
  it('issues the points of the rate, asked of the ledger once', async () => {
    const order = anOrder({ partnerPoints: 1500, municipalPoints: 1500 });
    const before = ledger.balance(hanako.holder).balance;

    const { status, body } = await place(order);

    expect(status).toBe(201);
    expect(body).toMatchObject({
      orderId: order.orderId,
      state: 'completed',
      municipalPoints: 1500,
      rate: { numerator: 1, denominator: 1, version: 1 },
    });
    expect(ledger.balance(hanako.holder).balance).toBe(before + 1500);
    expect(askedFor(order.orderId)).toEqual([
      {
        reference: `exchange:order:${programme}:card-a:${order.orderId}`,
        municipality: kawasaki,
        programme,
        account: `holder:${hanako.holder}`,
        instruction: { kind: 'issue', amount: 1500, source: 'partner:card-a', funding: 'paid' },
        cause: { actor: 'card-a-system' },
      },
    ]);
    expect((await readOrder(order)).body).toEqual(body);
  });

  it('is answered the same to a repeated key', async () => {
    const order = anOrder();
    const key = randomUUID();
    const first = await place(order, { key });

    const again = await place(order, { key });

    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(askedFor(order.orderId)).toHaveLength(1);
  });

  it('is the same order under another key, and no other order may take its id', async () => {
    const order = anOrder({ acceptedAt: '2018-02-28T09:00:00+09:00' });
    await place(order, { token: staff });

    const same = await place({ ...order, acceptedAt: '2018-02-28T00:00:00Z' }, { token: staff });
    const other = await place({ ...order, partnerPoints: 1000 }, { token: staff });

    expect([same.status, same.body.state]).toEqual([200, 'completed']);
    expect([other.status, other.body.code]).toEqual([409, 'order-exists']);
    expect(other.body.errors).toEqual([{ field: 'partnerPoints', reason: 'differs from the order that exists' }]);
    expect(askedFor(order.orderId)).toHaveLength(1);
  });

  it('is placed once by ten requests at the same time', async () => {
    const order = anOrder();

    const answers = await Promise.all(Array.from({ length: 10 }, () => place(order)));

    expect(answers.map((one) => one.status).sort()).toEqual([...Array.from({ length: 9 }, () => 200), 201]);
    expect(askedFor(order.orderId)).toHaveLength(1);
  });

  it('is refused a key that was used for another body', async () => {
    const key = randomUUID();
    await place(anOrder(), { key });

    expect((await place(anOrder(), { key })).body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });

  it('is told to come again while the same key is in progress', async () => {
    const order = anOrder();
    const key = randomUUID();
    const admin = new pg.Client({ connectionString: service.fresh.adminUrl, options: '-c search_path=exchange' });
    await admin.connect();
    try {
      // An unfinished insert of the same order keeps the first request in its transaction.
      await admin.query('begin');
      await admin.query(
        `insert into exchange_order (id, tenant, programme, partner, order_id, reference, my_key_id, holder, partner_points, municipal_points,
                                     terms_version, accepted_at, client, state)
         values ($1, $2, $3, 'card-a', $4, 'exchange:order:blocker', 'x', $1, 1, 1, 1, now(), 'x', 'pending')`,
        [randomUUID(), kawasaki, programme, order.orderId],
      );
      const first = place(order, { key });
      await eventually(async () => {
        const { rowCount } = await admin.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rowCount === 1;
      });

      const second = await place(order, { key });
      await admin.query('rollback');

      expect([second.status, second.body.code]).toEqual([409, 'request-in-progress']);
      expect((await first).status).toBe(201);
    } finally {
      await admin.end();
    }
  });

  it.each([
    [{ partner: 'card-x' }, 'unknown-partner', { partner: 'card-x' }],
    [{ myKeyId: 'ZZZZZZZZ' }, 'unknown-my-key-id', {}],
    [{ partnerPoints: 750 }, 'not-whole-lots', { lot: 500 }],
    [{ partner: 'card-b', partnerPoints: 200, acceptedAt: '2018-01-01T00:00:00Z' }, 'below-minimum', { minimum: 400 }],
    [{ partner: 'card-b', partnerPoints: 10_200, acceptedAt: '2018-01-01T00:00:00Z' }, 'above-maximum', { maximum: 10_000 }],
    [
      { partner: 'card-b', partnerPoints: 400, municipalPoints: 400, acceptedAt: '2018-01-01T00:00:00Z' },
      'ratio-mismatch',
      { expected: 2000 },
    ],
    [{ partner: 'card-b', partnerPoints: 400, acceptedAt: '2018-11-30T15:00:00Z' }, 'partner-not-open', { validTo: '2018-11-30' }],
  ])('with %j is refused: %s, and stores nothing', async (changes, code, facts) => {
    const order = anOrder(changes);

    const { status, headers, body } = await place(order, { token: staff });

    expect(status).toBe(422);
    expect(headers.get('content-type')).toMatch('application/problem+json');
    expect(body).toMatchObject({ code, ...facts });
    expect((await readOrder(order)).status).toBe(404);
    expect(askedFor(order.orderId)).toEqual([]);
  });

  it.each([
    [closedProgramme, 'outside-period', { lastDay: '2018-11-30' }],
    [unknownProgramme, 'unknown-programme', {}],
  ])('of %s passes on what the ledger refuses, for ever', async (of, code, facts) => {
    const order = anOrder();
    const key = randomUUID();

    const answers = [await place(order, { of, key }), await place(order, { of, key }), await place(order, { of })];

    for (const { status, body } of answers) {
      expect(status).toBe(422);
      expect(body).toMatchObject({ code, state: 'refused', orderId: order.orderId, ...facts });
    }
    expect((await readOrder(order, of)).body).toMatchObject({ state: 'refused', refusal: { code } });
    expect(askedFor(order.orderId)).toHaveLength(1);
  });

  it('may be placed by the partner’s clients, and on its behalf by who has the scope', async () => {
    const other = await service.token(['exchange:write', 'exchange:read'], [kawasaki], 'card-b-system');

    const foreign = await place(anOrder(), { token: other });
    const onBehalf = await place(anOrder(), { token: staff });

    expect([foreign.status, foreign.body.code]).toEqual([403, 'client-not-of-partner']);
    expect(onBehalf.status).toBe(201);
  });

  it('is not shown to another partner’s system', async () => {
    const order = anOrder();
    await place(order);
    const path = at(`programmes/${programme}/partners/card-a/exchange-orders/${order.orderId}`);
    const other = await service.token(['exchange:read'], [kawasaki], 'card-b-system');

    expect((await call(path, { token: other })).body.code).toBe('unknown-order');
    expect((await call(path, { token: partner })).status).toBe(200);
  });

  it('is not shown to the system of another programme’s partner, nor to one that the terms named once', async () => {
    const elsewhere = `${kawasaki}-elsewhere`;
    await put(`programmes/${elsewhere}/partners/card-e`, { ...cardA, clients: ['card-e-system'] });
    await put(`programmes/${programme}/partners/card-f`, { ...cardA, clients: ['card-f-system'] });
    await changeTerms(`programmes/${programme}/partners/card-f`, { ...cardA, clients: ['card-f-new'] });
    const order = anOrder();
    await place(order);
    const of = (one: string) => at(`programmes/${programme}/partners/${one}/exchange-orders`);

    for (const client of ['card-e-system', 'card-f-system', 'card-f-new']) {
      const token = await service.token(['exchange:read'], [kawasaki], client);
      expect((await call(`${of('card-a')}/${order.orderId}`, { token })).status).toBe(404);
      expect((await call(of('card-f'), { token })).status).toBe(client === 'card-f-new' ? 200 : 404);
    }
  });

  it('takes its own time with the scope for history, and tells it to the ledger', async () => {
    const order = anOrder({ acceptedAt: '2017-11-28T09:47:06+09:00' });

    const refused = await place(order);
    const accepted = await place(order, { token: staff });

    expect([refused.status, refused.body.scope]).toEqual([403, 'history:write']);
    expect(accepted.body).toMatchObject({
      state: 'completed',
      acceptedAt: '2017-11-28T00:47:06.000Z',
      bookedAt: '2017-11-28T00:47:06.000Z',
    });
    expect(askedFor(order.orderId)).toMatchObject([{ effectiveAt: '2017-11-28T00:47:06.000Z' }]);
  });

  it('keeps the version of the rate under which it was placed', async () => {
    const path = `programmes/${programme}/partners/changing`;
    await put(path, { ...cardA, lotPartnerPoints: 1 });
    const order = anOrder({ partner: 'changing', partnerPoints: 10 });
    await place(order, { token: staff });

    await changeTerms(path, { ...cardA, lotPartnerPoints: 1, rate: { numerator: 3, denominator: 2 } });

    expect((await readOrder(order)).body).toMatchObject({ municipalPoints: 10, rate: { numerator: 1, version: 1 } });
    const later = await place(anOrder({ partner: 'changing', partnerPoints: 11 }), { token: staff });
    expect(later.body).toMatchObject({ municipalPoints: 16, rate: { numerator: 3, denominator: 2, version: 2 } });
    const history = await place(anOrder({ partner: 'changing', partnerPoints: 11, acceptedAt: '2018-01-01T00:00:00Z' }), { token: staff });
    expect(history.body).toMatchObject({ municipalPoints: 11, rate: { version: 1 } });
  });

  it('with Japanese ids is placed and read', async () => {
    await put(`programmes/${programme}/partners/${encodeURIComponent('電力会社')}`, { ...cardA, lotPartnerPoints: 1 });
    const order = { ...anOrder({ partner: '電力会社' }), orderId: '注'.repeat(64) };

    expect((await place(order, { token: staff })).status).toBe(201);
    const { status, body } = await call(
      at(`programmes/${programme}/partners/${encodeURIComponent(order.partner)}/exchange-orders/${encodeURIComponent(order.orderId)}`),
      { token: staff },
    );
    expect([status, body.state]).toEqual([200, 'completed']);
  });

  it('is answered 202 when the ledger is slow, and ends by itself', async () => {
    const order = anOrder();
    const key = randomUUID();
    ledger.fallSilent();

    const started = Date.now();
    const { status, body } = await place(order, { key });
    const ms = Date.now() - started;
    await ledger.speak();

    expect([status, body.state]).toEqual([202, 'pending']);
    expect(ms).toBeGreaterThanOrEqual(2_900);
    expect(ms).toBeLessThan(6_000);
    await eventually(async () => (await readOrder(order)).body.state === 'completed');
    expect((await place(order, { key })).status).toBe(201);
  });
});

describe('with a second replica', () => {
  it('a call is answered at once although the other replica hears the fact', async () => {
    const other = await service.again();
    try {
      // From here on only the other one reads events.
      await service.messaging.strategy.close();
      await eventually(async () => (await call(`${other.url}/health/ready`)).status === 200);
      // The first call makes the other one's partitions settle and this one listen.
      expect([201, 202]).toContain((await place(anOrder())).status);

      const started = Date.now();
      const second = await place(anOrder());

      expect(second.status).toBe(201);
      // Not at the deadline of 3 s, where it would look by itself.
      expect(Date.now() - started).toBeLessThan(2_900);
      // Takes over for the tests that follow: one replica of the two is enough for them.
      await service.stop();
      service = other;
    } catch (error) {
      await other.stop();
      throw error;
    }
  }, 30_000);
});

describe('a conversion', () => {
  beforeAll(async () => {
    await place(anOrder({ partnerPoints: 100_000 }));
  });
  afterEach(() => card.control({ mode: 'up', delayMs: 0, refuseSuffix: null }));

  it('is credited by the scheme once and spent in the ledger', async () => {
    const conversion = aConversion({ points: 11_619 });
    const before = ledger.balance(hanako.holder);
    const converted = ledger.converted(scheme);

    const { status, body } = await convert(conversion);

    expect(status).toBe(201);
    expect(body).toMatchObject({ state: 'completed', receipt: expect.stringMatching(/^CS-/) as string, points: 11_619 });
    expect((await card.credits(scheme)).filter((one) => one.id === `${programme}:${conversion.conversionId}`)).toMatchObject([
      { member: hanako.myKeyId, points: 11_619, receipt: body.receipt },
    ]);
    expect(ledger.balance(hanako.holder)).toEqual({ balance: before.balance - 11_619, available: before.available - 11_619 });
    expect(ledger.converted(scheme)).toBe(converted + 11_619);
    expect(askedFor(conversion.conversionId)).toMatchObject([
      { instruction: { kind: 'hold', amount: 11_619, places: [`scheme:${scheme}`] } },
      { instruction: { kind: 'capture', amount: 11_619, final: true, to: `scheme:${scheme}`, use: 'convert' } },
    ]);
    expect((await readConversion(conversion.conversionId)).body).toEqual(body);
  });

  it('of history has its own time in every step', async () => {
    const conversion = aConversion({ requestedAt: '2018-01-20T15:25:38+09:00' });

    expect((await convert(conversion)).status).toBe(201);

    expect(askedFor(conversion.conversionId).map((one) => one.effectiveAt)).toEqual([
      '2018-01-20T06:25:38.000Z',
      '2018-01-20T06:25:38.000Z',
    ]);
  });

  it('is the same under another key, and no other conversion may take its id', async () => {
    const conversion = aConversion();
    const key = randomUUID();
    const first = await convert(conversion, { key });

    const answers = [await convert(conversion, { key }), await convert(conversion), await convert({ ...conversion, points: 101 })];

    expect(answers.map((one) => one.status)).toEqual([201, 200, 409]);
    expect(answers[0]?.body).toEqual(first.body);
    expect(answers[2]?.body.code).toBe('conversion-exists');
    expect(askedFor(conversion.conversionId)).toHaveLength(2);
  });

  it.each([
    [{ points: 9_999_999 }, 'insufficient-points', { needed: 9_999_999 }, 'refused'],
    [{ scheme: 'ナイカ' }, 'unknown-scheme', { scheme: 'ナイカ' }, undefined],
    [{ myKeyId: 'ZZZZZZZZ' }, 'unknown-my-key-id', {}, undefined],
  ])('with %j is refused: %s, and the scheme hears nothing', async (changes, code, facts, state) => {
    const conversion = aConversion(changes);

    const { status, body } = await convert(conversion);

    expect(status).toBe(422);
    expect(body).toMatchObject({ code, ...facts });
    expect((await readConversion(conversion.conversionId)).body.state).toBe(state);
    expect((await card.credits(scheme)).filter((one) => one.id.includes(conversion.conversionId))).toEqual([]);
  });

  it('that the scheme refuses gives the held points back', async () => {
    await card.control({ refuseSuffix: hanako.myKeyId });
    const before = ledger.balance(hanako.holder);
    const conversion = aConversion();

    const { status, body } = await convert(conversion);

    expect([status, body.code, body.schemeCode, body.state]).toEqual([422, 'scheme-refused', 'unknown-member', 'refused']);
    expect(ledger.balance(hanako.holder)).toEqual(before);
    expect(askedFor(conversion.conversionId).map((one) => one.instruction.kind)).toEqual(['hold', 'release']);
  });

  it('waits, held, while the scheme is unavailable, and ends by itself when it is back', async () => {
    await card.control({ mode: 'unavailable' });
    const before = ledger.balance(hanako.holder);
    const conversion = aConversion();

    const { status, body } = await convert(conversion);

    expect([status, body.state]).toEqual([202, 'at-scheme']);
    expect(body.atScheme).toMatchObject({ lastProblem: 'answered 503' });
    expect(ledger.balance(hanako.holder)).toEqual({ balance: before.balance, available: before.available - 100 });
    await card.control({ mode: 'up' });
    const again = await call(at(`programmes/${programme}/conversions/${conversion.conversionId}/attempts`), {
      method: 'POST',
      token: staff,
    });
    expect(again.status).toBe(202);
    await eventually(async () => (await readConversion(conversion.conversionId)).body.state === 'completed');
    expect(ledger.balance(hanako.holder)).toEqual({ balance: before.balance - 100, available: before.available - 100 });
  }, 15_000);

  it('is credited once although the scheme’s answer was lost', async () => {
    await card.control({ mode: 'lost-answer' });
    const conversion = aConversion();
    const asked = convert(conversion);
    const credits = async () => (await card.credits(scheme)).filter((one) => one.id.includes(conversion.conversionId));
    await eventually(async () => (await credits()).length === 1);

    await card.control({ mode: 'up' });

    expect([201, 202]).toContain((await asked).status);
    await eventually(async () => (await readConversion(conversion.conversionId)).body.state === 'completed');
    expect(await credits()).toHaveLength(1);
  }, 15_000);

  it('that waits for its scheme is taken up by the next process of the service', async () => {
    await card.control({ mode: 'unavailable' });
    const conversion = aConversion();
    await convert(conversion);
    await service.stop();
    await card.control({ mode: 'up' });

    service = await service.again();

    await eventually(async () => (await readConversion(conversion.conversionId)).body.state === 'completed');
    expect((await card.credits(scheme)).filter((one) => one.id.includes(conversion.conversionId))).toHaveLength(1);
  }, 30_000);
});

describe('the scheme’s own file', () => {
  const compare = (list: string, { query = '', of = scheme, days = 'from=2018-02-10&to=2018-02-10' } = {}) =>
    fetch(at(`programmes/${programme}/schemes/${encodeURIComponent(of)}/reconciliations?${days}${query}`), {
      method: 'POST',
      headers: { authorization: `Bearer ${staff}`, 'content-type': 'text/csv' },
      body: list,
    });
  /** Brought in with the day's noon. */
  const aCredit = async (points: number) => {
    const { conversionId } = (await convert(aConversion({ points, requestedAt: '2018-02-10T12:00:00+09:00' }))).body;
    return `${programme}:${String(conversionId)}`;
  };

  it('is compared line by line; what it credited after its refusal is found and spends nothing', async () => {
    await card.control({ mode: 'up', refuseSuffix: hanako.myKeyId.slice(-2) });
    const refused = aConversion({ points: 7, requestedAt: '2018-02-10T12:00:00+09:00' });
    expect((await convert(refused)).status).toBe(422);
    await card.control({ refuseSuffix: null });
    const [good, other, forgotten] = [await aCredit(100), await aCredit(200), await aCredit(300)];
    const receipts = new Map((await card.credits(scheme)).map((one) => [one.id, one.receipt]));
    const asked = ledger.converted(scheme);
    const late = `${programme}:${refused.conversionId}`;
    const list = [
      'creditId,points,receipt,date',
      `${good},100,${receipts.get(good)},2018-02-10`,
      `${other},201,,`,
      `${late},7,CS-LATE,2018-02-10`,
      `other-programme:1,5,,`,
    ].join('\n');

    const response = await compare(list);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      there: { lines: 4, points: 313 },
      here: { lines: 3, points: 600 },
      matched: { lines: 1, points: 100 },
      missingHere: [
        ...[{ line: 4, creditId: late, points: 7, receipt: 'CS-LATE', date: '2018-02-10', reason: notCredited('refused') }],
        ...[{ line: 5, creditId: 'other-programme:1', points: 5, reason: 'there is no conversion with this id' }],
      ],
      missingThere: [{ creditId: forgotten, points: 300, receipt: receipts.get(forgotten), creditedAt: '2018-02-10T03:00:00.000Z' }],
      different: [
        {
          there: { line: 3, creditId: other, points: 201 },
          here: { creditId: other, points: 200, receipt: receipts.get(other), creditedAt: '2018-02-10T03:00:00.000Z' },
          reasons: ['points: there 201, here 200'],
        },
      ],
    });
    expect((await (await compare(list, { query: '&format=csv' })).text()).trim().split('\r\n')).toHaveLength(5);
    expect([ledger.converted(scheme), (await readConversion(refused.conversionId)).body.state]).toEqual([asked, 'refused']);
  });

  it('finds a live credit on the day of its acknowledgement', async () => {
    const { conversionId } = (await convert(aConversion())).body;
    const today = jstDateOf(parseInstant(new Date().toISOString()));

    const response = await compare(`creditId,points\n${programme}:${String(conversionId)},100`, {
      days: `from=${addDays(today, -1)}&to=${addDays(today, 1)}`,
    });

    expect(await response.json()).toMatchObject({ matched: { lines: 1, points: 100 }, missingHere: [], different: [] });
  });

  it('is refused whole, by line and field, where it cannot be read', async () => {
    const bad = await compare('creditId,points\nBRE-1,many\n');

    expect([bad.status, await bad.json()]).toMatchObject([
      422,
      {
        code: 'malformed-list',
        errors: [
          { line: 2, field: 'creditId' },
          { line: 2, field: 'points' },
        ],
      },
    ]);
    expect((await compare('creditId,points\n', { of: 'nobody' })).status).toBe(404);
    expect((await compare('creditId,points\n', { days: 'from=2018-02-10&to=2018-02-09' })).status).toBe(422);
  });
});

describe('a scheme', () => {
  it('never shows its secret, and keeps it when a change does not name it', async () => {
    const path = `programmes/${programme}/schemes/other`;
    const first = await put(path, { name: 'Other', endpoint: 'https://card.example/api', secret: 'hush-hush' });
    const changed = await put(path, { name: 'Another', endpoint: 'https://card.example/api' });

    expect([first.status, changed.status]).toEqual([201, 200]);
    expect(changed.body).toEqual({
      ...{ scheme: 'other', name: 'Another', delivery: 'api', endpoint: 'https://card.example/api', hasSecret: true },
      ...{ giveBackAfterDays: 14, clients: [] },
    });
    expect(JSON.stringify([first, changed, await call(at(path), { token: staff })])).not.toContain('hush');
    const stored = await service.database.transaction(tenants(kawasaki), (tx) =>
      tx.query(`select secret from scheme where scheme = 'other'`),
    );
    expect(stored).toEqual([{ secret: 'hush-hush' }]);
  });

  it.each(['ftp://card.example', 'https://user:pass@card.example', 'card.example', 'http://card.example/?a=b'])(
    'does not take the endpoint %s',
    async (endpoint) => {
      expect((await put(`programmes/${programme}/schemes/other`, { name: 'Other', endpoint })).status).toBe(422);
    },
  );

  it.each([
    'http://card.example/api',
    'https://127.0.0.1/api',
    'https://[::ffff:10.0.0.1]',
    'https://2130706433',
    'https://card.example:25',
  ])('is not inside, where no setting allows it: %s', async (endpoint) => {
    const strict = await service.again({ OUTSIDE_ALLOW_PRIVATE: 'false' } as object);
    try {
      const path = at(`programmes/${programme}/schemes/other`).replace(service.url, strict.url);
      const { status, body } = await call(path, { method: 'PUT', token: staff, body: { name: 'Other', endpoint } });

      expect([status, (body.errors as { field: string }[]).map((one) => one.field)]).toEqual([422, ['endpoint']]);
    } finally {
      await strict.stop();
    }
  });

  it('has an id without white space', async () => {
    const { status } = await put(`programmes/${programme}/schemes/${encodeURIComponent('ブレ カ')}`, {
      name: 'x',
      endpoint: 'https://card.example',
    });

    expect(status).toBe(404);
  });
});

it('every route needs a scope and a municipality', () => {
  const own = routesOf(service.app).filter((route) => route.path.startsWith('/v1/'));

  expect(own.length).toBeGreaterThan(10);
  for (const { path, operation } of own) {
    expect(path).toMatch(/^\/v1\/municipalities\/:municipality\/programmes\/:programme\//);
    expect(operation.scope).toMatch(/^[a-z-]+:[a-z-]+$/);
  }
  expect(() =>
    openApiOf(service.app, { service: 'exchange', title: 't', description: 'd', version: '1', tokenUrl: 'http://x/token' }),
  ).not.toThrow();
});

it('measures its open conversions', async () => {
  const { body } = await call<{ text: string }>(`${service.url}/metrics`);

  expect(body.text).toMatch(/points_exchange_scheme_attempts_total\{outcome="capturing"/);
});
