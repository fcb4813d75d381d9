import { lookup, Resolver } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { SendOutcome } from '../rules/webhook-retry.js';
import { addressOf, urlProblem } from './endpoint-url.js';
import { isPublicAddress } from './public-address.js';

export interface WebhookRequest {
  readonly url: string;
  /** The same for every attempt: the receiver knows by it what it has had. */
  readonly id: string;
  readonly body: string;
  /** Those that are valid now; one signature each. */
  readonly secrets: readonly string[];
}

export interface SendSettings {
  readonly allowPrivate: boolean;
  readonly stop: AbortSignal;
  /** Instead of the system's resolver and the rule of addresses. */
  readonly resolve?: (host: string) => Promise<readonly Address[]>;
  readonly isAllowed?: (address: string) => boolean;
  readonly msMax?: number;
}

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface Sent {
  readonly outcome: SendOutcome;
  readonly status?: number;
  /** The first characters of what the receiver answered. */
  readonly answer?: string;
  /** In words, when it is not delivered. */
  readonly problem?: string;
}

/**
 * One attempt, signed by Standard Webhooks 1.0.0. The name is resolved once, every address it has is checked, and the connection goes
 * to one of those: a name that answers otherwise a moment later (DNS rebinding) changes nothing. Redirects are not followed, proxies
 * of the environment are not used (an agent of our own has none), and no connection is kept for another request.
 */
export async function sendWebhook(webhook: WebhookRequest, settings: SendSettings): Promise<Sent> {
  const deadline = AbortSignal.timeout(settings.msMax ?? callMsMax);
  const stop = AbortSignal.any([settings.stop, deadline]);
  try {
    const problem = urlProblem(webhook.url, settings);
    if (problem) throw new NotSent(`the URL ${problem}`);
    const url = new URL(webhook.url);
    const addresses = await within(stop, addressesOf(url, settings));
    return await readAnswer(await post(url, addresses, webhook, stop), stop);
  } catch (error) {
    const kind = settings.stop.aborted && !(error instanceof NotSent) ? 'interrupted' : 'failed';
    return { outcome: { kind }, problem: describe(error, settings.stop, deadline, settings.msMax ?? callMsMax) };
  }
}

/** A receiver answers first and works afterwards; the specification recommends 15 to 30 s at most. */
export const callMsMax = 10_000;
const dnsMsMax = 2_000;
const answerBytesMax = 16_384;
const answerCharactersMax = 500;

class NotSent extends Error {}

async function addressesOf(url: URL, settings: SendSettings): Promise<readonly Address[]> {
  const literal = addressOf(url);
  const resolve = settings.resolve ?? (settings.allowPrivate ? resolveHere : resolveByDns);
  const found = literal === undefined ? await resolve(url.hostname) : [{ address: literal, family: literal.includes(':') ? 6 : 4 }];
  if (found.length === 0) throw new NotSent('the host has no address');
  const isAllowed = settings.isAllowed ?? (settings.allowPrivate ? () => true : isPublicAddress);
  // One bad address is enough: which of them would be taken is not ours to say.
  if (!found.every((one) => isAllowed(one.address))) throw new NotSent('the host has a private, local or reserved address');
  return found;
}

/** By DNS alone, without this machine's hosts file, and not in the four threads in which slow names would hold up everybody. */
async function resolveByDns(host: string): Promise<Address[]> {
  const resolver = new Resolver({ timeout: dnsMsMax, tries: 2 });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
  return [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
}

/** As any program of this machine: localhost and the names of containers too. */
function resolveHere(host: string): Promise<Address[]> {
  return lookup(host, { all: true });
}

function post(url: URL, addresses: readonly Address[], { id, body, secrets }: WebhookRequest, stop: AbortSignal): Promise<IncomingMessage> {
  const at = new Date();
  const isSecure = url.protocol === 'https:';
  const checked: LookupFunction = (_, options, done) => {
    if (options.all) done(null, [...addresses]);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
  return new Promise((resolve, reject) => {
    const request = (isSecure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      // Asked by node for a name only, never for a literal address.
      lookup: checked,
      agent: isSecure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
      signal: stop,
      maxHeaderSize: answerBytesMax,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'municipal-points-webhooks/1',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
      },
    });
    request.once('response', resolve);
    // Also what happens to the connection while the answer is read: `readAnswer` has its own word on that.
    request.on('error', reject);
    // The one event that always comes: an answer that node will not pass on (101) closes without an error.
    request.once('close', () => reject(new Error('closed without an answer')));
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage, stop: AbortSignal): Promise<Sent> {
  const status = response.statusCode ?? 0;
  const answer = await firstWords(response, stop);
  const said = { status, ...(answer !== '' && { answer }) };
  if (status >= 200 && status < 300) return { ...said, outcome: { kind: 'delivered' } };
  if (status === 410) return { ...said, outcome: { kind: 'gone' }, problem: 'answered 410: gone for good' };
  const retryAfterMs = readRetryAfter(response.headers['retry-after'], Date.now());
  return {
    ...said,
    outcome: { kind: 'failed', ...(retryAfterMs !== undefined && { retryAfterMs }) },
    problem: status >= 300 && status < 400 ? `answered ${status}: redirects are not followed` : `answered ${status}`,
  };
}

/** The status has said all that counts: of the body as much as came in time, whatever becomes of the rest. */
async function firstWords(response: IncomingMessage, stop: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes >= answerBytesMax || stop.aborted) break;
    }
  } catch {
    // The connection ended in the middle of the body.
  } finally {
    response.destroy();
  }
  const text = Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8');
  // PostgreSQL has no text with U+0000, and a log that is read in a terminal needs no control characters.
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, answerCharactersMax)
    .toWellFormed();
}

/** Seconds, or a time of HTTP (RFC 9110 §10.2.3). */
function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) || at <= nowMs ? undefined : at - nowMs;
}

function within<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(new Error('stopped'));
    if (stop.aborted) give();
    stop.addEventListener('abort', give, { once: true });
    void work.then(resolve, reject).finally(() => stop.removeEventListener('abort', give));
  });
}

/** Words for the partner; what is inside of our network stays out of them. */
function describe(error: unknown, stopped: AbortSignal, deadline: AbortSignal, msMax: number): string {
  if (error instanceof NotSent) return `not sent: ${error.message}`;
  if (stopped.aborted) return 'the service stopped during the call; it is sent again';
  if (deadline.aborted) return `no answer within ${msMax} ms`;
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return `cannot be reached: ${error.code}`;
  return 'cannot be reached';
}
