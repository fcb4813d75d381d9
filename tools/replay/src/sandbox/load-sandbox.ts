import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demoMunicipality } from '@points/local';
import { cloudClient, describeProblem, expectSuccess, type CloudClient, type Reply } from '../cloud/cloud-client.js';
import { CloudError } from '../cloud/cloud-error.js';
import type { Cloud } from '../cloud/find-cloud.js';
import { isRecord } from '../trial/json-document.js';

export interface PartnerSite {
  readonly url: string;
  readonly client: { readonly id: string; readonly secret: string };
}

export const sandboxPartner = 'miles-sandbox';
export const sandboxProgramme = `${demoMunicipality}-tamana`;
/** Test holders and their accounts at the partner's site (see its `testAccounts`): plenty, with a limit, empty, blocked. */
export const sandboxHolders = [
  { myKeyId: 'HANAKO01', account: 'hanako' },
  { myKeyId: 'TAROTA01', account: 'taro' },
  { myKeyId: 'JIROJI01', account: 'jiro' },
  { myKeyId: 'SHIZUS01', account: 'shizu' },
] as const;

const terms = {
  kind: 'account-link',
  name: 'マイル（サンドボックス）',
  rate: { numerator: 1, denominator: 2 },
  lotPartnerPoints: 100,
  clients: ['sandbox-partner'],
};
/** From a holder's registration until the exchange has heard of it. */
const heardWithinMs = 20_000;
/** The simulators start beside the services, and the cloud does not wait for them. */
const siteReadyWithinMs = 20_000;
const lookEveryMs = 250;

/** Reads from `cloud.json` where the partner's site is. @throws CloudError */
export async function findPartnerSite(home: string): Promise<PartnerSite> {
  const stored: unknown = JSON.parse(await readFile(join(home, 'cloud.json'), 'utf8').catch(() => 'null'));
  const { partnerSite: url, partnerSiteClient: client } = isRecord(stored) ? stored : {};
  if (typeof url !== 'string' || !isRecord(client))
    throw new CloudError(`${join(home, 'cloud.json')} names no partner site: start the cloud again with \`npm start\`.`);
  return { url, client: { id: String(client['id']), secret: String(client['secret']) } };
}

export async function loadSandbox(
  cloud: Cloud,
  site: PartnerSite,
): Promise<{ partner: string; programme: string; holders: typeof sandboxHolders }> {
  const client = cloudClient(cloud);
  const programme = `/v1/municipalities/${demoMunicipality}/programmes/${sandboxProgramme}`;
  await until(
    siteReadyWithinMs,
    async () => (await fetch(`${site.url}/health`).catch(() => undefined))?.ok === true,
    'The partner site does not answer',
  );
  await setUp(client, `${programme}/partners/${sandboxPartner}`, site, await issuerOf(site));
  const myKeyIds = sandboxHolders.map((one) => one.myKeyId);
  // The key is new each time: identity finds the same holders, and its answer is kept for some days only.
  expectSuccess(
    await client.post('identity', `/v1/municipalities/${demoMunicipality}/holders/bulk`, { myKeyIds }, `sandbox:${randomUUID()}`),
    'Registering the test holders',
  );
  for (const holder of sandboxHolders) await link(client, programme, site, holder);
  return { partner: sandboxPartner, programme: sandboxProgramme, holders: sandboxHolders };
}

/** Where browsers and the exchange find the site: among containers by another name than this tool does. @throws CloudError */
async function issuerOf({ url }: PartnerSite): Promise<string> {
  const response = await fetch(`${url}/.well-known/openid-configuration`);
  const described: unknown = await response.json();
  if (!isRecord(described) || typeof described['issuer'] !== 'string')
    throw new CloudError(`The partner site at ${url} does not describe its sign-in.`);
  return described['issuer'];
}

/** Terms that are there stay: somebody may have changed them, and a change needs a second person. */
async function setUp(client: CloudClient, partner: string, site: PartnerSite, issuer: string): Promise<void> {
  const known = await client.get('exchange', partner);
  if (known.status === 404) expectSuccess(await client.put('exchange', partner, terms), 'The partner');
  else expectSuccess(known, 'The partner');
  const wanted = { issuer, endpoint: `${issuer}/points`, clientId: site.client.id, redirectUri: `${issuer}/returned` };
  const { status, body } = await client.get('exchange', `${partner}/connection`);
  // Another port base moves the site; an equal connection keeps its version.
  if (status === 200 && Object.entries(wanted).every(([name, value]) => body[name] === value)) return;
  expectSuccess(await client.put('exchange', `${partner}/connection`, { ...wanted, clientSecret: site.client.secret }), 'The connection');
}

async function link(
  client: CloudClient,
  programme: string,
  site: PartnerSite,
  { myKeyId, account }: (typeof sandboxHolders)[number],
): Promise<void> {
  let heard: Reply = { status: 0, body: {} };
  const list = async () => {
    heard = await client.get('exchange', `${programme}/account-links?myKeyId=${myKeyId}`);
    return heard.body['code'] !== 'unknown-my-key-id';
  };
  await until(heardWithinMs, list, `The exchange has not heard of ${myKeyId}`);
  const links: unknown[] = Array.isArray(heard.body['links']) ? heard.body['links'] : [];
  if (links.some((one) => isRecord(one) && one['partner'] === sandboxPartner && one['state'] === 'linked')) return;

  const path = `${programme}/partners/${sandboxPartner}/account-links`;
  const started = expectSuccess(await client.post('exchange', path, { myKeyId }, randomUUID()), `The link of ${myKeyId}`);
  const visit = await fetch(`${site.url}/control/visits`, {
    method: 'POST',
    body: JSON.stringify({ url: started['authorizationUrl'], account }),
  });
  const came = (await visit.json()) as { location?: string; detail?: string };
  if (came.location === undefined)
    throw new CloudError(`The visit of ${account} to the partner failed: ${came.detail ?? String(visit.status)}`);
  const brought = Object.fromEntries(new URL(came.location).searchParams);
  const linked = await client.post('exchange', `${path}/callback`, { myKeyId, ...brought }, randomUUID());
  if (linked.status !== 201) throw new CloudError(`The link of ${myKeyId} was not made: ${describeProblem(linked)}`);
}

async function until(withinMs: number, isSo: () => Promise<boolean>, otherwise: string): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new CloudError(`${otherwise} after ${withinMs / 1_000} s.`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
