import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { everyScope } from '@points/local';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { partnerStories } from './partner-stories.js';
import { reserveStories } from './reserve-stories.js';
import { root, services, startTheCloud, type Service, type TheCloud } from './the-cloud.js';

const run = promisify(execFile);
const tamana = '/v1/municipalities/432067';
const programme = `${tamana}/programmes/432067-tamana`;

interface OpenApi {
  paths: Record<string, Record<string, { security: { token: string[] }[]; parameters?: { name: string; in: string }[] }>>;
}

let cloud: TheCloud;
beforeAll(async () => {
  cloud = await startTheCloud();
  await run(process.execPath, [join(root, 'tools/replay/dist/load-municipalities.js'), '--home', cloud.home], { cwd: root });
}, 240_000);
afterAll(() => cloud?.stop(), 30_000);

/** A resident whom every service knows. */
async function aResident(): Promise<{ holder: string; myKeyId: string }> {
  const { holder, myKeyId } = (await cloud.ask('identity', 'POST', `${tamana}/holders`, {})) as { holder: string; myKeyId: string };
  return { holder, myKeyId };
}

/** Points from a partner: ended when the ledger has them. */
async function exchange(myKeyId: string, partnerPoints: number, orderId: string = randomUUID()) {
  return eventually(async () => {
    const { status, body } = await cloud.reply('exchange', 'POST', `${programme}/exchange-orders`, {
      orderId,
      myKeyId,
      partner: 'mobile-a',
      partnerPoints,
    });
    // The exchange service hears of a new resident over Kafka.
    if (body.code === 'unknown-my-key-id') return false;
    expect([status, body.state]).toEqual([201, 'completed']);
    return body;
  });
}

const balance = async (holder: string) =>
  (await cloud.ask('ledger', 'GET', `${programme}/holders/${holder}/balance`)) as { posted: number; held: number; available: number };
const pay = (body: object, headers?: Record<string, string>) =>
  cloud.reply('settlement', 'POST', `${programme}/payments`, { shop: 'stamp-01', ...body }, headers);
const onPayment = (payment: unknown, what: string, body: object) =>
  cloud.reply('settlement', 'POST', `${programme}/payments/${String(payment)}/${what}`, body);

/** A payment by someone whom settlement may not know yet. */
const firstPayment = (body: object) =>
  eventually(async () => {
    const paid = await pay(body);
    return paid.body.code === 'unknown-my-key-id' ? false : paid;
  });

describe('a partner', () => partnerStories(() => cloud));

describe('the reserve', () => reserveStories(() => cloud));

describe('a resident', () => {
  it('exchanges partner points, pays, is refunded in part, and every balance adds up', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 1_000);

    const paid = await firstPayment({ myKeyId, amount: 400 });
    const refunded = await onPayment(paid.body.payment, 'refunds', { amount: 150 });
    const tooMuch = await onPayment(paid.body.payment, 'refunds', { amount: 251 });

    expect(paid).toMatchObject({ status: 201, body: { state: 'captured', amount: 400, balance: 600 } });
    expect(refunded).toMatchObject({ status: 201, body: { refunded: 150 } });
    expect(tooMuch).toMatchObject({ status: 422, body: { code: 'refund-exceeds' } });
    expect(await balance(holder)).toMatchObject({ posted: 750, held: 0, available: 750 });
  });

  it('has points held by an authorisation, captured in part, and the rest back after the cancellation', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 500);

    const authorised = await firstPayment({ myKeyId, amount: 300, capture: 'later' });
    expect(authorised).toMatchObject({ status: 201, body: { state: 'authorised' } });
    expect(await balance(holder)).toMatchObject({ posted: 500, held: 300, available: 200 });

    expect((await onPayment(authorised.body.payment, 'captures', { amount: 100, final: false })).status).toBe(201);
    expect((await onPayment(authorised.body.payment, 'cancellations', {})).status).toBe(201);

    expect(await balance(holder)).toMatchObject({ posted: 500, held: 0, available: 500 });
  });

  it('is told why a payment is declined, and loses nothing', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 100);

    const declined = await firstPayment({ myKeyId, amount: 101 });

    expect(declined).toMatchObject({ status: 422, body: { code: 'insufficient-points' } });
    expect(await balance(holder)).toMatchObject({ posted: 100, available: 100 });
  });

  it('orders from the catalogue and gets points and stock back after cancelling', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 5_000);
    const product = `story-${randomUUID().slice(0, 8)}`;
    await cloud.ask('catalog', 'PUT', `${tamana}/products/${product}`, {
      name: '玉名みかん',
      kind: 'mail-order',
      prices: [{ programme: '432067-tamana', points: 1_200 }],
      stock: 3,
      status: 'on-sale',
    });

    const ordered = await eventually(async () => {
      const reply = await cloud.reply('catalog', 'POST', `${programme}/orders`, { product, quantity: 2, myKeyId });
      return reply.body.code === 'unknown-my-key-id' ? false : reply;
    });
    expect(ordered).toMatchObject({ status: 201, body: { state: 'confirmed' } });
    expect(await balance(holder)).toMatchObject({ posted: 2_600 });
    expect(await cloud.ask('catalog', 'GET', `${tamana}/products/${product}`)).toMatchObject({ remaining: 1 });

    const cancelled = await cloud.reply('catalog', 'POST', `${programme}/orders/${String(ordered.body.order)}/cancellations`, {});

    expect(cancelled).toMatchObject({ status: 201, body: { state: 'cancelled' } });
    expect(await balance(holder)).toMatchObject({ posted: 5_000 });
    expect(await cloud.ask('catalog', 'GET', `${tamana}/products/${product}`)).toMatchObject({ remaining: 3 });
  });

  it('pays once although the till sends the same payment ten times', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 1_000);
    await firstPayment({ myKeyId, amount: 1 });
    const key = randomUUID();

    const replies = await Promise.all(Array.from({ length: 10 }, () => pay({ myKeyId, amount: 200 }, { 'idempotency-key': key })));
    const last = await pay({ myKeyId, amount: 200 }, { 'idempotency-key': key });

    expect(replies.every((one) => one.status === 201 || one.body.code === 'request-in-progress')).toBe(true);
    expect(last).toMatchObject({ status: 201, body: { state: 'captured' } });
    expect(await balance(holder)).toMatchObject({ posted: 799 });
  });
});

describe('a trace', () => {
  it('goes from the till through Kafka into the ledger’s log', async () => {
    const { myKeyId } = await aResident();
    await exchange(myKeyId, 100);
    await firstPayment({ myKeyId, amount: 1 });
    const traceId = randomUUID().replaceAll('-', '');

    await pay({ myKeyId, amount: 1 }, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });

    for (const service of ['settlement', 'ledger'])
      await eventually(() =>
        readFileSync(join(cloud.home, 'logs', `${service}.log`), 'utf8')
          .split('\n')
          .some((line) => line.includes(`"traceId":"${traceId}"`)),
      );
  });
});

describe('every route of every service', () => {
  const routes = async () => {
    const found: { service: Service; method: string; path: string; scope: string | undefined }[] = [];
    for (const service of services) {
      const { paths } = (await (await fetch(`${cloud.addresses[service]}/openapi.json`)).json()) as OpenApi;
      for (const [path, methods] of Object.entries(paths))
        for (const [method, one] of Object.entries(methods))
          found.push({ service, method: method.toUpperCase(), path, scope: one.security[0]?.token[0] });
    }
    return found;
  };
  const addressOf = (route: { service: Service; path: string }, municipality: string) =>
    cloud.addresses[route.service] +
    route.path
      .replace('{municipality}', municipality)
      .replace('{programme}', `${municipality}-x`)
      .replace(/\{\w+\}/g, randomUUID());

  it('needs a token, its scope and its tenant, unless it is listed as public', async () => {
    const all = await routes();
    const wrongScope = await cloud.token({ client: 'demo', scope: 'shops:read' });
    const guarded = all.filter((route) => route.scope !== undefined);
    const open = all.filter((route) => route.scope === undefined);

    expect([...new Set(open.map((route) => route.path))].sort()).toEqual(['/health/live', '/health/ready', '/metrics']);
    expect(guarded.length).toBeGreaterThan(60);
    for (const route of guarded) {
      const body = route.method === 'GET' || route.method === 'DELETE' ? {} : { body: {} };
      const ask = async (token?: string, municipality = '432067') => {
        const { status, body: answer } = await call(addressOf(route, municipality), {
          method: route.method,
          ...body,
          ...(token && { token }),
        });
        return `${route.service} ${route.method} ${route.path}: ${status} ${String(answer.code)}`;
      };
      const named = `${route.service} ${route.method} ${route.path}:`;
      expect(await ask()).toBe(`${named} 401 token-missing`);
      expect(await ask('abc')).toBe(`${named} 401 token-invalid`);
      if (route.scope !== 'shops:read') expect(await ask(wrongScope)).toBe(`${named} 403 scope-missing`);
      const demo = route.scope && (await cloud.token({ client: 'demo', scope: route.scope }));
      if (demo) expect(await ask(demo, '141305')).toBe(`${named} 403 tenant-not-allowed`);
    }
  });

  it('is described by an OpenAPI 3.1 document that a public linter accepts', async () => {
    // Literal segments beside parameters (`/holders/bulk`, `/holders/{holder}`) are told apart by the router, the literal first.
    const config = await createConfig({ extends: ['spec', 'recommended'], rules: { 'no-ambiguous-paths': 'off' } });

    for (const service of services) {
      const source = await (await fetch(`${cloud.addresses[service]}/openapi.json`)).text();
      const found = await lintFromString({ source, config });

      expect([service, ...found.map((one) => `${one.ruleId}: ${one.message}`)]).toEqual([service]);
      expect(JSON.parse(source)).toMatchObject({ openapi: '3.1.0' });
    }
  });

  it('asks for a scope that the operator’s client has', async () => {
    const asked = new Set((await routes()).flatMap((route) => route.scope ?? []));

    expect([...asked].filter((scope) => !everyScope.includes(scope))).toEqual([]);
  });
});

describe('the sandbox partner', () => {
  const partner = `${programme}/partners/miles-sandbox`;
  const site = () => cloud.addresses.partnerSite ?? '';
  const book = async (account: string) => {
    const { body } = await call<{
      balances: { account: string; available: number; reserved: number; taken: number }[];
      differences: string[];
    }>(`${site()}/control/books`);
    return { ...body.balances.find((one) => one.account === account), differences: body.differences };
  };
  const load = () => run(process.execPath, [join(root, 'tools/replay/dist/load-sandbox.js'), '--home', cloud.home], { cwd: root });

  it('exchanges points of a linked account, whatever its answers do, and both companies’ books agree', async () => {
    await load();
    expect((await load()).stdout).toContain('HANAKO01 (hanako)');
    const token = await cloud.token({ client: 'sandbox-partner' });
    const place = (body: object) =>
      call(`${cloud.addresses.exchange}${programme}/exchange-orders`, {
        token,
        body: { orderId: randomUUID(), partner: 'miles-sandbox', ...body },
      });
    const { holder } = (await cloud.ask('identity', 'GET', `${tamana}/holders/by-my-key-id/HANAKO01`)) as { holder: string };
    await call(`${site()}/control/failures`, { body: { kind: 'lost-answer', each: true } });

    const quoted = await call(`${cloud.addresses.exchange}${programme}/quotes`, {
      token,
      body: { partner: 'miles-sandbox', myKeyId: 'HANAKO01', partnerPoints: 2_000 },
    });
    const placed = await place({ myKeyId: 'HANAKO01', partnerPoints: 2_000, quote: quoted.body.quote });
    const refused = await place({ myKeyId: 'TAROTA01', partnerPoints: 5_100 });

    expect(quoted).toMatchObject({ status: 201, body: { municipalPoints: 1_000 } });
    expect([201, 202]).toContain(placed.status);
    await eventually(async () => {
      const { body } = await call(`${cloud.addresses.exchange}${partner}/exchange-orders/${String(placed.body.orderId)}`, { token });
      return body.state === 'completed';
    });
    expect(refused).toMatchObject({ status: 422, body: { code: 'partner-refused', partnerCode: 'limit-exceeded' } });
    expect(await balance(holder)).toMatchObject({ posted: 1_000 });
    expect(await book('hanako')).toEqual({ account: 'hanako', available: 98_000, reserved: 0, taken: 2_000, differences: [] });
    expect(await book('taro')).toMatchObject({ available: 10_000, reserved: 0, taken: 0 });
    await call(`${site()}/control/failures`, { method: 'DELETE' });
  }, 90_000);

  it('passes the conformance kit', async () => {
    const { stdout } = await run(process.execPath, [join(root, 'tools/conformance/dist/main.js'), '--sandbox'], {
      cwd: root,
      env: { ...process.env, CLOUD_HOME: cloud.home },
    });

    expect(stdout).toMatch(/\d+ passed, 0 failed, 2 skipped/);
  });
});

describe('a service that dies', () => {
  it('comes back by itself, and a payment meanwhile has one known end', async () => {
    const { holder, myKeyId } = await aResident();
    await exchange(myKeyId, 1_000);
    await firstPayment({ myKeyId, amount: 1 });
    const { pid } = JSON.parse(readFileSync(join(cloud.home, 'run', 'ledger.json'), 'utf8')) as { pid: number };

    process.kill(pid, 'SIGKILL');
    const key = randomUUID();
    const meanwhile = await pay({ myKeyId, amount: 300 }, { 'idempotency-key': key });

    expect([201, 202]).toContain(meanwhile.status);
    const ended = await eventually(
      async () => {
        const { body } = await cloud.reply('settlement', 'GET', `${programme}/payments/${String(meanwhile.body.payment)}`);
        return body.state === 'captured' && body;
      },
      { timeoutMs: 45_000 },
    );
    expect(ended).toMatchObject({ captured: 300 });
    await eventually(async () => (await balance(holder)).posted === 699, { timeoutMs: 45_000 });
    expect(cloud.lines.some((line) => /ledger.*started again/.test(line))).toBe(true);
    expect(await pay({ myKeyId, amount: 300 }, { 'idempotency-key': key })).toMatchObject({
      status: 201,
      body: { payment: meanwhile.body.payment },
    });
  });
});

describe('the Kawasaki trial', () => {
  it('comes out exact, and a second replay books nothing', async () => {
    const replay = () =>
      run(
        process.execPath,
        [
          join(root, 'tools/replay/dist/main.js'),
          join(root, 'data/kawasaki-trial'),
          '--home',
          cloud.home,
          '--out',
          join(cloud.home, 'report.json'),
        ],
        { cwd: root },
      );
    const published = JSON.parse(readFileSync(join(root, 'data/kawasaki-trial/expected.json'), 'utf8')) as unknown;

    await replay();
    const first: unknown = JSON.parse(readFileSync(join(cloud.home, 'report.json'), 'utf8'));
    await replay();
    const second: unknown = JSON.parse(readFileSync(join(cloud.home, 'report.json'), 'utf8'));

    expect(first).toEqual(published);
    expect(second).toEqual(published);
  }, 120_000);

  it('names every bad row by file, line, field and reason, and books the good ones', async () => {
    const folder = join(root, 'tools/replay/fixtures/bad-rows');
    const lines = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean).sort();
    const report = join(cloud.home, 'bad-rows.json');

    const ended = await run(
      process.execPath,
      [join(root, 'tools/replay/dist/main.js'), folder, '--home', cloud.home, '--programme', '141305-badrows', '--out', report],
      { cwd: root },
    ).then(
      () => ({ code: 0, stderr: '', stdout: '' }),
      (error: { code: number; stderr: string; stdout: string }) => error,
    );

    const said = `${ended.stdout}\n${ended.stderr}`.split('\n');
    expect(ended.code).toBe(2);
    expect(said.filter((line) => /^\w+\.(csv|json):\d+ /.test(line)).sort()).toEqual(lines(join(folder, 'bad-rows.txt')));
    expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')));
  }, 120_000);
});
