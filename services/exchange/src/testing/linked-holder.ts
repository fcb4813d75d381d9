import { randomUUID } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import { everyTenant, type Database } from '@points/database';
import { event, publish } from '@points/messaging';
import { call } from '@points/service-testing';
import { eventually } from '@points/testing';
import { redirectUri, type PartnerSiteProcess } from './partner-site-process.js';

export interface Person {
  readonly holder: string;
  readonly myKeyId: string;
}

const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

export function aPerson(): Person {
  const myKeyId = Array.from({ length: 8 }, () => letters[Math.floor(Math.random() * letters.length)]).join('');
  return { holder: randomUUID(), myKeyId };
}

/** As identity tells it. The outbox of any service may do so: what counts is what arrives. */
export async function registerPerson(database: Database, { holder, myKeyId }: Person): Promise<void> {
  const data = { holder, myKeyId, registeredAt: new Date().toISOString() };
  await database.transaction(everyTenant, (tx) => publish(tx, [event(holderRegisteredV1, data)]));
  await eventually(async () => {
    const { rowCount } = await database.pool.query('select 1 from holder_link where holder = $1 and my_key_id = $2', [holder, myKeyId]);
    return rowCount === 1;
  });
}

export const partnerTerms = { kind: 'account-link', name: 'Miles', rate: { numerator: 1, denominator: 2 }, lotPartnerPoints: 100 };

/** A partner of linked accounts, connected to the simulator. `programme`: address of the programme. */
export async function setUpPartner(programme: string, partner: string, site: PartnerSiteProcess, token: string): Promise<void> {
  const put = async (path: string, body: object) => {
    const { status, body: said } = await call(`${programme}/partners/${partner}${path}`, { method: 'PUT', token, body });
    if (status >= 300) throw new Error(`PUT ${path}: ${status} ${JSON.stringify(said)}`);
  };
  await put('', partnerTerms);
  await put('/connection', { issuer: site.url, endpoint: site.endpoint, ...site.client, redirectUri });
}

/** The whole way of a resident: begun here, allowed at the partner, finished here. */
export async function linkAccount(
  programme: string,
  partner: string,
  site: PartnerSiteProcess,
  { myKeyId }: Person,
  account: string,
  token: string,
): Promise<string> {
  const links = `${programme}/partners/${partner}/account-links`;
  const started = await call<{ authorizationUrl: string }>(links, { token, body: { myKeyId } });
  if (started.status !== 201) throw new Error(`link not begun: ${started.status} ${JSON.stringify(started.body)}`);
  const brought = await site.visit(started.body.authorizationUrl, account);
  const { status, body } = await call<{ link: string }>(`${links}/callback`, { token, body: { myKeyId, ...brought } });
  if (status !== 201) throw new Error(`not linked: ${status} ${JSON.stringify(body)}`);
  return body.link;
}
