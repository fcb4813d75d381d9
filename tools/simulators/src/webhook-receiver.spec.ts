import { Webhook } from 'standardwebhooks';
import { startWebhookReceiver, type ReceiverControl, type WebhookReceiver } from './webhook-receiver.js';

const running: WebhookReceiver[] = [];
afterEach(() => Promise.all(running.splice(0).map((one) => one.stop())));

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const body = '{"type":"webhook.ping","timestamp":"2026-11-24T00:00:00.000Z","data":{}}';

async function aReceiver(control: Partial<ReceiverControl> = {}): Promise<WebhookReceiver> {
  const receiver = await startWebhookReceiver({ port: 0, control: { secrets: [secret], ...control } });
  running.push(receiver);
  return receiver;
}

/** As the library of the specification signs it. */
function post(receiver: WebhookReceiver, { id = 'msg_1', at = new Date(), by = secret, text = body } = {}) {
  return fetch(`${receiver.url}/hooks`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(by).sign(id, at, body),
    },
    body: text,
  });
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

it('takes what its secret signed, and shows it', async () => {
  const receiver = await aReceiver();

  expect((await post(receiver)).status).toBe(200);

  const shown = (await (await fetch(`${receiver.url}/webhooks`)).json()) as { webhooks: unknown[] };
  expect(shown.webhooks).toMatchObject([{ path: '/hooks', id: 'msg_1', body, isVerified: true, isRepeated: false, answered: 200 }]);
});

it.each([
  ['another secret', { by: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }],
  ['a body that was changed on the way', { text: body.replace('ping', 'pong') }],
  ['a time 6 minutes ago', { at: minutesAgo(6) }],
  ['a time in 6 minutes', { at: minutesAgo(-6) }],
])('refuses %s', async (_, changes) => {
  const receiver = await aReceiver();

  expect((await post(receiver, changes)).status).toBe(401);
  expect(receiver.received).toMatchObject([{ isVerified: false }]);
});

it('refuses everything without a secret', async () => {
  expect((await post(await aReceiver({ secrets: [] }))).status).toBe(401);
});

it('knows an id again that it has taken', async () => {
  const receiver = await aReceiver({ failNext: 1 });

  for (const status of [500, 200, 200]) expect((await post(receiver)).status).toBe(status);

  expect(receiver.received.map((one) => one.isRepeated)).toEqual([false, false, true]);
});

it('behaves as it is told while it runs', async () => {
  const receiver = await aReceiver();
  const control = (changes: unknown) => fetch(`${receiver.url}/control`, { method: 'PUT', body: JSON.stringify(changes) });

  expect((await control({ status: 503, retryAfter: '120', answer: 'later' })).status).toBe(200);
  const answer = await post(receiver);

  expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([503, '120', 'later']);
  expect((await control({ status: 99 })).status).toBe(422);
  expect((await control({ colour: 'red' })).status).toBe(422);
  expect((await control(7)).status).toBe(422);
});
