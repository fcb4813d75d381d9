// The partner's sign-in: OpenID Connect with the authorization code flow, PKCE, and refresh tokens that are used once.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import { readText } from '../json-http.ts';

export interface ClientTerms {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
}

export interface SignInOptions {
  readonly issuer: string;
  /** Asked at each request: redirect addresses may be changed while it runs. */
  readonly client: () => ClientTerms;
  readonly isAccount: (id: string) => boolean;
  readonly accessTokenSeconds: number;
  /** A refresh token may be used again for so long after its first use, for a client that did not hear the answer. */
  readonly refreshGraceSeconds: number;
  readonly kept: readonly SignInRecord[];
  readonly keep: (record: SignInRecord) => void;
}

export type SignInRecord =
  | { readonly kind: 'keys'; readonly jwks: readonly object[]; readonly cookieKey: string }
  | {
      readonly kind: 'oidc';
      readonly model: string;
      readonly id: string;
      readonly payload: Payload | null;
      readonly expiresAt: number | null;
    };

export const accountScope = 'points:reserve';
export const clientScope = 'reservations';

export interface SignIn {
  /** Whose token it is and what for; undefined when it is none, or over. */
  whose(token: string): Promise<{ readonly account?: string; readonly scopes: readonly string[] } | undefined>;
  /** True when the address was one of the sign-in's and is answered. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>;
}

export function openSignIn(options: SignInOptions): SignIn {
  const { issuer, isAccount } = options;
  const keys = options.kept.find((one) => one.kind === 'keys') ?? newKeys(options.keep);
  const provider = new Provider(issuer, {
    adapter: storage(options),
    jwks: { keys: keys.jwks },
    cookies: { keys: [keys.cookieKey] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    scopes: ['openid', accountScope, clientScope],
    responseTypes: ['code'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    // A link outlives the browser's visit.
    expiresWithSession: () => false,
    clientBasedCORS: () => false,
    findAccount: (_: unknown, id: string) => (isAccount(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: options.accessTokenSeconds,
      AuthorizationCode: 60,
      ClientCredentials: options.accessTokenSeconds,
      Grant: refreshTokenSeconds,
      IdToken: 300,
      Interaction: 600,
      RefreshToken: refreshTokenSeconds,
      Session: 600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
    },
  });
  const callback = provider.callback();
  return {
    whose: async (token) => {
      const found = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
      if (!found?.isValid || found.clientId !== options.client().clientId) return undefined;
      return { ...(found.accountId !== undefined && { account: found.accountId }), scopes: found.scope?.split(' ') ?? [] };
    },
    answer: async (request, response, path) => {
      if (path.startsWith('/interaction/')) {
        await interact(provider, request, response, options);
        return true;
      }
      if (!oidcPaths.test(path)) return false;
      await callback(request, response);
      return true;
    },
  };
}

/** A month: a link that is used now and then never ends by itself. */
const refreshTokenSeconds = 30 * 86_400;
const oidcPaths = /^\/(auth|auth\/[^/]+|token|token\/revocation|jwks|\.well-known\/(openid-configuration|oauth-authorization-server))$/;

/** One page: who are you, and may they? A simulator asks for no password. */
async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  { isAccount }: SignInOptions,
): Promise<void> {
  let details;
  try {
    details = await provider.interactionDetails(request, response);
  } catch {
    return page(response, 400, '<p>This sign-in has expired. Please begin anew where you came from.</p>');
  }
  const { uid, params } = details;
  if (request.method !== 'POST') return page(response, 200, form(uid, ''));
  const fields = new URLSearchParams((await readText(request)) ?? '');
  const accountId = fields.get('account') ?? '';
  const finish = (result: Record<string, unknown>) =>
    provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  if (fields.get('decision') !== 'allow') return finish({ error: 'access_denied', error_description: 'the member did not allow it' });
  if (!isAccount(accountId)) return page(response, 400, form(uid, '<p role="alert">There is no such member.</p>'));
  const grant = new provider.Grant({ accountId, clientId: params.client_id ?? '' });
  grant.addOIDCScope(params.scope ?? '');
  return finish({ login: { accountId, remember: false }, consent: { grantId: await grant.save() } });
}

function page(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`<!doctype html><html lang="en"><title>Partner (simulator)</title><h1>Partner (simulator)</h1>${body}</html>`);
}

function form(uid: string, notice: string): string {
  return `${notice}<form method="post" action="/interaction/${encodeURIComponent(uid)}">
    <p>The municipal points service asks to take points out of your account when you exchange them.</p>
    <p><label>Member <input name="account" required autofocus></label></p>
    <p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny" formnovalidate>Do not allow</button></p></form>`;
}

function newKeys(keep: SignInOptions['keep']) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg: 'ES256', use: 'sig' };
  const keys = { kind: 'keys', jwks: [jwk], cookieKey: randomBytes(32).toString('base64url') } as const;
  keep(keys);
  return keys;
}

type Payload = Record<string, unknown> & { readonly grantId?: string; readonly uid?: string; readonly consumed?: number };

/** The storage that oidc-provider asks for: in memory, with what has to outlive the process kept in the state file. */
function storage({ client, kept, keep, refreshGraceSeconds }: SignInOptions) {
  const records = new Map<string, { model: string; id: string; payload: Payload; expiresAt: number | null }>();
  const keyOf = (model: string, id: string) => `${model} ${id}`;
  const write = (model: string, id: string, payload: Payload | null, expiresAt: number | null) => {
    if (payload) records.set(keyOf(model, id), { model, id, payload, expiresAt });
    else records.delete(keyOf(model, id));
  };
  for (const one of kept) if (one.kind === 'oidc') write(one.model, one.id, one.payload, one.expiresAt);
  const put = (model: string, id: string, payload: Payload | null, expiresAt: number | null) => {
    if (outliving.has(model)) keep({ kind: 'oidc', model, id, payload, expiresAt });
    write(model, id, payload, expiresAt);
  };
  const prune = () => {
    if (records.size < recordsMax) return;
    for (const [key, { expiresAt }] of records) if (expiresAt !== null && expiresAt <= Date.now()) records.delete(key);
  };
  const find = (model: string, id: string) => {
    const found = records.get(keyOf(model, id));
    if (!found || (found.expiresAt !== null && found.expiresAt <= Date.now())) return undefined;
    const { consumed, ...fresh } = found.payload;
    const isInGrace = model === 'RefreshToken' && consumed !== undefined && consumed + refreshGraceSeconds > Date.now() / 1_000;
    return isInGrace ? fresh : found.payload;
  };
  return (model: string) => ({
    find: (id: string) => Promise.resolve(model === 'Client' ? clientMetadata(client(), id) : find(model, id)),
    findByUid: (uid: string) =>
      Promise.resolve([...records.values()].find((one) => one.model === model && one.payload.uid === uid)?.payload),
    findByUserCode: () => Promise.resolve(undefined),
    upsert: (id: string, payload: Payload, expiresInSeconds?: number) => {
      prune();
      put(model, id, payload, expiresInSeconds === undefined ? null : Date.now() + expiresInSeconds * 1_000);
      return Promise.resolve();
    },
    consume: (id: string) => {
      const found = records.get(keyOf(model, id));
      if (found) put(model, id, { ...found.payload, consumed: Math.floor(Date.now() / 1_000) }, found.expiresAt);
      return Promise.resolve();
    },
    destroy: (id: string) => {
      put(model, id, null, null);
      return Promise.resolve();
    },
    revokeByGrantId: (grantId: string) => {
      for (const one of [...records.values()]) if (one.model === model && one.payload.grantId === grantId) put(model, one.id, null, null);
      return Promise.resolve();
    },
  });
}

const outliving: ReadonlySet<string> = new Set(['AccessToken', 'ClientCredentials', 'Grant', 'RefreshToken']);
/** From here on what has expired is thrown away before more is written. */
const recordsMax = 10_000;

function clientMetadata({ clientId, clientSecret, redirectUris }: ClientTerms, id: string): Payload | undefined {
  if (id !== clientId) return undefined;
  return {
    client_id: clientId,
    client_name: 'Municipal points',
    client_secret: clientSecret,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [...redirectUris],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: `openid ${accountScope} ${clientScope}`,
  };
}
