import type { IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { NotSent, requestOutside, type OutsideRequest, type Reach } from '../reach-outside/request-outside.js';
import { keptWords } from '../rules/kept-words.js';
import type { SendOutcome } from '../rules/webhook-retry.js';

export interface WebhookRequest {
  readonly url: string;
  /** The same for every attempt: the receiver knows by it what it has had. */
  readonly id: string;
  readonly body: string;
  /** Those that are valid now; one signature each. */
  readonly secrets: readonly string[];
}

export interface SendSettings extends Reach {
  readonly stop: AbortSignal;
  readonly msMax?: number;
}

export interface Sent {
  readonly outcome: SendOutcome;
  readonly status?: number;
  /** The first characters of what the receiver answered. */
  readonly answer?: string;
  /** In words, when it is not delivered. */
  readonly problem?: string;
}

/** One attempt, signed by Standard Webhooks 1.0.0. Where it may go: see `requestOutside`. */
export async function sendWebhook(webhook: WebhookRequest, settings: SendSettings): Promise<Sent> {
  const deadline = AbortSignal.timeout(settings.msMax ?? callMsMax);
  const stop = AbortSignal.any([settings.stop, deadline]);
  try {
    return await readAnswer(await requestOutside(webhook.url, signed(webhook), settings, stop), stop);
  } catch (error) {
    const kind = settings.stop.aborted && !(error instanceof NotSent) ? 'interrupted' : 'failed';
    return { outcome: { kind }, problem: describe(error, settings.stop, deadline, settings.msMax ?? callMsMax) };
  }
}

/** A receiver answers first and works afterwards; the specification recommends 15 to 30 s at most. */
export const callMsMax = 10_000;
const answerBytesMax = 16_384;
const answerCharactersMax = 500;

function signed({ id, body, secrets }: WebhookRequest): OutsideRequest {
  const at = new Date();
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'municipal-points-webhooks/1',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
    },
    body,
  };
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
  return keptWords(Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8'), answerCharactersMax);
}

/** Seconds, or a time of HTTP (RFC 9110 §10.2.3). */
function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) || at <= nowMs ? undefined : at - nowMs;
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
