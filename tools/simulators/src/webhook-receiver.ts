// A partner's receiver of webhooks, as the guide tells partners to build one: it verifies signatures by Standard Webhooks, does each id
// once, and shows what arrived. Run `node tools/simulators/dist/webhook-receiver.js --help`. One file without imports of the workspace
// and without the library that signs, so that what it accepts is what the specification says and not what one library does.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';

export interface WebhookReceiverOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host?: string;
  readonly control?: Partial<ReceiverControl>;
}

/** How the receiver behaves, changed while it runs by PUT /control. */
export interface ReceiverControl {
  /** `whsec_…`; a signature by one of them is enough. Without any, everything is refused with 401. */
  secrets: string[];
  /** Answered to what is signed rightly. */
  status: number;
  /** So many of the next webhooks are answered 500, whatever `status` says. */
  failNext: number;
  /** Each answer takes this long. */
  delayMs: number;
  /** The header Retry-After of an answer that is no 2xx. */
  retryAfter: string | null;
  /** The header Location of each answer, for a `status` of 3xx. */
  location: string | null;
  /** The body of each answer. */
  answer: string;
}

export interface ReceivedWebhook {
  readonly path: string;
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
  readonly receivedAt: string;
  /** True when one of the secrets signed it and its time is within 5 minutes of now. */
  readonly isVerified: boolean;
  /** How many of the signatures are by one of the secrets. */
  readonly signaturesVerified: number;
  /** True when the same id was taken before. */
  readonly isRepeated: boolean;
  readonly answered: number;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly port: number;
  readonly control: ReceiverControl;
  readonly received: readonly ReceivedWebhook[];
  stop(): Promise<void>;
}

export async function startWebhookReceiver(options: WebhookReceiverOptions): Promise<WebhookReceiver> {
  const control: ReceiverControl = {
    ...{ secrets: [], status: 200, failNext: 0, delayMs: 0, retryAfter: null, location: null, answer: '' },
    ...options.control,
  };
  const received: ReceivedWebhook[] = [];
  const taken = new Set<string>();
  const server = createServer((request, response) => {
    answerTo(request, response, { control, received, taken }).catch(() => response.destroy());
  });
  const { host = '127.0.0.1' } = options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  // A TCP server's address is never a pipe's name.
  const { port } = server.address() as AddressInfo;
  return { url: `http://${host}:${port}`, port, control, received, stop: () => stop(server) };
}

const bodyBytesMax = 1_000_000;
/** The oldest are forgotten. */
const receivedMax = 1_000;
const takenMax = 100_000;
const toleranceSeconds = 300;

interface Receiver {
  readonly control: ReceiverControl;
  readonly received: ReceivedWebhook[];
  readonly taken: Set<string>;
}

async function answerTo(request: IncomingMessage, response: ServerResponse, receiver: Receiver): Promise<void> {
  const { method = '' } = request;
  const url = new URL(request.url ?? '/', 'http://receiver');
  if (url.pathname === '/health') return sendJson(response, 200, { status: 'ready' });
  if (url.pathname === '/control')
    return method === 'PUT' ? setControl(response, await readText(request), receiver.control) : sendJson(response, 200, receiver.control);
  if (url.pathname === '/webhooks' && method === 'GET') return sendJson(response, 200, { webhooks: receiver.received });
  if (method !== 'POST') return sendJson(response, 405, { detail: 'webhooks are POSTed; what arrived is at GET /webhooks' });
  return receive(request, response, url.pathname, receiver);
}

async function receive(request: IncomingMessage, response: ServerResponse, path: string, receiver: Receiver): Promise<void> {
  const { control, received, taken } = receiver;
  const header = (name: string) => String(request.headers[name] ?? '');
  const [id, timestamp, signature] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  const body = await readText(request);
  if (body === undefined) return sendJson(response, 413, { detail: 'the body is too large' });
  if (control.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, control.delayMs));
  const signaturesVerified = countVerified({ id, timestamp, signature, body }, control.secrets);
  const isVerified = signaturesVerified > 0 && Math.abs(Date.now() / 1_000 - Number(timestamp)) <= toleranceSeconds;
  const isFailing = control.failNext > 0;
  if (isFailing) control.failNext -= 1;
  const answered = !isVerified ? 401 : isFailing ? 500 : control.status;
  received.push({
    ...{ path, id, timestamp, signature, body, receivedAt: new Date().toISOString() },
    ...{ isVerified, signaturesVerified, isRepeated: taken.has(id), answered },
  });
  if (received.length > receivedMax) received.shift();
  if (answered >= 200 && answered < 300) remember(id, taken);
  response.writeHead(answered, {
    'content-type': 'text/plain; charset=utf-8',
    ...(control.retryAfter !== null && answered >= 300 && { 'retry-after': control.retryAfter }),
    ...(control.location !== null && { location: control.location }),
  });
  response.end(control.answer);
}

/** Standard Webhooks 1.0.0: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`, the key being what follows `whsec_` in base64. */
function countVerified(webhook: { id: string; timestamp: string; signature: string; body: string }, secrets: readonly string[]): number {
  const expected = secrets.map((secret) =>
    createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
      .update(`${webhook.id}.${webhook.timestamp}.${webhook.body}`)
      .digest(),
  );
  return webhook.signature.split(' ').filter((one) => {
    const [version, text = ''] = one.split(',');
    const given = Buffer.from(text, 'base64');
    return version === 'v1' && expected.some((right) => right.length === given.length && timingSafeEqual(right, given));
  }).length;
}

function remember(id: string, taken: Set<string>): void {
  taken.add(id);
  const [oldest] = taken;
  if (taken.size > takenMax && oldest !== undefined) taken.delete(oldest);
}

function setControl(response: ServerResponse, text: string | undefined, control: ReceiverControl): void {
  const changes = parse(text);
  const wrong = Object.entries(changes ?? {}).filter(([name, value]) => !controls[name as keyof ReceiverControl]?.(value));
  if (!changes || wrong.length)
    return sendJson(response, 422, { detail: `not understood: ${wrong.map(([name]) => name).join(', ') || 'the body'}` });
  Object.assign(control, changes);
  return sendJson(response, 200, control);
}

const isWhole = (value: unknown, from: number, to: number) =>
  Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
const isTextOrNull = (value: unknown) => value === null || typeof value === 'string';
const controls: Readonly<Record<keyof ReceiverControl, (value: unknown) => boolean>> = {
  secrets: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && /^(whsec_)?[A-Za-z0-9+/=]{32,}$/.test(one)),
  status: (value) => isWhole(value, 200, 599),
  failNext: (value) => isWhole(value, 0, 1_000_000),
  delayMs: (value) => isWhole(value, 0, 60_000),
  retryAfter: isTextOrNull,
  location: isTextOrNull,
  answer: (value) => typeof value === 'string' && value.length <= bodyBytesMax,
};

function parse(text: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** As it came, byte for byte: a body that was parsed and written anew has another signature. `undefined` when it is too long. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  }
  return bytes > bodyBytesMax ? undefined : Buffer.concat(chunks).toString('utf8');
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const help = `webhook-receiver: a partner's receiver of webhooks, simulated

  --port N         port (or the variable PORT); 0 takes a free one
  --host ADDRESS   127.0.0.1 unless told
  --secret TEXT    whsec_…, of the endpoint (or the variable WEBHOOK_SECRET); may be given twice
  --status N       answered to what is signed rightly, 200 unless told
  --fail-next N    answers 500 to so many, then as told

Webhooks are taken at any path by POST. GET /webhooks shows what arrived. PUT /control {"status": 503} changes how it behaves.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '' },
      host: { type: 'string' },
      secret: { type: 'string', multiple: true, default: process.env['WEBHOOK_SECRET'] ? [process.env['WEBHOOK_SECRET']] : [] },
      status: { type: 'string', default: '200' },
      'fail-next': { type: 'string', default: '0' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const port = Number(values.port || NaN);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port (or the variable PORT) must be a port number');
  const control = { secrets: values.secret, status: Number(values.status), failNext: Number(values['fail-next']) };
  for (const [option, name] of [
    ['--secret', 'secrets'],
    ['--status', 'status'],
    ['--fail-next', 'failNext'],
  ] as const)
    if (!controls[name](control[name])) throw new Error(`${option} is not understood; see --help`);
  const receiver = await startWebhookReceiver({ port, ...(values.host && { host: values.host }), control });
  process.stdout.write(`webhook receiver ready at ${receiver.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void receiver.stop().then(() => process.exit(0)));
}

if (import.meta.main)
  await main().catch((error: unknown) => {
    process.stderr.write(`webhook-receiver: ${error instanceof Error ? error.message : 'cannot start'}\n`);
    process.exitCode = 1;
  });
