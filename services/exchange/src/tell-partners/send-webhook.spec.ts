import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { Webhook } from 'standardwebhooks';
import { partnerExample } from '../testing/partner-example-certificate.js';
import { sendWebhook, type SendSettings } from './send-webhook.js';

const opened: (Server | TcpServer)[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const another = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const webhook = { id: 'event-1', body: '{"type":"webhook.ping"}', secrets: [secret] };

interface Arrived {
  readonly at: string | undefined;
  readonly request: IncomingMessage;
  readonly body: string;
}

/** On every address of this machine. */
async function aReceiver(answer: (response: ServerResponse) => void = (response) => response.end()) {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      arrived.push({ at: request.socket.localAddress, request, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  opened.push(server);
  return { arrived, port: (server.address() as AddressInfo).port };
}

const send = (url: string, settings: Partial<SendSettings> = {}, changes: Partial<typeof webhook> = {}) =>
  sendWebhook({ ...webhook, url, ...changes }, { allowPrivate: true, stop: new AbortController().signal, ...settings });
const resolvingTo = (...addresses: string[]) => {
  const asked: string[] = [];
  return {
    asked,
    resolve: (host: string) => {
      asked.push(host);
      // Each time the next one, and then the last one for ever.
      const address = addresses[Math.min(asked.length, addresses.length) - 1] ?? '';
      return Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
    },
  };
};

describe('a webhook', () => {
  it('is signed so that the library of the specification accepts it', async () => {
    const { arrived, port } = await aReceiver();

    expect(await send(`http://127.0.0.1:${port}/hook?a=b`)).toEqual({ status: 200, outcome: { kind: 'delivered' } });

    const [{ request, body } = { request: undefined, body: '' }] = arrived;
    expect([request?.method, request?.url, request?.headers['content-type']]).toEqual([
      'POST',
      '/hook?a=b',
      'application/json; charset=utf-8',
    ]);
    expect(new Webhook(secret).verify(body, request?.headers as Record<string, string>)).toEqual({ type: 'webhook.ping' });
  });

  it('bears a signature of each secret, the newest first', async () => {
    const { arrived, port } = await aReceiver();

    await send(`http://127.0.0.1:${port}/`, {}, { secrets: [secret, another] });

    const headers = arrived[0]?.request.headers as Record<string, string>;
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
    for (const one of [secret, another]) expect(() => new Webhook(one).verify(webhook.body, headers)).not.toThrow();
  });

  it.each([
    [204, { kind: 'delivered' }, undefined],
    [400, { kind: 'failed' }, 'answered 400'],
    [404, { kind: 'failed' }, 'answered 404'],
    [410, { kind: 'gone' }, 'answered 410: gone for good'],
    [503, { kind: 'failed' }, 'answered 503'],
  ])('answered %i is %j', async (status, outcome, problem) => {
    const { port } = await aReceiver((response) => response.writeHead(status).end());

    expect(await send(`http://127.0.0.1:${port}/`)).toEqual({ status, outcome, ...(problem && { problem }) });
  });

  it.each([
    ['120', 120_000],
    ['Fri, 01 Jan 2100 00:00:00 GMT', expect.any(Number) as number],
    ['Fri, 01 Jan 2021 00:00:00 GMT', undefined],
    ['soon', undefined],
  ])('is told by Retry-After: %s', async (text, retryAfterMs) => {
    const { port } = await aReceiver((response) => response.writeHead(429, { 'retry-after': text }).end());

    const { outcome } = await send(`http://127.0.0.1:${port}/`);

    expect(outcome).toEqual({ kind: 'failed', ...(retryAfterMs !== undefined && { retryAfterMs }) });
  });

  it('keeps the first 500 characters of the answer, without control characters, and reads no more than 16 KiB of it', async () => {
    let written = 0;
    const { port } = await aReceiver((response) => {
      response.writeHead(500);
      response.write('oh\u0000\u001b[31m no ');
      const more = () => {
        written += 1_000;
        // Without an end.
        if (!response.destroyed) response.write('x'.repeat(1_000), () => setImmediate(more));
      };
      more();
    });

    const { answer, problem } = await send(`http://127.0.0.1:${port}/`);

    expect(problem).toBe('answered 500');
    expect(answer).toMatch(/^oh \[31m no x+$/);
    expect(answer).toHaveLength(500);
    expect(written).toBeLessThan(5_000_000);
  });

  it('is delivered by a 2xx whose body does not come', async () => {
    const { port } = await aReceiver((response) => response.writeHead(200).write('thanks'));

    expect(await send(`http://127.0.0.1:${port}/`, { msMax: 200 })).toMatchObject({ status: 200, outcome: { kind: 'delivered' } });
  });

  it('is given up after its time', async () => {
    const { port } = await aReceiver(() => undefined);

    expect(await send(`http://127.0.0.1:${port}/`, { msMax: 100 })).toEqual({
      outcome: { kind: 'failed' },
      problem: 'no answer within 100 ms',
    });
  });

  it('does not wait for a resolver for longer than its time either', async () => {
    const resolve = () => new Promise<never>(() => undefined);

    expect((await send('http://slow.example/', { resolve, msMax: 100 })).problem).toBe('no answer within 100 ms');
  });

  it('ends when the service does', async () => {
    const stop = new AbortController();
    const { port } = await aReceiver(() => stop.abort());

    expect(await send(`http://127.0.0.1:${port}/`, { stop: stop.signal })).toEqual({
      outcome: { kind: 'interrupted' },
      problem: 'the service stopped during the call; it is sent again',
    });
  });

  it.each([
    ['nothing', ''],
    ['what is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['headers without an end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('is a failure when the receiver answers %s', async (_, text) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(text));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(server);

    const { outcome, problem } = await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { msMax: 2_000 });

    expect([outcome.kind, problem]).toEqual(['failed', expect.stringMatching(/^cannot be reached/)]);
  });

  it('says how the receiver cannot be reached', async () => {
    const { port } = await aReceiver();
    await new Promise((resolve) => opened.pop()?.close(resolve));

    expect((await send(`http://127.0.0.1:${port}/`)).problem).toBe('cannot be reached: ECONNREFUSED');
  });
});

describe('no webhook goes to an address that is not public', () => {
  /** Counts every connection, whatever is said on it. */
  async function aTrap() {
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    opened.push(server);
    return { port: (server.address() as AddressInfo).port, connections: () => connections };
  }
  const outside = { allowPrivate: false };

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '017700000001', '[::ffff:127.0.0.1]', '0'])('as %s', async (host) => {
    const { port, connections } = await aTrap();

    const { problem, outcome } = await send(`https://${host}:${port}/`, outside);

    expect([problem, outcome.kind]).toEqual(['not sent: the URL must not name a private, local or reserved address', 'failed']);
    expect(connections()).toBe(0);
  });

  it.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
    'by a name that resolves to %s',
    async (address) => {
      const { port, connections } = await aTrap();

      const { problem } = await send(`https://partner.example:${port}/`, { ...outside, ...resolvingTo(address) });

      expect(problem).toBe('not sent: the host has a private, local or reserved address');
      expect(connections()).toBe(0);
    },
  );

  it('by a name of which only one address is private', async () => {
    const { port, connections } = await aTrap();
    const resolve = () =>
      Promise.resolve([
        { address: '8.8.8.8', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);

    expect((await send(`https://partner.example:${port}/`, { ...outside, resolve })).problem).toMatch('not sent');
    expect(connections()).toBe(0);
  });

  it('by the names that this machine alone knows', async () => {
    const { port, connections } = await aTrap();

    expect((await send(`https://localhost:${port}/`, outside)).outcome.kind).toBe('failed');
    expect(connections()).toBe(0);
  });

  // 127.0.0.2 plays the public address here: it is the one that the rule of this test allows.
  const isAllowed = (address: string) => address === '127.0.0.2';

  it('by a name that answers otherwise a moment after it was checked', async () => {
    const { arrived, port } = await aReceiver();
    const { resolve, asked } = resolvingTo('127.0.0.2', '127.0.0.1');

    const first = await send(`http://partner.example:${port}/`, { resolve, isAllowed });
    const second = await send(`http://partner.example:${port}/`, { resolve, isAllowed });

    expect(first.outcome.kind).toBe('delivered');
    expect(second.problem).toBe('not sent: the host has a private, local or reserved address');
    expect(arrived.map((one) => [one.at, one.request.headers.host])).toEqual([['127.0.0.2', `partner.example:${port}`]]);
    expect(asked).toEqual(['partner.example', 'partner.example']);
  });

  it.each([301, 302, 303, 307, 308])('by a redirect (%i)', async (status) => {
    const { port: trap, connections } = await aTrap();
    const { port } = await aReceiver((response) => response.writeHead(status, { location: `http://127.0.0.1:${trap}/` }).end());

    expect(await send(`http://partner.example:${port}/`, { ...resolvingTo('127.0.0.2'), isAllowed })).toEqual({
      status,
      outcome: { kind: 'failed' },
      problem: `answered ${status}: redirects are not followed`,
    });
    expect(connections()).toBe(0);
  });
});

describe('a receiver’s certificate', () => {
  async function aSecureReceiver() {
    const names: unknown[] = [];
    const server = createSecureServer(partnerExample, (request, response) => {
      names.push((request.socket as TLSSocket).servername);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push(server);
    return { names, port: (server.address() as AddressInfo).port };
  }
  const trusted = getCACertificates('default');
  afterEach(() => setDefaultCACertificates(trusted));

  it('must be vouched for', async () => {
    const { port, names } = await aSecureReceiver();

    expect((await send(`https://partner.example:${port}/`, resolvingTo('127.0.0.1'))).problem).toBe(
      'cannot be reached: DEPTH_ZERO_SELF_SIGNED_CERT',
    );
    expect(names).toEqual([]);
  });

  it('must bear the name in the URL, not that of the address', async () => {
    const { port, names } = await aSecureReceiver();
    setDefaultCACertificates([...trusted, partnerExample.cert]);

    const right = await send(`https://partner.example:${port}/`, resolvingTo('127.0.0.1'));
    const wrong = await send(`https://other.example:${port}/`, resolvingTo('127.0.0.1'));

    expect([right.outcome.kind, wrong.problem]).toEqual(['delivered', 'cannot be reached: ERR_TLS_CERT_ALTNAME_INVALID']);
    expect(names).toEqual(['partner.example']);
  });
});
