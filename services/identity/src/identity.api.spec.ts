import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Controller, Module } from '@nestjs/common';
import { TokenChecker } from '@points/auth';
import { holderRegisteredV1, topics, type HolderRegistered } from '@points/contracts';
import { everyTenant } from '@points/database';
import { httpMigrations } from '@points/http';
import { createTopics, messagingMigrations, OnEvent, type Received } from '@points/messaging';
import { createLogger } from '@points/observability';
import { routesOf, ServiceConfig, startService, type RunningService } from '@points/service';
import { call, type Called } from '@points/service-testing';
import { eventually, freshDatabase, quietLogger, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT, importJWK } from 'jose';
import { IdentityConfig } from './identity.config.js';
import { identity } from './identity.js';
import { parseSigningKeys } from './provider/signing-keys.js';

const [kawasaki, fukuroi] = ['141305', '222160'];
const issuer = 'https://identity.example';
const operator = { clientId: 'operator', secret: 'o'.repeat(43) };
const city = { clientId: 'kawasaki', secret: 'k'.repeat(43) };
const jwks = JSON.stringify({
  keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid: 'key-2026' }],
});

interface Client {
  readonly clientId: string;
  readonly secret: string;
}

describe('identity', () => {
  let fresh: FreshDatabase;
  let service: RunningService;
  let url: string;
  let operatorToken: string;
  let cityToken: string;
  const prefix = topicPrefix();
  const logged: string[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase('identity', identity.migrations);
    const log = createLogger('identity', 'debug', { write: (line: string) => void logged.push(line) });
    await createTopics(testBrokers(), topics, { prefix, log });
    const config = Object.assign(new IdentityConfig(), {
      PORT: 0,
      DATABASE_URL: fresh.url,
      KAFKA_BROKERS: testBrokers().join(','),
      TOPIC_PREFIX: prefix,
      TOKEN_ISSUER: issuer,
      TOKEN_JWKS_URL: `${issuer}/jwks`,
      JWKS: jwks,
      BOOTSTRAP_CLIENTS: JSON.stringify([
        { ...operator, kind: 'operator', scopes: ['clients:read', 'clients:write', 'holders:republish', 'holders:write'], tenants: ['*'] },
        { ...city, kind: 'municipality', scopes: ['clients:read', 'clients:write', 'holders:read', 'holders:write'], tenants: [kawasaki] },
      ]),
    });
    service = await startService(identity, config, {
      log,
      onFatal: (error) => {
        throw error;
      },
      // The published keys, read where this run happens to listen.
      keys: (header, token) => createRemoteJWKSet(new URL(`${url}/jwks`))(header, token),
      processMetrics: false,
    });
    url = service.url;
    operatorToken = await tokenOf(operator);
    cityToken = await tokenOf(city);
  });
  afterAll(async () => {
    await service?.stop();
    await fresh?.close();
  });

  const form = (fields: Record<string, string>) => new URLSearchParams({ grant_type: 'client_credentials', ...fields }).toString();
  const basic = ({ clientId, secret }: Client) => `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
  const askToken = (client: Client, fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Called> =>
    call(`${url}/token`, {
      method: 'POST',
      body: form(fields),
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(client), ...headers },
    });
  const tokenOf = async (client: Client, fields: Record<string, string> = {}) => {
    const { status, body } = await askToken(client, fields);
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    return String(body.access_token);
  };
  const path = (municipality: string, rest: string) => `${url}/v1/municipalities/${municipality}/${rest}`;
  const put = (clientId: string, body: Record<string, unknown> = {}) =>
    call(`${url}/v1/platform/clients/${clientId}`, {
      method: 'PUT',
      token: operatorToken,
      body: { name: 'A partner', kind: 'partner', scopes: ['holders:read'], tenants: [kawasaki], ...body },
    });

  describe('as the OpenID Provider', () => {
    it('gives a signed token with the claims that the services need', async () => {
      const token = await tokenOf(city, { scope: 'holders:read' });

      const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(`${url}/jwks`)), {
        issuer,
        audience: 'urn:municipal-points',
        typ: 'at+jwt',
      });
      expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: 'key-2026' });
      expect(payload).toMatchObject({ sub: 'kawasaki', client_id: 'kawasaki', scope: 'holders:read', tenants: [kawasaki] });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
    });

    it('says what it granted, to a client that asked for nothing as well', async () => {
      const { status, body, headers } = await askToken(operator);

      expect([status, body]).toMatchObject([
        200,
        { token_type: 'Bearer', expires_in: 600, scope: 'clients:read clients:write holders:republish holders:write' },
      ]);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(decodeJwt(String(body.access_token)).tenants).toEqual(['*']);
    });

    it('takes the secret in the body too', async () => {
      const { status } = await call(`${url}/token`, {
        method: 'POST',
        body: form({ client_id: city.clientId, client_secret: city.secret }),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });

      expect(status).toBe(200);
    });

    it('gives the same token for the audience by its name', async () => {
      expect(decodeJwt(await tokenOf(city, { resource: 'urn:municipal-points' })).aud).toBe('urn:municipal-points');
    });

    it.each([
      ['a wrong secret', () => askToken({ ...city, secret: 'x'.repeat(43) }), 401, 'invalid_client'],
      ['the hash instead of the secret', async () => askToken({ ...city, secret: await hashOf(city) }), 401, 'invalid_client'],
      ['an unknown client', () => askToken({ ...city, clientId: 'nobody' }), 401, 'invalid_client'],
      ['a scope the client is not registered for', () => askToken(city, { scope: 'holders:read holders:republish' }), 400, 'invalid_scope'],
      ['a scope of OpenID Connect', () => askToken(city, { scope: 'openid' }), 400, 'invalid_scope'],
      ['another audience', () => askToken(city, { resource: 'urn:other' }), 400, 'invalid_target'],
      ['another grant type', () => askToken(city, { grant_type: 'password', username: 'a', password: 'b' }), 400, 'unsupported_grant_type'],
      [
        'a grant type that does not exist',
        () => askToken(city, { grant_type: 'authorization_code', code: 'x' }),
        400,
        'unsupported_grant_type',
      ],
      [
        'no credentials',
        () => call(`${url}/token`, { method: 'POST', body: form({}), headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
        400,
        'invalid_request',
      ],
      ['JSON', () => call(`${url}/token`, { body: { grant_type: 'client_credentials' } }), 400, 'invalid_request'],
      [
        'a browser’s wish for HTML',
        () => askToken({ ...city, secret: 'x'.repeat(43) }, {}, { accept: 'text/html' }),
        401,
        'invalid_client',
      ],
    ])('refuses %s as an OAuth error', async (_, ask, status, error) => {
      const { body, headers, ...answered } = await ask();

      expect([answered.status, body.error]).toEqual([status, error]);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
    });

    const hashOf = async ({ clientId }: Client) => {
      const [row] = await service.database.transaction(everyTenant, (tx) =>
        tx.query<{ hash: string }>('select hash from client_secret where client = $1', [clientId]),
      );
      return row?.hash ?? '';
    };

    it('publishes its keys without their private part', async () => {
      const { body } = await call<{ keys: Record<string, unknown>[] }>(`${url}/jwks`);

      const published = parseSigningKeys(jwks).map(({ d, ...publicPart }) => ({ publicPart, privatePart: d }));
      expect(body.keys).toEqual(published.map((key) => key.publicPart));
      expect(JSON.stringify(body)).not.toContain(published[0]?.privatePart);
    });

    it.each(['openid-configuration', 'oauth-authorization-server'])(
      'describes itself at .well-known/%s under the issuer’s address, and offers nothing more',
      async (document) => {
        const { body } = await call(`${url}/.well-known/${document}`, { headers: { 'x-forwarded-host': 'evil.example' } });

        expect(body).toMatchObject({
          issuer,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          grant_types_supported: ['client_credentials'],
          token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
          response_types_supported: [],
        });
        expect(Object.keys(body).filter((key) => key.endsWith('_endpoint'))).toEqual(['token_endpoint']);
      },
    );

    it.each(['/auth', '/me', '/request', '/session/end', '/reg', '/interaction/x'])('has nothing at %s', async (address) => {
      expect((await call(`${url}${address}`)).status).toBe(404);
    });
  });

  describe('as a service that checks tokens', () => {
    it('refuses a token that has expired', async () => {
      const [key] = parseSigningKeys(jwks);
      const { payload, header } = { payload: decodeJwt(cityToken), header: decodeProtectedHeader(cityToken) };
      const ago = (seconds: number) => Math.floor(Date.now() / 1000) - seconds;
      const expired = await new SignJWT({ ...payload, iat: ago(700), exp: ago(100) })
        .setProtectedHeader({ ...header, alg: 'ES256' })
        .sign(await importJWK({ ...key }, 'ES256'));

      const { status, body } = await call(path(kawasaki, 'holders'), { token: expired, body: {} });

      expect([status, body.code, body.detail]).toEqual([401, 'token-invalid', 'the token has expired']);
    });

    it('refuses a real token when its time is over', async () => {
      const inElevenMinutes = new TokenChecker({ issuer, jwksUrl: `${url}/jwks`, now: () => Date.now() + 660_000 });

      await expect(inElevenMinutes.check(cityToken)).rejects.toThrow('the token has expired');
    });

    it('keeps a municipality to itself and the platform to the operator', async () => {
      expect((await call(path(fukuroi, 'holders'), { token: cityToken, body: {} })).body.code).toBe('tenant-not-allowed');
      expect((await call(`${url}/v1/platform/clients/x1`, { method: 'DELETE', token: cityToken })).body.code).toBe('tenant-not-allowed');
    });

    it('has no open route but those of its frame', () => {
      const open = routesOf(service.app).filter((route) => route.operation.public);

      expect(open.map((route) => route.path)).toEqual(['/health/live', '/health/ready', '/metrics']);
    });
  });

  describe('for clients', () => {
    it('registers a new one with a secret that works, and changes it without a new secret', async () => {
      const made = await put('partner-a');
      const changed = await put('partner-a', { tenants: [kawasaki, fukuroi] });

      expect([made.status, changed.status, changed.body.secret]).toEqual([201, 200, undefined]);
      const token = await tokenOf({ clientId: 'partner-a', secret: String(made.body.secret) });
      expect(decodeJwt(token)).toMatchObject({ scope: 'holders:read', tenants: [kawasaki, fukuroi] });
    });

    it.each([
      ['a wrong check digit', { tenants: ['141306'] }, 'unknown-municipality'],
      ['all tenants beside one', { tenants: ['*', kawasaki] }, 'unknown-municipality'],
      ['no tenant', { tenants: [] }, 'invalid-request'],
      ['a scope of wrong form', { scopes: ['Everything'] }, 'invalid-request'],
      ['an unknown kind', { kind: 'god' }, 'invalid-request'],
    ])('refuses %s', async (_, body, code) => {
      expect(await put('partner-x', body)).toMatchObject({ status: 422, body: { code } });
    });

    it('rotates a secret: both are good, and the repeated request tells no secret', async () => {
      const first = { clientId: 'partner-b', secret: String((await put('partner-b')).body.secret) };
      const rotate = () => call(`${url}/v1/platform/clients/partner-b/secrets`, { method: 'POST', token: operatorToken, key: 'rotate-b' });

      const [rotated, repeated] = [await rotate(), await rotate()];

      expect([rotated.status, repeated.status]).toEqual([201, 201]);
      expect(repeated.headers.get('idempotency-replayed')).toBe('true');
      expect(repeated.body).toEqual({ clientId: 'partner-b', previousValidUntil: rotated.body.previousValidUntil });
      expect((await askToken({ ...first, secret: String(rotated.body.secret) })).status).toBe(200);
      expect((await askToken(first)).status).toBe(200);
      const [stored] = await service.database.transaction(everyTenant, (tx) =>
        tx.query<{ all: string }>('select json_agg(r)::text as all from request r'),
      );
      expect(stored?.all).not.toContain(String(rotated.body.secret));
    });

    it('revokes one: the next token is refused', async () => {
      const client = { clientId: 'partner-c', secret: String((await put('partner-c')).body.secret) };
      await tokenOf(client);

      const revoked = await call(`${url}/v1/platform/clients/partner-c`, { method: 'DELETE', token: operatorToken });

      expect(revoked.status).toBe(204);
      expect(await askToken(client)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect((await put('partner-c')).body.code).toBe('client-revoked');
    });

    it('lets a municipality make its own, for itself and with its own rights only', async () => {
      const make = (body: Record<string, unknown>) =>
        call(path(kawasaki, 'clients'), {
          token: cityToken,
          body: { clientId: `${kawasaki}-pos`, name: 'POS', kind: 'merchant', scopes: ['payments:write'], ...body },
        });

      const made = await make({});

      expect(made).toMatchObject({ status: 201, body: { clientId: `${kawasaki}-pos`, tenants: [kawasaki] } });
      expect(decodeJwt(await tokenOf({ clientId: `${kawasaki}-pos`, secret: String(made.body.secret) }))).toMatchObject({
        scope: 'payments:write',
        tenants: [kawasaki],
      });
      expect((await make({})).body.code).toBe('client-exists');
      expect((await make({ clientId: `${kawasaki}-more`, scopes: ['clients:write'] })).body.code).toBe('scope-not-allowed');
      expect((await make({ clientId: `${fukuroi}-pos` })).body.code).toBe('client-id-of-another');
      expect((await make({ clientId: `${kawasaki}-more`, tenants: [fukuroi] })).body.code).toBe('invalid-request');
      expect((await make({ clientId: `${kawasaki}-more`, kind: 'operator' })).body.code).toBe('invalid-request');
    });

    it('shows a municipality its own clients and the operator all, and lets it manage its own only', async () => {
      await call(path(kawasaki, 'clients'), {
        token: cityToken,
        body: { clientId: `${kawasaki}-list`, name: 'L', kind: 'tool', scopes: ['holders:read'] },
      });
      const ids = async (address: string, token: string) =>
        ((await call<{ clients: { clientId: string }[] }>(address, { token })).body.clients ?? []).map((one) => one.clientId);

      const [own, all] = [await ids(path(kawasaki, 'clients'), cityToken), await ids(`${url}/v1/platform/clients`, operatorToken)];

      expect(own.every((id) => id.startsWith(`${kawasaki}-`))).toBe(true);
      expect(all).toEqual(expect.arrayContaining(['operator', 'kawasaki', `${kawasaki}-list`]));
      expect((await call(path(kawasaki, 'clients/operator/secrets'), { method: 'POST', token: cityToken })).body.code).toBe(
        'unknown-client',
      );
      expect((await call(path(kawasaki, `clients/${kawasaki}-list/secrets`), { method: 'POST', token: cityToken })).status).toBe(201);
      expect((await call(path(kawasaki, `clients/${kawasaki}-list`), { method: 'DELETE', token: cityToken })).status).toBe(204);
    });
  });

  describe('for holders', () => {
    const register = (municipality: string, body: Record<string, unknown>, token = operatorToken, key: string = randomUUID()) =>
      call<{ holder: string; myKeyId: string; code: string }>(path(municipality, 'holders'), { token, body, key });

    it('makes a person with a new My Key ID, once for one key', async () => {
      const key = randomUUID();
      const made = await register(kawasaki, {}, cityToken, key);
      const again = await register(kawasaki, {}, cityToken, key);

      expect(made.status).toBe(201);
      expect(made.body.myKeyId).toMatch(/^[2-9A-HJ-NP-Z]{8}$/);
      expect(again.body).toEqual(made.body);
      expect((await call(path(kawasaki, `holders/by-my-key-id/${made.body.myKeyId}`), { token: cityToken })).body).toEqual(made.body);
    });

    it('takes over a non-resident who has a My Key ID', async () => {
      const first = await register(fukuroi, { myKeyId: 'NR222222' });
      const second = await register(kawasaki, { myKeyId: 'NR222222' }, cityToken);

      expect([first.status, second.status]).toEqual([201, 200]);
      expect(second.body).toEqual(first.body);
    });

    it('registers many at once and refuses more than 500', async () => {
      const many = Array.from({ length: 501 }, (_, index) => `BULK${String(index).padStart(4, '0')}`);
      const bulk = (myKeyIds: string[]) =>
        call<{ holders: { state: string }[]; code: string }>(path(kawasaki, 'holders/bulk'), { token: cityToken, body: { myKeyIds } });

      const [good, over, wrong] = [await bulk(many.slice(0, 500)), await bulk(many), await bulk(['TOO-LONG-'])];

      expect([good.status, good.body.holders.filter((one) => one.state === 'created').length]).toEqual([200, 500]);
      expect([over.status, over.body.code, wrong.body.code]).toEqual([422, 'invalid-request', 'invalid-request']);
    });

    it('changes a My Key ID to a wished one, refuses a taken one, and never gives the old one again', async () => {
      const { holder } = (await register(kawasaki, { myKeyId: 'HANA2222' }, cityToken)).body;
      const change = (myKeyId: string) =>
        call(path(kawasaki, `holders/${holder}/my-key-id`), { method: 'PUT', token: cityToken, body: { myKeyId } });

      const changed = await change('hanako22');

      expect(changed).toMatchObject({ status: 200, body: { holder, myKeyId: 'hanako22' } });
      expect((await change('hanako22')).body).toEqual(changed.body);
      expect(await change('HANA2222')).toMatchObject({ status: 409, body: { code: 'my-key-id-taken' } });
      expect(await register(kawasaki, { myKeyId: 'HANA2222' }, cityToken)).toMatchObject({
        status: 409,
        body: { code: 'my-key-id-retired' },
      });
      expect((await call(path(kawasaki, 'holders/by-my-key-id/HANA2222'), { token: cityToken })).body).toEqual({
        holder,
        myKeyId: 'hanako22',
      });
      expect(
        await call(path(kawasaki, `holders/${randomUUID()}/my-key-id`), { method: 'PUT', token: cityToken, body: { myKeyId: 'nobody22' } }),
      ).toMatchObject({ status: 404, body: { code: 'unknown-holder' } });
    });

    it('tells every registration and change in order, and all again when the operator asks', async () => {
      const listener = await aListener(prefix);
      try {
        const { holder } = (await register(kawasaki, { myKeyId: 'KAFKA222' }, cityToken)).body;
        await call(path(kawasaki, `holders/${holder}/my-key-id`), { method: 'PUT', token: cityToken, body: { myKeyId: 'KAFKA333' } });
        await eventually(() => expect(listener.myKeyIdsOf(holder)).toEqual(['KAFKA222', 'KAFKA333']));

        let after: string | undefined;
        do
          after = (
            await call<{ next?: string }>(`${url}/v1/platform/holders/republish`, {
              token: operatorToken,
              body: { ...(after && { after }), limit: 200 },
            })
          ).body.next;
        while (after);

        await eventually(() => expect(listener.myKeyIdsOf(holder)).toEqual(['KAFKA222', 'KAFKA333', 'KAFKA333']));
      } finally {
        await listener.close();
      }
    }, 30_000);
  });

  it('publishes an OpenAPI document that a public linter accepts', async () => {
    const { body } = await call(`${url}/openapi.json`);
    // A holder is a uuid, so no path is both …/holders/by-my-key-id/my-key-id and …/holders/{holder}/my-key-id.
    const config = await createConfig({ extends: ['spec', 'recommended'], rules: { 'no-ambiguous-paths': 'off' } });

    const found = await lintFromString({ source: JSON.stringify(body), config });

    expect(found.map((one) => `${one.severity} ${one.ruleId} ${one.message} ${one.location[0]?.pointer}`)).toEqual([]);
  });

  it('writes no secret, no hash and no token into its log', () => {
    const log = logged.join('');

    expect(log).toContain('token given');
    expect(log).toContain('token refused');
    expect(log).not.toMatch(/o{43}|k{43}|x{43}|sha256:|eyJ/);
  });
});

const heard: HolderRegistered[] = [];

@Controller()
class HolderListener {
  @OnEvent(holderRegisteredV1)
  onRegistered(events: Received<HolderRegistered>[]): Promise<void> {
    heard.push(...events.map((one) => one.data));
    return Promise.resolve();
  }
}

@Module({ controllers: [HolderListener] })
class ListenerModule {}

/** Another service of the cloud, with a database of its own, that hears of holders. */
async function aListener(prefix: string): Promise<{ myKeyIdsOf(holder: string): string[]; close(): Promise<void> }> {
  const migrations = [...httpMigrations, ...messagingMigrations];
  const fresh = await freshDatabase('catalog', migrations);
  const running = await startService(
    {
      name: 'catalog',
      title: 'Listener',
      description: 'Listens.',
      module: ListenerModule,
      config: ServiceConfig,
      migrations,
      reads: [holderRegisteredV1],
    },
    Object.assign(new ServiceConfig(), {
      PORT: 0,
      DATABASE_URL: fresh.url,
      KAFKA_BROKERS: testBrokers().join(','),
      TOPIC_PREFIX: prefix,
      TOKEN_ISSUER: issuer,
      TOKEN_JWKS_URL: `${issuer}/jwks`,
    }),
    {
      log: quietLogger('catalog'),
      onFatal: (error) => {
        throw error;
      },
      processMetrics: false,
    },
  );
  return {
    myKeyIdsOf: (holder) => heard.filter((one) => one.holder === holder).map((one) => one.myKeyId),
    close: async () => {
      await running.stop();
      await fresh.close();
    },
  };
}
