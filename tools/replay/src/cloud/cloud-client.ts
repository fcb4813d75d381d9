import { isRecord } from '../trial/json-document.js';
import { CloudError } from './cloud-error.js';
import type { Cloud, ServiceName } from './find-cloud.js';

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CloudClient {
  get(service: ServiceName, path: string): Promise<Reply>;
  put(service: ServiceName, path: string, body: unknown): Promise<Reply>;
  /** `key` makes the call safe to repeat: the same key and body are carried out once. */
  post(service: ServiceName, path: string, body: unknown, key: string): Promise<Reply>;
}

/** A pause of a service (a restart takes some seconds) is waited out; longer trouble is reported. */
const retryForMs = 30_000;
const retryDelayMsMax = 1_000;
const replyTimeoutMs = 15_000;
/** A token is used until this much of its life is left, so that none ends on the way. */
const tokenMarginMs = 30_000;

/**
 * Speaks HTTP to a cloud with an access token of its own. Every call is idempotent (by method or by key), so that what fails on
 * the way, is still being worked on (409 `request-in-progress`) or meets a service that is not ready (503) is simply sent again.
 */
export function cloudClient(cloud: Cloud): CloudClient {
  const token = tokenSource(cloud);

  const call = async (method: string, service: ServiceName, path: string, body?: unknown, key?: string): Promise<Reply> => {
    const url = `${cloud.addresses[service]}${path}`;
    const init = {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(key !== undefined && { 'idempotency-key': key }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const reply = await persistently(`${method} ${url}`, async () => send(url, init, await token.get()));
    if (reply.status !== 401) return reply;
    // A service may have got new keys since the token was made: one new token, then its answer stands.
    token.forget();
    return persistently(`${method} ${url}`, async () => send(url, init, await token.get()));
  };
  return {
    get: (service, path) => call('GET', service, path),
    put: (service, path, body) => call('PUT', service, path, body),
    post: (service, path, body, key) => call('POST', service, path, body, key),
  };
}

/** The reply, if it is one of success. @throws CloudError with the service's own sentence otherwise */
export function expectSuccess(reply: Reply, what: string): Reply['body'] {
  if (reply.status < 300) return reply.body;
  throw new CloudError(`${what} was refused: ${describeProblem(reply)}`);
}

export function describeProblem({ status, body }: Reply): string {
  const fields = fieldProblems(body).map(({ field, reason }) => `${field} ${reason}`);
  const detail = typeof body['detail'] === 'string' ? body['detail'] : 'no reason given';
  return `${detail}${fields.length ? ` (${fields.join('; ')})` : ''} [${status}${typeof body['code'] === 'string' ? ` ${body['code']}` : ''}]`;
}

/** The list `errors` of a problem+json body. */
export function fieldProblems(body: Reply['body']): { field: string; reason: string }[] {
  const errors: unknown[] = Array.isArray(body['errors']) ? body['errors'] : [];
  return errors.filter(isRecord).map(({ field, reason }) => ({ field: String(field), reason: String(reason) }));
}

/** OAuth errors (RFC 6749 §5.2) are no problem+json. */
function reason({ status, body }: Reply): string {
  const said = [body['error'], body['error_description']].filter((text) => typeof text === 'string');
  return said.length ? said.join(', ') : `status ${status}`;
}

interface TokenSource {
  get(): Promise<string>;
  forget(): void;
}

function tokenSource({ addresses, client }: Cloud): TokenSource {
  let current: Promise<{ text: string; until: number }> | undefined;
  const fetchToken = async () => {
    const url = `${addresses.identity}/token`;
    const basic = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString('base64');
    const reply = await persistently(`POST ${url}`, () =>
      send(url, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}`, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials',
      }),
    );
    const { access_token: text, expires_in: seconds } = reply.body;
    if (reply.status !== 200 || typeof text !== 'string' || typeof seconds !== 'number')
      throw new CloudError(`The identity service gives no token to the client ${client.id}: ${reason(reply)}.`);
    return { text, until: Date.now() + seconds * 1_000 - tokenMarginMs };
  };
  return {
    forget: () => {
      current = undefined;
    },
    get: async () => {
      // One call for a token, however many requests wait for it.
      const asked = (current ??= fetchToken());
      const token = await asked.catch((error: unknown) => {
        if (current === asked) current = undefined;
        throw error;
      });
      if (token.until > Date.now()) return token.text;
      if (current === asked) current = fetchToken();
      return (await (current ?? fetchToken())).text;
    },
  };
}

async function persistently(what: string, attempt: () => Promise<Reply>): Promise<Reply> {
  const deadline = Date.now() + retryForMs;
  for (let tries = 1; ; tries++) {
    let trouble: string;
    try {
      const reply = await attempt();
      if (!isPassing(reply)) return reply;
      trouble = describeProblem(reply);
    } catch (error) {
      if (error instanceof CloudError) throw error;
      trouble = describeCause(error);
    }
    const delay = Math.min(retryDelayMsMax, 25 * 2 ** tries) * (0.5 + Math.random() / 2);
    if (Date.now() + delay > deadline) throw new CloudError(`${what} had no answer within ${retryForMs / 1_000} s: ${trouble}`);
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

function isPassing({ status, body }: Reply): boolean {
  return status === 503 || status === 502 || status === 504 || status === 429 || (status === 409 && body['code'] === 'request-in-progress');
}

async function send(url: string, init: { method: string; headers: Record<string, string>; body?: string }, token?: string): Promise<Reply> {
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'application/json', ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(replyTimeoutMs),
  });
  const text = await response.text();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Error(`the answer (${response.status}) is not JSON`);
  }
  return { status: response.status, body: isRecord(body) ? body : { items: body } };
}

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function describeCause(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name) : String(cause);
}
