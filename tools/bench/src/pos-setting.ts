import { ask, registerHolders, tokenOf } from './call-cloud.js';
import type { PosCloud } from './pos.js';

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
const callersAtOnce = 64;
/** Of each holder: enough for every payment of one point that chance may give one of 10,000. */
const pointsEach = 100_000;

export interface PosSetting {
  readonly token: string;
  readonly shops: readonly string[];
  readonly myKeyIds: readonly string[];
}

/** A programme, shops that take it, and holders with points: all through the APIs. */
export async function preparePos(cloud: PosCloud): Promise<PosSetting> {
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

  const holders = await registerHolders(identity, { municipality, token, count: holdersCount });
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
