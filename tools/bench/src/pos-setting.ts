import { randomUUID } from 'node:crypto';
import type { ThrowawayCloud } from './throwaway-cloud.js';

export const municipality = '141305';
export const programme = `${municipality}-bench`;
export const scopes = [
  'programmes:write',
  'ledger:post',
  'holders:write',
  'shops:write',
  'payments:write',
  'payments:read',
  'reports:read',
];

const shopsCount = 100;
const holdersCount = 10_000;
const holdersPerRequest = 500;
const callersAtOnce = 64;
/** Of each holder: enough for every payment of one point that chance may give one of 10,000. */
const pointsEach = 100_000;

export interface PosSetting {
  readonly token: string;
  readonly shops: readonly string[];
  readonly myKeyIds: readonly string[];
}

/** A programme, shops that take it, and holders with points: all through the APIs. */
export async function preparePos(cloud: ThrowawayCloud): Promise<PosSetting> {
  const { identity, ledger, settlement } = cloud.urls;
  const token = await tokenOf(cloud);
  const call = (method: 'POST' | 'PUT', url: string, body: unknown) => ask(method, url, token, body);
  const of = (url: string) => `${url}/v1/municipalities/${municipality}`;

  await call('PUT', `${of(ledger)}/programmes/${programme}`, {
    name: 'Bench',
    firstDay: '2020-04-01',
    rules: { expiry: { kind: 'days-after-grant', days: 365 }, usableAt: [] },
  });
  const shops = Array.from({ length: shopsCount }, (_, n) => `shop-${n}`);
  await call('POST', `${of(settlement)}/shops/bulk`, {
    shops: shops.map((shop) => ({ shop, name: shop, programmes: [programme], status: 'active' })),
  });

  const holders: { holder: string; myKeyId: string }[] = [];
  for (let from = 0; from < holdersCount; from += holdersPerRequest) {
    const myKeyIds = Array.from({ length: holdersPerRequest }, (_, n) => `B${String(from + n).padStart(7, '0')}`);
    // As identity documents it.
    holders.push(
      ...((await call('POST', `${of(identity)}/holders/bulk`, { myKeyIds })) as { holders: { holder: string; myKeyId: string }[] }).holders,
    );
  }
  const left = [...holders];
  const issue = async () => {
    for (let one = left.pop(); one; one = left.pop())
      await call('POST', `${of(ledger)}/programmes/${programme}/postings`, {
        holder: one.holder,
        instruction: { kind: 'issue', amount: pointsEach, source: 'staff:bench', funding: 'free' },
      });
  };
  await Promise.all(Array.from({ length: callersAtOnce }, issue));
  return { token, shops, myKeyIds: holders.map((one) => one.myKeyId) };
}

async function tokenOf({ urls, client }: ThrowawayCloud): Promise<string> {
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

async function ask(method: string, url: string, token: string, body: unknown): Promise<unknown> {
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
