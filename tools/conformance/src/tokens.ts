import { createHash, randomBytes } from 'node:crypto';

export interface OAuthClient {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface GivenTokens {
  readonly accessToken: string;
  /** Present where the refresh token is used once: the next one. */
  readonly refreshToken?: string;
}

/** @throws Error with one sentence, without secrets */
export async function askForToken({ tokenUrl, clientId, clientSecret }: OAuthClient, form: Record<string, string>): Promise<GivenTokens> {
  let response: Response;
  try {
    response = await fetch(tokenUrl, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`,
      },
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(tokenWithinMs),
    });
  } catch {
    throw new Error(`the token endpoint ${tokenUrl} did not answer within ${tokenWithinMs} ms`);
  }
  const body = (await response.json().catch(() => ({}))) as { access_token?: unknown; refresh_token?: unknown; error?: unknown };
  if (response.status !== 200 || typeof body.access_token !== 'string')
    throw new Error(
      `the token endpoint ${tokenUrl} answered ${response.status} ${typeof body.error === 'string' ? body.error : ''} to ${form['grant_type'] ?? ''}`,
    );
  return { accessToken: body.access_token, ...(typeof body.refresh_token === 'string' && { refreshToken: body.refresh_token }) };
}

/** Links an account of the simulator through its control, in which a partner's real site has no part. */
export async function linkAtSimulator(site: string, client: Omit<OAuthClient, 'tokenUrl'>, account: string): Promise<GivenTokens> {
  const redirectUri = 'http://127.0.0.1:9/conformance';
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    scope: 'openid points:reserve',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'consent',
  });
  await control(site, 'redirect-uris', { redirectUri });
  const { location } = await control(site, 'visits', { url: `${await issuerOf(site)}/auth?${query.toString()}`, account });
  const code = new URL(String(location)).searchParams.get('code') ?? '';
  return askForToken(
    { ...client, tokenUrl: `${site}/token` },
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
  );
}

/** Among containers the simulator has another name for browsers than for this kit. */
async function issuerOf(site: string): Promise<string> {
  const response = await fetch(`${site}/.well-known/openid-configuration`).catch(() => undefined);
  const { issuer } = (await response?.json().catch(() => ({}))) as { issuer?: unknown };
  if (typeof issuer !== 'string') throw new Error(`the simulator at ${site} does not describe its sign-in`);
  return issuer;
}

async function control(site: string, what: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${site}/control/${what}`, { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
  const said = (await response?.json().catch(() => ({}))) as { detail?: string } & Record<string, unknown>;
  if (!response?.ok) throw new Error(`the simulator at ${site} did not do ${what}: ${said?.detail ?? 'no answer'}`);
  return said;
}

const tokenWithinMs = 10_000;
