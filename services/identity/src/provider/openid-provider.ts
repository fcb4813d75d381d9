import { hkdfSync } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tokenAudience } from '@points/auth';
import type { Database } from '@points/database';
import type { Logger } from '@points/observability';
import { errors, Provider, type OAuthError, type OidcClient, type OidcContext } from 'oidc-provider';
import { matchesSecret } from '../clients/client-secret.js';
import { decideScopes } from '../rules/scopes.js';
import { clientGrantFields, providerStorage, type ClientGrants } from './provider-storage.js';
import type { SigningKey } from './signing-keys.js';

/** A service learns of a revoked client when its token ends; ten minutes is the most a stolen token is worth. */
export const tokenLifetimeSeconds = 600;

/** Only these reach the OpenID Provider; every other address is this service's API. */
export const providerRoutes = [
  { method: 'POST', path: '/token' },
  { method: 'GET', path: '/jwks' },
  { method: 'GET', path: '/.well-known/openid-configuration' },
  { method: 'GET', path: '/.well-known/oauth-authorization-server' },
] as const;

export type OpenIdProvider = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * OAuth 2.0 client credentials (RFC 6749 §4.4) with access tokens in the form of RFC 9068. Everything else that oidc-provider
 * can do is off until something uses it.
 */
export function openIdProvider(options: { issuer: string; keys: readonly SigningKey[]; database: Database; log: Logger }): OpenIdProvider {
  const { issuer, keys, database, log } = options;
  const provider = new Provider(issuer, {
    adapter: providerStorage(database),
    jwks: { keys },
    cookies: { keys: keys.map((key) => cookieKey(key, issuer)) },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    responseTypes: [],
    scopes: [],
    clientBasedCORS: () => false,
    // RFC 6749 §5.2 is JSON, also when a browser asks.
    renderError: (context: OidcContext, error: object) => {
      context.body = error;
    },
    extraClientMetadata: { properties: clientGrantFields },
    extraTokenClaims: (_: OidcContext, token: { client: OidcClient & ClientGrants }) => ({ tenants: token.client.tenants }),
    ttl: { ClientCredentials: tokenLifetimeSeconds },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => tokenAudience,
        getResourceServerInfo: (context: OidcContext, resource: string, client: OidcClient & ClientGrants) => ({
          scope: grantScopes(context, resource, client),
          audience: tokenAudience,
          accessTokenTTL: tokenLifetimeSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256', kid: keys[0]?.kid } },
        }),
      },
    },
  });
  // Registered with one method, a client may use either of the two; both carry the same secret.
  provider.Client.prototype.compareClientSecret = function (this: OidcClient & ClientGrants, secret: string) {
    return this.secretHashes.some((hash) => matchesSecret(secret, hash));
  };
  provider.use(describeWhatIsThere);
  provider.on('grant.success', ({ oidc }) => log.info({ client: oidc?.client?.clientId, scope: oidc?.params?.scope }, 'token given'));
  provider.on('grant.error', ({ oidc }, error) =>
    log.warn({ client: oidc?.client?.clientId, error: error.error ?? error.message, detail: error.error_detail }, 'token refused'),
  );
  provider.on('server_error', ({ path }, error: OAuthError) => log.error({ err: error, path }, 'the OpenID Provider failed'));
  return withIssuersAddress(provider, issuer);
}

/** Called once the client is known to be who it says: the place where asked scopes meet registered ones. */
function grantScopes(context: OidcContext, resource: string, client: OidcClient & ClientGrants): string {
  if (resource !== tokenAudience) throw new errors.InvalidTarget();
  const params = context.oidc?.params ?? {};
  const decision = decideScopes(client.grantedScopes, params.scope);
  if (!decision.ok) throw new errors.InvalidScope('this client is not registered for the scope', decision.refused.join(' '));
  // What is granted is answered (RFC 6749 §5.1), also when the client named nothing.
  return (params.scope = decision.granted.join(' '));
}

/**
 * RFC 8414 §2: no authorization endpoint is named where no grant type uses one. oidc-provider names it always, with all that
 * belongs to it, and scopes that no client here can have.
 */
async function describeWhatIsThere(context: OidcContext, next: () => Promise<void>): Promise<void> {
  await next();
  if (context.oidc?.route !== 'discovery') return;
  context.body = Object.fromEntries(Object.entries(context.body ?? {}).filter(([name]) => !ofLogins.has(name)));
}

const ofLogins: ReadonlySet<string> = new Set([
  'authorization_endpoint',
  'authorization_response_iss_parameter_supported',
  'claim_types_supported',
  'claims_parameter_supported',
  'claims_supported',
  'code_challenge_methods_supported',
  'response_modes_supported',
  'scopes_supported',
]);

/**
 * oidc-provider writes addresses into the discovery document as the request names them. What the caller or a proxy says is
 * replaced by the issuer's own address, so that neither a TLS proxy nor a forged Host header shows there.
 */
function withIssuersAddress(provider: Provider, issuer: string): OpenIdProvider {
  const { host, protocol } = new URL(issuer);
  const callback = provider.callback();
  provider.proxy = true;
  return (request, response) => {
    request.headers['x-forwarded-host'] = host;
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    return callback(request, response);
  };
}

/** From the signing key, so that replicas agree and an operator has one secret less to keep; with a new key comes a new one. */
function cookieKey(key: SigningKey, issuer: string): string {
  return Buffer.from(hkdfSync('sha256', Buffer.from(key.d, 'base64url'), '', `cookies of ${issuer}`, 32)).toString('base64url');
}
