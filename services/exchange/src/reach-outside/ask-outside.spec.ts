import type { ServerResponse } from 'node:http';
import { callScheme } from '../convert-points/call-scheme.js';
import type { Credit } from '../convert-points/credit.js';
import { ExchangeConfig } from '../exchange.config.js';
import type { Connection } from '../link-accounts/connection.js';
import { SignInAtPartner } from '../link-accounts/sign-in-at-partner.js';
import { resolvingTo, serversOfTest } from '../testing/trap.js';
import { askOutside, fetchOutside } from './ask-outside.js';
import { reachOf, type Reach } from './request-outside.js';

const servers = serversOfTest();
afterEach(() => servers.close());

const stop = new AbortController().signal;
const outside: Reach = { allowPrivate: false };
const inside: Reach = { allowPrivate: true };
// 127.0.0.2 plays the public address here: it is the one that the rule of these tests allows.
const isAllowed = (address: string) => address === '127.0.0.2';
const isPrivate = 'not sent: the host has a private, local or reserved address';
const json = (response: ServerResponse, body: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
const put = (address: string, reach: Reach, withinMs = 2_000) =>
  askOutside(address, { method: 'PUT', token: 'a-secret', body: { points: 1 }, withinMs }, reach, stop);

it('private addresses are off unless a setting says so', () => {
  expect(reachOf(new ExchangeConfig())).toEqual(outside);
});

describe('a call of a partner or of a card scheme', () => {
  it('brings the answer', async () => {
    const port = await servers.answering((request, response) => {
      const { method, headers } = request;
      response.statusCode = 201;
      json(response, { method, token: headers.authorization, length: headers['content-length'] });
    });

    expect(await put(`http://127.0.0.1:${port}/`, inside)).toEqual({
      status: 201,
      body: { method: 'PUT', token: 'Bearer a-secret', length: '12' },
    });
  });

  it.each([
    ['answers with more than 64 KiB', (response: ServerResponse) => response.end('x'.repeat(65_537)), 'answered more than 65536 bytes'],
    ['does not answer', () => undefined, 'no answer within 200 ms'],
    ['stops in the middle of its answer', (response: ServerResponse) => response.writeHead(200).write('{'), 'no answer within 200 ms'],
    ['hangs up', (response: ServerResponse) => response.destroy(), 'cannot be reached: ECONNRESET'],
  ])('fails when the other side %s', async (_, answer, failed) => {
    const port = await servers.answering((_request, response) => void answer(response));

    expect(await put(`http://127.0.0.1:${port}/`, inside, failed.startsWith('no') ? 200 : 2_000)).toEqual({ failed });
  });

  it('goes nowhere in the clear but to this machine and its networks', async () => {
    expect(await put('http://8.8.8.8/', inside)).toEqual({ failed: 'not sent: a public address is reached by https only' });
    expect(await put('http://card.example/', { ...inside, ...resolvingTo('8.8.8.8') })).toMatchObject({
      failed: expect.stringContaining('https only') as string,
    });
  });
});

describe.each([
  ['askOutside', (address: string, reach: Reach) => put(address, reach)],
  [
    'fetchOutside',
    async (address: string, reach: Reach) => {
      try {
        const { status } = await fetchOutside(address, { method: 'GET', headers: {} }, reach, stop);
        return { status };
      } catch (error) {
        return { failed: `not sent: ${(error as Error).message}` };
      }
    },
  ],
] as const)('nothing goes to an address that is not public: %s', (_, ask) => {
  it.each(['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '[::1]', '0', '10.0.0.1', '169.254.169.254'])(
    'as %s',
    async (host) => {
      const { port, connections } = await servers.trap();

      expect(await ask(`https://${host}:${port}/`, outside)).toEqual({
        failed: 'not sent: the URL must not name a private, local or reserved address',
      });
      expect(connections()).toBe(0);
    },
  );

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
    'by a name that resolves to %s',
    async (address) => {
      const { port, connections } = await servers.trap();

      expect(await ask(`https://partner.example:${port}/`, { ...outside, ...resolvingTo(address) })).toEqual({ failed: isPrivate });
      expect(connections()).toBe(0);
    },
  );

  it('by a name that answers otherwise a moment after it was checked', async () => {
    const came: (string | undefined)[] = [];
    const port = await servers.answering((request, response) => {
      came.push(request.socket.localAddress);
      json(response, {});
    });
    const reach = { ...inside, ...resolvingTo('127.0.0.2', '127.0.0.1'), isAllowed };

    const [first, second] = [await ask(`http://partner.example:${port}/`, reach), await ask(`http://partner.example:${port}/`, reach)];

    expect([first, second]).toEqual([expect.objectContaining({ status: 200 }), { failed: isPrivate }]);
    expect(came).toEqual(['127.0.0.2']);
  });

  it.each([301, 302, 303, 307, 308])('by a redirect (%i)', async (status) => {
    const trap = await servers.trap();
    const port = await servers.answering((_request, response) =>
      response.writeHead(status, { location: `http://127.0.0.1:${trap.port}/` }).end(),
    );

    const said = await ask(`http://partner.example:${port}/`, { ...inside, ...resolvingTo('127.0.0.2'), isAllowed });

    expect(said).toMatchObject({ status });
    expect(trap.connections()).toBe(0);
  });
});

it('a card scheme that is inside is not called', async () => {
  const { port, connections } = await servers.trap();
  const credit = { endpoint: `https://127.0.0.1:${port}`, scheme: 'bureka', conversionId: 'c-1', cause: { programme: 'p' } };

  // The address alone counts here.
  expect(await callScheme(credit as unknown as Credit, outside, stop)).toMatchObject({
    kind: 'failed',
    reason: expect.stringMatching(/^not sent/) as string,
  });
  expect(connections()).toBe(0);
});

describe('a partner’s sign-in', () => {
  const config = Object.assign(new ExchangeConfig(), { PARTNER_ANSWER_MS: 2_000 });
  class SignIn extends SignInAtPartner {
    protected override readonly reach: Reach = { ...inside, ...resolvingTo('127.0.0.2'), isAllowed };
  }
  const connectionTo = (issuer: string): Connection => ({
    ...{ programme: 'p', partner: 'miles', version: 1, issuer, endpoint: issuer },
    ...{ clientId: 'us', clientSecret: 'a-secret', redirectUri: 'https://app.example/linked' },
  });

  it('that is inside is not asked', async () => {
    const { port, connections } = await servers.trap();

    expect(await new SignInAtPartner(config).clientToken(connectionTo(`https://127.0.0.1:${port}`))).toEqual({
      kind: 'failed',
      reason: "the partner's sign-in: not sent: the URL must not name a private, local or reserved address",
    });
    expect(connections()).toBe(0);
  });

  it.each(['token_endpoint', 'redirect'])('that sends us inside (%s) is not followed', async (way) => {
    const trap = await servers.trap();
    const there = `http://127.0.0.1:${trap.port}/token`;
    const issuer = (port: number) => `http://partner.localhost:${port}`;
    const port: number = await servers.answering((request, response) => {
      if (request.url === '/token') response.writeHead(307, { location: there }).end();
      else json(response, { issuer: issuer(port), token_endpoint: way === 'redirect' ? `${issuer(port)}/token` : there });
    });

    const answer = await new SignIn(config).clientToken(connectionTo(issuer(port)));

    expect(answer).toEqual({
      kind: 'failed',
      reason:
        way === 'redirect' ? (expect.stringContaining('OAUTH_RESPONSE_IS_NOT_CONFORM') as string) : `the partner's sign-in: ${isPrivate}`,
    });
    expect(trap.connections()).toBe(0);
  });
});
