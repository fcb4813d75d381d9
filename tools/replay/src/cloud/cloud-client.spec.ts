import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cloudClient } from './cloud-client.js';
import type { Cloud } from './find-cloud.js';

/** A service that gives tokens t1, t2, … and the answers it was told, one after the other. */
let server: Server;
let cloud: Cloud;
let tokens: number;
let heard: { authorization: string | undefined; key: string | string[] | undefined }[];
let answers: { status: number; body: object }[];

beforeEach(async () => {
  [tokens, heard, answers] = [0, [], []];
  server = createServer((request: IncomingMessage, response) => {
    request.resume();
    const isToken = request.url === '/token';
    if (!isToken) heard.push({ authorization: request.headers.authorization, key: request.headers['idempotency-key'] });
    const { status, body } = isToken
      ? { status: 200, body: { access_token: `t${++tokens}`, expires_in: 600 } }
      : (answers.shift() ?? { status: 200, body: {} });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  cloud = {
    addresses: { identity: url, exchange: url, ledger: url, settlement: url, catalog: url, cardScheme: url },
    client: { id: 'operator', secret: 's' },
  };
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

describe('a call of the cloud', () => {
  it('asks for one token, however many calls begin together', async () => {
    const client = cloudClient(cloud);

    await Promise.all([client.get('ledger', '/a'), client.get('ledger', '/b'), client.get('ledger', '/c')]);

    expect(tokens).toBe(1);
    expect(heard.map((one) => one.authorization)).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t1']);
  });

  it('gets a new token once when its own is not taken any more', async () => {
    answers = [{ status: 401, body: { code: 'token-invalid' } }];

    const reply = await cloudClient(cloud).get('ledger', '/a');

    expect(reply.status).toBe(200);
    expect(heard.map((one) => one.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  it('is sent again under the same key while the service is away or still works on it', async () => {
    answers = [
      { status: 503, body: {} },
      { status: 409, body: { code: 'request-in-progress' } },
      { status: 201, body: { orderId: 'E-1' } },
    ];

    const reply = await cloudClient(cloud).post('exchange', '/orders', {}, 'key-1');

    expect(reply).toEqual({ status: 201, body: { orderId: 'E-1' } });
    expect(heard.map((one) => one.key)).toEqual(['key-1', 'key-1', 'key-1']);
  });

  it('answers a refusal as it is, without a second try', async () => {
    answers = [{ status: 409, body: { code: 'order-exists' } }];

    expect((await cloudClient(cloud).post('exchange', '/orders', {}, 'key-1')).status).toBe(409);
    expect(heard).toHaveLength(1);
  });
});
