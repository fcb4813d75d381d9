import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant } from '@points/database';
import { event, publish } from '@points/messaging';
import { call, testService, type Called, type TestService } from '@points/service-testing';
import { eventually } from '@points/testing';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { exchange } from '../exchange.js';
import { announce } from './announce.js';
import { fakeLedger, closedProgramme, type FakeLedger } from '../testing/fake-ledger.js';
import { startWebhookReceiverProcess, type ReceivedWebhook, type WebhookReceiverProcess } from '../testing/webhook-receiver-process.js';

const kawasaki = '141305';
const programme = `${kawasaki}-trial`;
const hanako = { holder: '01890a5d-ac96-774b-bcce-b302099a8057', myKeyId: 'WH7KTXH4' };
const guide = new URL('../../../../docs/guides/', import.meta.url);

let service: TestService;
let ledger: FakeLedger;
let receiver: WebhookReceiverProcess;
/** The systems of card-a and card-b, and the municipality's staff. */
let cardA: string;
let cardB: string;
let staff: string;

beforeAll(async () => {
  service = await testService(exchange, { WEBHOOK_ALLOW_PRIVATE: 'true' });
  [ledger, receiver] = await Promise.all([fakeLedger(service.topicPrefix), startWebhookReceiverProcess()]);
  const ofPartner = ['exchange:write', 'webhooks:read', 'webhooks:write'];
  cardA = await service.token(ofPartner, [kawasaki], 'card-a-system');
  cardB = await service.token(ofPartner, [kawasaki], 'card-b-system');
  staff = await service.token([...ofPartner, 'partners:write', 'exchange:on-behalf'], [kawasaki], 'kawasaki-staff');
  for (const one of [programme, closedProgramme])
    for (const partner of ['card-a', 'card-b']) {
      const terms = { name: partner, rate: { numerator: 2, denominator: 1 }, lotPartnerPoints: 500, clients: [`${partner}-system`] };
      expect((await call(at(`partners/${partner}`, one), { method: 'PUT', token: staff, body: terms })).status).toBe(201);
    }
  await service.database.transaction(everyTenant, (tx) =>
    publish(tx, [event(holderRegisteredV1, { ...hanako, registeredAt: new Date().toISOString() })]),
  );
  await eventually(async () => (await service.database.pool.query('select 1 from holder_link')).rowCount === 1);
}, 60_000);

afterAll(async () => {
  await ledger?.close();
  await service?.close();
  await receiver?.stop();
});

beforeEach(async () => {
  // Of one test alone. What the endpoints of the tests before have to say goes on in peace.
  name = `e-${randomUUID().slice(0, 8)}`;
  await receiver.control({ secrets: [], status: 200, failNext: 0, retryAfter: null, location: null, answer: 'thanks', delayMs: 0 });
});
afterEach(() => remove());

let name: string;
const at = (path: string, of = programme) => `${service.url}/v1/municipalities/${kawasaki}/programmes/${of}/${path}`;
const endpoint = (path = '', partner = 'card-a') => at(`partners/${partner}/webhook-endpoints/${name}${path}`);
const put = (body: object = {}, token = cardA) =>
  call(endpoint(), { method: 'PUT', token, body: { url: `${receiver.url}/${name}`, ...body } });
const remove = () => call(endpoint(), { method: 'DELETE', token: cardA });
const post = (path: string, body: object = {}, options: { token?: string; key?: string } = {}) =>
  call(endpoint(path), { method: 'POST', token: cardA, body, ...options });
const read = () => call(endpoint(), { token: cardA });
const attempts = async (query = '') => (await call<AttemptsBody>(endpoint(`/attempts${query}`), { token: cardA })).body;
const place = async (of = programme) => {
  const body = { orderId: `KWS-${randomUUID().slice(0, 8)}`, myKeyId: hanako.myKeyId, partner: 'card-a', partnerPoints: 500 };
  const { body: order } = await call(at('exchange-orders', of), { token: cardA, body });
  return { ...body, ...order };
};
/** An endpoint whose secret the receiver knows. */
const connected = async (body: object = {}): Promise<string> => {
  const { status, body: made } = await put(body);
  expect(status).toBe(201);
  await receiver.control({ secrets: [made.secret] });
  return made.secret as string;
};
const arrived = (count: number) =>
  eventually(async () => {
    const all = await receiver.received(`/${name}`);
    return all.length >= count ? all : false;
  });
const saidBy = (webhook: ReceivedWebhook | undefined) =>
  JSON.parse(webhook?.body ?? '{}') as { type: string; data: Record<string, unknown> };
/** The schedule is not waited for. */
const dueNow = () =>
  service.database.transaction(everyTenant, (tx) =>
    tx.write('update webhook_delivery set next_attempt_at = now() where next_attempt_at is not null and lease is null'),
  );

interface AttemptsBody {
  readonly attempts: {
    id: string;
    event: string;
    type: string;
    outcome: string;
    status?: number;
    answer?: string;
    problem?: string;
    nextAttemptAt?: string;
  }[];
  readonly next?: string;
}

describe('a partner', () => {
  it('is told of a completed order by a signed webhook', async () => {
    await connected();

    const order = await place();

    const [webhook] = await arrived(1);
    expect(webhook).toMatchObject({ isVerified: true, answered: 200 });
    const { bookedAt, posting } = order as unknown as { bookedAt: string; posting: string };
    expect(saidBy(webhook)).toEqual({
      type: 'exchange-order.completed',
      timestamp: expect.any(String) as string,
      data: {
        programme,
        partner: 'card-a',
        orderId: order.orderId,
        channel: 'api',
        partnerPoints: 500,
        municipalPoints: 1000,
        bookedAt,
        posting,
      },
    });
    await eventually(async () => {
      expect((await attempts()).attempts).toMatchObject([{ event: webhook?.id, outcome: 'delivered', status: 200, answer: 'thanks' }]);
    });
  });

  it('is told of a refused order, of which it sees what it heard by HTTP', async () => {
    const made = await call(at(`partners/card-a/webhook-endpoints/${name}`, closedProgramme), {
      method: 'PUT',
      token: cardA,
      body: { url: `${receiver.url}/${name}`, types: ['exchange-order.refused'] },
    });
    await receiver.control({ secrets: [made.body.secret] });

    const order = await place(closedProgramme);

    const [webhook] = await arrived(1);
    expect(webhook?.isVerified).toBe(true);
    expect(saidBy(webhook)).toMatchObject({
      type: 'exchange-order.refused',
      data: { orderId: order.orderId, code: 'outside-period', detail: 'the period is over' },
    });
  });

  it('is told later when its receiver was down, under the same id', async () => {
    await connected();
    await receiver.control({ failNext: 2, answer: 'out of order' });
    await place();
    for (const failures of [1, 2]) {
      await eventually(async () => {
        const { attempts: log } = await attempts();
        expect(log).toHaveLength(failures);
        expect(log[0]).toMatchObject({
          outcome: 'waiting',
          status: 500,
          answer: 'out of order',
          nextAttemptAt: expect.any(String) as string,
        });
      });
      await dueNow();
    }

    const webhooks = await arrived(3);

    expect(webhooks.map((one) => one.answered)).toEqual([500, 500, 200]);
    expect(new Set(webhooks.map((one) => one.id)).size).toBe(1);
    await eventually(async () => {
      const { body } = await read();
      expect(body).toMatchObject({ state: 'active', waiting: 0 });
      expect(body).not.toHaveProperty('failingSince');
    });
  });

  it('is told by another process when the one that sent was killed', async () => {
    await connected();
    await receiver.control({ failNext: 1 });
    await place();
    await eventually(async () => (await attempts()).attempts.length === 1);
    // What a kill -9 leaves: a lease that nobody will answer for. When it is over:
    await service.database.transaction(everyTenant, (tx) =>
      tx.write('update webhook_delivery set lease = $1, next_attempt_at = now() where next_attempt_at is not null', [randomUUID()]),
    );

    const [first, second] = await arrived(2);

    expect(second).toMatchObject({ id: first?.id, body: first?.body, answered: 200 });
  });

  it('is told once by two replicas', async () => {
    const other = await service.again();
    try {
      await connected();
      await receiver.control({ delayMs: 50 });

      await Promise.all(Array.from({ length: 8 }, () => place()));

      await eventually(async () => (await attempts()).attempts.length === 8);
      const webhooks = await arrived(8);
      expect(webhooks).toHaveLength(8);
      expect(new Set(webhooks.map((one) => one.id)).size).toBe(8);
    } finally {
      await other.stop();
    }
  });

  it('whose receiver does not answer does not keep another endpoint waiting', async () => {
    await connected({ types: ['exchange-order.completed'] });
    await receiver.control({ delayMs: 60_000 });
    const slow = name;
    const order = { orderId: 'x', channel: 'api', partnerPoints: 500, municipalPoints: 1000, bookedAt: new Date().toISOString() } as const;
    const fact = { municipality: kawasaki, programme, partner: 'card-a', type: 'exchange-order.completed' } as const;
    // More than all the calls that a replica makes at the same time.
    const facts = Array.from({ length: 80 }, () => ({ ...fact, data: { ...order, posting: randomUUID() } }));
    await service.database.transaction(everyTenant, (tx) => announce(tx, facts));
    const running = async () => {
      const rows = await service.database.transaction(everyTenant, (tx) =>
        tx.query('select from webhook_delivery where lease is not null'),
      );
      return rows.length;
    };
    await eventually(async () => (await running()) > 0);
    const fast = await startWebhookReceiverProcess();
    try {
      name = `e-${randomUUID().slice(0, 8)}`;
      const { body } = await put({ url: `${fast.url}/${name}`, types: ['exchange-order.refused'] });
      await fast.control({ secrets: [body.secret] });

      await post('/pings');

      await eventually(async () => (await fast.received(`/${name}`)).length === 1);
      // Those of one endpoint, and the ping whose end may not be written down yet.
      expect(await running()).toBeLessThanOrEqual(9);
      expect(await receiver.received(`/${slow}`)).toEqual([]);
    } finally {
      await fast.stop();
      await remove();
      name = slow;
    }
  });

  it('whose receiver is gone for good is sent nothing more', async () => {
    await connected();
    await receiver.control({ status: 410 });
    await place();

    await eventually(async () => {
      expect((await read()).body).toMatchObject({ state: 'disabled', disabledReason: 'gone', waiting: 0 });
    });
    await place();
    expect(await receiver.received(`/${name}`)).toHaveLength(1);
    expect((await post('/replays', { from: new Date(Date.now() - 60_000).toISOString() })).body.code).toBe('endpoint-disabled');
  });

  it('is not followed to where its receiver points', async () => {
    await connected();
    await receiver.control({ status: 307, location: `${receiver.url}/elsewhere` });
    await place();

    await eventually(async () => {
      expect((await attempts()).attempts).toMatchObject([{ outcome: 'waiting', problem: 'answered 307: redirects are not followed' }]);
    });
    expect(await receiver.received('/elsewhere')).toEqual([]);
  });
});

describe('a secret', () => {
  it('is rotated with an overlap in which both sign', async () => {
    const first = await connected();
    const { status, body } = await post('/secrets', { overlapHours: 1 });
    expect(status).toBe(201);
    const second = body.secret as string;
    await receiver.control({ secrets: [first, second] });

    await place();

    expect((await arrived(1))[0]).toMatchObject({ isVerified: true, signaturesVerified: 2 });
    const { secrets } = (await read()).body as { secrets: { id: string; validUntil?: string }[] };
    expect(secrets.map((one) => [one.id === body.id, one.validUntil !== undefined])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('is replaced at once without an overlap', async () => {
    const first = await connected();
    await post('/secrets', { overlapHours: 0 });
    await receiver.control({ secrets: [first] });

    await place();

    expect((await arrived(1))[0]).toMatchObject({ isVerified: false, answered: 401 });
  });

  it('is shown to a repeated request, until it is replaced, and stands nowhere else', async () => {
    await connected();
    const key = randomUUID();
    const made = await post('/secrets', {}, { key });

    const again = await post('/secrets', {}, { key });
    await post('/secrets');
    const late = await post('/secrets', {}, { key });

    expect([again.status, again.body]).toEqual([201, made.body]);
    expect([late.status, late.body.code]).toEqual([409, 'secret-replaced']);
    expect(JSON.stringify((await read()).body)).not.toContain('whsec_');
    const { rows } = await service.database.transaction(everyTenant, async (tx) => ({
      rows: await tx.query('select body from request where body::text like $1', ['%whsec_%']),
    }));
    expect(rows).toEqual([]);
  });
});

describe('what was missed', () => {
  it('is replayed from a date, under the ids of the first time', async () => {
    const from = new Date().toISOString();
    const orders = [await place(), await place()];
    await connected();

    const { status, body } = await post('/replays', { from });

    expect([status, body]).toEqual([202, { events: 2 }]);
    const webhooks = await arrived(2);
    expect(webhooks.map((one) => saidBy(one).data.orderId).sort()).toEqual(orders.map((one) => one.orderId).sort());

    await eventually(async () => (await attempts()).attempts.length === 2);
    expect((await post('/replays', { from, undeliveredOnly: true })).body).toEqual({ events: 0 });
    expect((await post('/replays', { from })).body).toEqual({ events: 2 });
    const again = await arrived(4);
    expect(
      again
        .slice(2)
        .map((one) => one.id)
        .sort(),
    ).toEqual(webhooks.map((one) => one.id).sort());
    expect(again.slice(2).every((one) => one.isRepeated)).toBe(true);
  });

  it('is sent again one by one', async () => {
    await connected();
    await place();
    const [webhook] = await arrived(1);
    await eventually(async () => (await attempts()).attempts.length === 1);

    const { status, body } = await post('/resends', { event: webhook?.id });

    expect([status, body]).toEqual([202, { event: webhook?.id }]);
    expect((await arrived(2))[1]).toMatchObject({ id: webhook?.id, isRepeated: true });
    expect((await post('/resends', { event: randomUUID() })).body.code).toBe('unknown-event');
  });

  it('is looked up in the log, page by page, the newest first', async () => {
    await connected();
    await place();
    await place();
    await eventually(async () => (await attempts()).attempts.length === 2);

    const first = await attempts('?limit=1');
    const second = await attempts(`?limit=1&before=${first.next}`);
    const third = await attempts(`?limit=1&before=${second.next}`);

    const all = (await attempts()).attempts;
    expect([...first.attempts, ...second.attempts]).toEqual(all);
    expect(third).toEqual({ attempts: [] });
    expect((await attempts(`?event=${all[1]?.event}`)).attempts).toEqual([all[1]]);
  });
});

describe('an endpoint', () => {
  it('is tried by a ping, also before it is set active', async () => {
    await connected({ state: 'disabled' });
    await place();

    const { status, body } = await post('/pings');

    expect(status).toBe(202);
    const [webhook] = await arrived(1);
    expect(webhook?.id).toBe(body.event);
    expect(saidBy(webhook)).toMatchObject({ type: 'webhook.ping', data: { programme, partner: 'card-a', endpoint: name } });
  });

  it('is listed with the others, changed and removed', async () => {
    expect((await put()).status).toBe(201);
    expect((await put({ types: ['exchange-order.completed'] })).status).toBe(200);

    const { body } = await call<{ endpoints: unknown[] }>(at('partners/card-a/webhook-endpoints'), { token: cardA });
    expect(body.endpoints).toMatchObject([
      { endpoint: name, url: `${receiver.url}/${name}`, types: ['exchange-order.completed'], state: 'active' },
    ]);

    expect((await remove()).status).toBe(204);
    expect([(await read()).body.code, (await remove()).body.code]).toEqual(['unknown-endpoint', 'unknown-endpoint']);
  });

  it.each([
    [{ url: 'ftp://partner.example/' }, 'url'],
    [{ url: 'http://user:pass@partner.example/' }, 'url'],
    [{ url: 'short' }, 'url'],
    [{ types: [] }, 'types'],
    [{ types: ['exchange-order.imagined'] }, 'types.0'],
    [{ state: 'asleep' }, 'state'],
    [{ secret: 'mine' }, 'secret'],
  ])('is not set up with %j', async (body, field) => {
    const { status, body: said } = await put(body);

    expect([status, said.code]).toEqual([422, 'invalid-request']);
    expect((said.errors as { field: string }[]).map((one) => one.field)).toContain(field);
  });

  const everyWay: [string, (token: string, partner: string) => Promise<Called>][] = [
    ['set up', (token, partner) => call(endpoint('', partner), { method: 'PUT', token, body: { url: `${receiver.url}/x` } })],
    ['read', (token, partner) => call(endpoint('', partner), { token })],
    ['removed', (token, partner) => call(endpoint('', partner), { method: 'DELETE', token })],
    ['listed', (token, partner) => call(at(`partners/${partner}/webhook-endpoints`), { token })],
    ['rotated', (token, partner) => call(endpoint('/secrets', partner), { token, body: {} })],
    ['pinged', (token, partner) => call(endpoint('/pings', partner), { method: 'POST', token })],
    ['replayed', (token, partner) => call(endpoint('/replays', partner), { token, body: { from: new Date().toISOString() } })],
    ['sent again', (token, partner) => call(endpoint('/resends', partner), { token, body: { event: randomUUID() } })],
    ['looked into', (token, partner) => call(endpoint('/attempts', partner), { token })],
  ];

  it.each(everyWay)('is not %s by another partner’s client', async (_, ask) => {
    await put();

    const foreign = await ask(cardB, 'card-a');
    const nobody = await ask(cardB, 'card-x');

    expect([foreign.status, foreign.body.code]).toEqual([403, 'client-not-of-partner']);
    expect([nobody.status, nobody.body.code]).toEqual([404, 'unknown-partner']);
    expect((await read()).status).toBe(200);
  });

  it('may be managed on behalf of a partner', async () => {
    expect((await put({}, staff)).status).toBe(201);
  });
});

it('goes nowhere but to the public internet where nothing else was allowed', async () => {
  const strict = await service.again({ WEBHOOK_ALLOW_PRIVATE: 'false' } as object);
  try {
    const url = endpoint().replace(service.url, strict.url);
    for (const address of [
      'http://partner.example/',
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://[::ffff:7f00:1]/',
      'https://10.1.2.3/',
    ]) {
      const { status, body } = await call(url, { method: 'PUT', token: cardA, body: { url: address } });
      expect([address, status, (body.errors as { field: string }[])[0]?.field]).toEqual([address, 422, 'url']);
    }
  } finally {
    await strict.stop();
  }
});

it('is described in OpenAPI 3.1 as webhooks, which a public linter accepts', async () => {
  const { body } = await call<{ webhooks: Record<string, unknown> }>(`${service.url}/openapi.json`);

  expect(Object.keys(body.webhooks)).toEqual([
    'exchange-order.completed',
    'exchange-order.reversed',
    'exchange-order.reversal-refused',
    'statement.closed',
    'exchange-order.refused',
    'exchange-order.in-review',
    'exchange-order.review-approved',
    'coupon.redeemed',
    'order-upload.ended',
    'webhook-endpoint.disabled',
    'webhook.ping',
  ]);
  const config = await createConfig({ extends: ['spec', 'recommended'], rules: { 'no-ambiguous-paths': 'off' } });
  const found = await lintFromString({ source: JSON.stringify(body), config });
  expect(found.map((one) => `${one.ruleId} ${one.message} ${JSON.stringify(one.location[0]?.pointer)}`)).toEqual([]);
});

it('measures what it sends', async () => {
  const { body } = await call<{ text: string }>(`${service.url}/metrics`);

  expect(body.text).toMatch(/points_exchange_webhook_attempts_total\{outcome="delivered"/);
  expect(body.text).toMatch(/points_exchange_webhooks_overdue_seconds/);
});

describe('the samples of the guide', () => {
  const run = promisify(execFile);
  const text = (file: string) => readFileSync(new URL(file, guide), 'utf8');
  const samples = ['verify-with-library.ts', 'verify.ts', 'verify.py'];

  it.each(samples)('are those that are tested (%s)', (file) => {
    expect(text('webhooks.md')).toContain(text(`webhooks/${file}`).trim());
  });

  it.each(samples)('verify a real webhook, and no other (%s)', async (file) => {
    const secret = await connected();
    const order = await place();
    const [webhook] = await arrived(1);
    const { id, timestamp, signature, body = '' } = webhook ?? {};
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    const path = fileURLToPath(new URL(`webhooks/${file}`, guide));
    const verify = async (given: string) => {
      const input = JSON.stringify([given, headers, secret]);
      const [command, args] = file.endsWith('.py')
        ? (['python3', ['-c', pythonMain, path, input]] as const)
        : ([process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', nodeMain, path, input]] as const);
      return JSON.parse((await run(command, args)).stdout) as unknown;
    };

    expect(await verify(body)).toMatchObject({ data: { orderId: order.orderId } });
    await expect(verify(body.replace('1000', '9000'))).rejects.toThrow(/no signature|No matching signature/i);
  });

  const nodeMain = `
    const [path, input] = process.argv.slice(1);
    const { verifyWebhook } = await import(path);
    console.log(JSON.stringify(verifyWebhook(...JSON.parse(input))));`;
  const pythonMain = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("verify", sys.argv[1])
verify = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verify)
body, headers, secret = json.loads(sys.argv[2])
print(json.dumps(verify.verify_webhook(body.encode(), headers, secret)))`;
});
