// A client of the partner's site, for tests of this package and of the conformance kit.
import { createHash, randomBytes } from 'node:crypto';

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
}

export const testClient = { id: 'municipal-points', secret: 'sandbox-secret' };
const redirectUri = 'http://127.0.0.1:9/callback';

/** Links a member's account as a points service would. */
export async function linkAccount(url: string, account: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: testClient.id,
    response_type: 'code',
    scope: 'openid points:reserve',
    redirect_uri: redirectUri,
    state: 'a-state',
    nonce: 'a-nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'consent',
  });
  const visited = await ask('POST', `${url}/control/visits`, { body: { url: `${url}/auth?${query.toString()}`, account } });
  const code = new URL(String(visited.body.location)).searchParams.get('code') ?? '';
  const { status, body } = await askToken(url, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`);
  return { accessToken: String(body.access_token), refreshToken: String(body.refresh_token) };
}

export async function clientToken(url: string): Promise<string> {
  const { body } = await askToken(url, { grant_type: 'client_credentials', scope: 'reservations' });
  return String(body.access_token);
}

export const refresh = (url: string, refreshToken = '') => askToken(url, { grant_type: 'refresh_token', refresh_token: refreshToken });

/** The tests' own address is where browsers may be sent back to. */
export const testRedirectUris = [redirectUri];

async function askToken(url: string, form: Record<string, string>) {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${testClient.id}:${testClient.secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

export async function ask(method: string, url: string, options: { body?: unknown; token?: string } = {}) {
  const response = await fetch(url, {
    method,
    headers: { ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }) },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
