import { randomUUID } from 'node:crypto';
import type { ThrowawayCloud } from './throwaway-cloud.js';

const holdersPerRequest = 500;

export interface Holder {
  readonly holder: string;
  readonly myKeyId: string;
}

/** Through the API, as a migration registers them. */
export async function registerHolders(
  identity: string,
  { municipality, token, count }: { readonly municipality: string; readonly token: string; readonly count: number },
): Promise<Holder[]> {
  const holders: Holder[] = [];
  for (let from = 0; from < count; from += holdersPerRequest) {
    const myKeyIds = Array.from({ length: Math.min(holdersPerRequest, count - from) }, (_, n) => `B${String(from + n).padStart(7, '0')}`);
    // As identity documents it.
    const answer = (await ask('POST', `${identity}/v1/municipalities/${municipality}/holders/bulk`, token, { myKeyIds })) as {
      holders: Holder[];
    };
    holders.push(...answer.holders);
  }
  return holders;
}

export async function tokenOf({ urls, client }: Pick<ThrowawayCloud<'identity'>, 'urls' | 'client'>): Promise<string> {
  const answer = await fetch(`${urls.identity}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client.clientId}:${client.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }).toString(),
  });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${answer.status} ${JSON.stringify(body)}`);
  return body.access_token;
}

export async function ask(method: string, url: string, token: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
    },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text.slice(0, 500)}`);
  return JSON.parse(text);
}
