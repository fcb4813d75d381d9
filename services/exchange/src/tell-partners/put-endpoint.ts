import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { uuidv7, type Instant } from '@points/kernel';
import { termsAt } from '../set-up-partners/partner.js';
import type { PartnerKey } from '../set-up-partners/put-partner.js';
import { endpointOf, endpointsMax, selectEndpoint, type Endpoint, type EndpointRow, type PutWebhookEndpoint } from './endpoint.js';
import { urlProblem } from '../reach-outside/outside-url.js';
import { writeSecret } from './secret.js';

export interface EndpointKey extends PartnerKey {
  readonly endpoint: string;
}

/**
 * What a partner is told is its own business: only its clients, and those that may act for every partner, see and change where it goes.
 * @throws Problem 404 `unknown-partner`, 403 `client-not-of-partner`
 */
export async function checkMayManage(tx: Tx, { programme, partner }: PartnerKey, cause: Cause): Promise<void> {
  const [row] = await tx.query<{ is_own: boolean }>(
    `select $3 = any (t.clients) as is_own from partner p ${termsAt('now()')} where p.programme = $1 and p.partner = $2`,
    [programme, partner, cause.client],
  );
  if (!row) throw problem(404, 'unknown-partner', 'the programme has no such partner');
  if (!row.is_own && !cause.scopes.has('exchange:on-behalf'))
    throw problem(403, 'client-not-of-partner', 'this client may not act for this partner', { partner });
}

/**
 * Sets an endpoint up, or changes it. Made active again it begins anew, as if it had never failed.
 * @returns the secret of a new one, which nobody can read again
 * @throws Problem 422 on a URL to which nothing may be sent, 409 `too-many-endpoints`
 */
export async function putEndpoint(
  tx: Tx,
  key: EndpointKey,
  body: PutWebhookEndpoint,
  options: { readonly allowPrivate: boolean; readonly now: Instant },
): Promise<{ readonly endpoint: Endpoint; readonly secret?: string }> {
  const wrong = urlProblem(body.url, options);
  if (wrong) throw problem(422, 'invalid-request', `the body is wrong: url ${wrong}`, { errors: [{ field: 'url', reason: wrong }] });
  const { municipality, programme, partner, endpoint } = key;
  // So that two new endpoints at the same time are counted one after the other.
  await tx.query('select from partner where programme = $1 and partner = $2 for no key update', [programme, partner]);
  const content = [body.url, body.types ? [...body.types].sort() : null, body.state ?? 'active', options.now];
  const before = await lockEndpoint(tx, key);
  if (before) {
    await tx.write(updateEndpoint, [before.id, ...content]);
    if (body.state === 'disabled') await stopDeliveries(tx, before.id);
    return { endpoint: await findEndpoint(tx, key) };
  }
  const [counted] = await tx.query<{ count: number }>(
    'select count(*)::int as count from webhook_endpoint where programme = $1 and partner = $2',
    [programme, partner],
  );
  if (counted && counted.count >= endpointsMax)
    throw problem(409, 'too-many-endpoints', `a partner has at most ${endpointsMax} endpoints: delete one`, { maximum: endpointsMax });
  const id = uuidv7();
  await tx.write(insertEndpoint, [id, municipality, programme, partner, endpoint, ...content]);
  const { secret } = await writeSecret(tx, { municipality, endpointId: id, overlapHours: 0, now: options.now });
  return { endpoint: await findEndpoint(tx, key), secret };
}

/** @throws Problem 404 */
export async function findEndpoint(tx: Tx, key: Omit<EndpointKey, 'municipality'>): Promise<Endpoint> {
  const [row] = await tx.query<EndpointRow>(`${selectEndpoint} where e.programme = $1 and e.partner = $2 and e.endpoint = $3`, [
    key.programme,
    key.partner,
    key.endpoint,
  ]);
  if (!row) throw unknownEndpoint();
  return endpointOf(row);
}

/** Ten at most, so one page. */
export async function listEndpoints(tx: Tx, { programme, partner }: PartnerKey): Promise<Endpoint[]> {
  const rows = await tx.query<EndpointRow>(
    `${selectEndpoint} where e.programme = $1 and e.partner = $2 order by e.endpoint collate "C" limit ${endpointsMax}`,
    [programme, partner],
  );
  return rows.map(endpointOf);
}

/** With its secrets. What was to be sent there never is; its log goes with time. @throws Problem 404 */
export async function deleteEndpoint(tx: Tx, key: EndpointKey): Promise<void> {
  const found = await lockEndpoint(tx, key);
  if (!found) throw unknownEndpoint();
  await stopDeliveries(tx, found.id);
  await tx.write('delete from webhook_endpoint where id = $1', [found.id]);
}

export function unknownEndpoint() {
  return problem(404, 'unknown-endpoint', 'the partner has no such webhook endpoint');
}

/** Endpoints are locked before their deliveries, everywhere. */
export async function lockEndpoint(tx: Tx, { programme, partner, endpoint }: Omit<EndpointKey, 'municipality'>) {
  const [row] = await tx.query<{ id: string }>(
    'select id from webhook_endpoint where programme = $1 and partner = $2 and endpoint = $3 for update',
    [programme, partner, endpoint],
  );
  return row;
}

/** The partner has what it missed replayed when it is back. A ping is no backlog. */
export async function stopDeliveries(tx: Tx, endpointId: string): Promise<void> {
  await tx.write(
    `update webhook_delivery set state = 'stopped', next_attempt_at = null, lease = null
     where endpoint_id = $1 and next_attempt_at is not null and not is_ping`,
    [endpointId],
  );
}

const insertEndpoint = `
  insert into webhook_endpoint (id, tenant, programme, partner, endpoint, url, types, state, disabled_at, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, case when $8 = 'disabled' then $9::timestamptz end, $9, $9)`;

/** Another URL, or active again: what the one before did wrong does not count. */
const updateEndpoint = `
  update webhook_endpoint set
    url = $2, types = $3, state = $4, updated_at = $5,
    disabled_at = case when $4 = 'disabled' then coalesce(disabled_at, $5::timestamptz) end,
    disabled_reason = case when $4 = 'disabled' then disabled_reason end,
    failing_since = case when url = $2 and state = $4 then failing_since end
  where id = $1 and (url, types, state) is distinct from ($2, $3::text[], $4)`;
