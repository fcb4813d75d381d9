import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import * as client from 'openid-client';
import { ExchangeConfig } from '../exchange.config.js';
import { fetchOutside, reasonOf } from '../reach-outside/ask-outside.js';
import { reachOf, type Reach } from '../reach-outside/request-outside.js';
import { keptWords } from '../rules/kept-words.js';
import { isThisMachine, type Connection } from './connection.js';

export interface PartnerTokens {
  readonly accessToken: string;
  /** Absent where the partner tells no time: then it is refreshed when it is refused. */
  readonly accessUntil?: Date;
  /** Absent in the answer to a refresh: the one before stays. */
  readonly refreshToken?: string;
}

/** gone: the partner will give no tokens for this link any more. */
export type TokenAnswer =
  | { readonly kind: 'given'; readonly tokens: PartnerTokens }
  | { readonly kind: 'gone'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export interface Visit {
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** The OpenID Connect sign-ins of partners: the addresses of each are read once and kept for a while. Reads and writes nothing here. */
@Injectable()
export class SignInAtPartner {
  private readonly known = new Map<string, { readonly configuration: Promise<client.Configuration>; readonly until: number }>();
  private readonly clientTokens = new Map<string, { readonly tokens: PartnerTokens; readonly until: number }>();
  private readonly asking = new Map<string, Promise<TokenAnswer>>();

  protected readonly reach: Reach;

  constructor(@Inject(ExchangeConfig) private readonly config: ExchangeConfig) {
    this.reach = reachOf(config);
  }

  /** Where to send the resident: authorization code flow with PKCE, state and nonce. @throws Error when the sign-in cannot be reached */
  async begin(connection: Connection): Promise<Visit> {
    const configuration = await this.configurationOf(connection);
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: connection.redirectUri,
      scope: 'openid points:reserve',
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      prompt: 'consent',
    });
    return { url: url.href, state, nonce, verifier };
  }

  /** Code into tokens; the id token must be the partner's own, for us, with our nonce. */
  async finish(
    connection: Connection,
    visit: {
      readonly code: string;
      readonly iss?: string;
      readonly state: string;
      readonly nonce: string;
      readonly verifier: string;
      readonly redirectUri: string;
    },
  ): Promise<
    { readonly kind: 'given'; readonly tokens: PartnerTokens; readonly subjectHash: string } | Exclude<TokenAnswer, { kind: 'given' }>
  > {
    const url = new URL(visit.redirectUri);
    url.searchParams.set('code', visit.code);
    url.searchParams.set('state', visit.state);
    if (visit.iss !== undefined) url.searchParams.set('iss', visit.iss);
    try {
      const answer = await client.authorizationCodeGrant(await this.configurationOf(connection), url, {
        expectedState: visit.state,
        expectedNonce: visit.nonce,
        pkceCodeVerifier: visit.verifier,
        idTokenExpected: true,
      });
      const { sub, iss } = answer.claims() ?? {};
      if (sub === undefined || answer.refresh_token === undefined)
        return { kind: 'gone', reason: 'the partner gave no refresh token for the account' };
      return { kind: 'given', tokens: tokensOf(answer), subjectHash: createHash('sha256').update(`${iss} ${sub}`).digest('base64url') };
    } catch (error) {
      return this.troubleOf(error);
    }
  }

  async refresh(connection: Connection, refreshToken: string): Promise<TokenAnswer> {
    try {
      return { kind: 'given', tokens: tokensOf(await client.refreshTokenGrant(await this.configurationOf(connection), refreshToken)) };
    } catch (error) {
      return this.troubleOf(error);
    }
  }

  /** Best effort: a partner that is away forgets its tokens by their end. */
  async revoke(connection: Connection, refreshToken: string): Promise<boolean> {
    try {
      await client.tokenRevocation(await this.configurationOf(connection), refreshToken, { token_type_hint: 'refresh_token' });
      return true;
    } catch {
      return false;
    }
  }

  /** The service's own token, which ends reservations whatever has become of the link. One request at a time; `not`: one that was refused. */
  async clientToken(connection: Connection, not?: string): Promise<TokenAnswer> {
    const name = nameOf(connection);
    const kept = this.clientTokens.get(name);
    if (kept && kept.until > Date.now() && kept.tokens.accessToken !== not) return { kind: 'given', tokens: kept.tokens };
    const asked = this.asking.get(name) ?? this.askClientToken(connection, name).finally(() => this.asking.delete(name));
    this.asking.set(name, asked);
    return asked;
  }

  private async askClientToken(connection: Connection, name: string): Promise<TokenAnswer> {
    try {
      const configuration = await this.configurationOf(connection);
      const tokens = tokensOf(await client.clientCredentialsGrant(configuration, { scope: 'reservations' }));
      const until = tokens.accessUntil?.getTime() ?? Date.now() + clientTokenMsUsual;
      this.clientTokens.set(name, { tokens, until: until - earlyMs });
      return { kind: 'given', tokens };
    } catch (error) {
      return this.troubleOf(error);
    }
  }

  /** invalid_grant is the partner's word that the link is over; everything else may pass. */
  private troubleOf(error: unknown): Exclude<TokenAnswer, { kind: 'given' }> {
    if (error instanceof client.ResponseBodyError)
      return {
        kind: error.error === 'invalid_grant' ? 'gone' : 'failed',
        reason: `the partner's sign-in answered ${keptWords(error.error, errorCharactersMax)}`,
      };
    if (
      error instanceof client.ClientError &&
      error.code !== undefined &&
      /^OAUTH_[A-Z_]+$/.test(error.code) &&
      error.code !== 'OAUTH_TIMEOUT'
    )
      return { kind: 'failed', reason: `the partner's sign-in answered something that cannot be accepted (${error.code})` };
    return { kind: 'failed', reason: `the partner's sign-in: ${reasonOf(error, this.config.PARTNER_ANSWER_MS, neverStopped)}` };
  }

  private configurationOf(connection: Connection): Promise<client.Configuration> {
    const name = nameOf(connection);
    const kept = this.known.get(name);
    if (kept && kept.until > Date.now()) return kept.configuration;
    const issuer = new URL(connection.issuer);
    const configuration = client.discovery(
      issuer,
      connection.clientId,
      connection.clientSecret,
      client.ClientSecretBasic(connection.clientSecret),
      {
        [client.customFetch]: (url, { method, headers, body, signal }) =>
          fetchOutside(url, { method, headers, ...bodyOf(body) }, this.reach, signal ?? neverStopped),
        // Whole seconds are what the library takes.
        timeout: Math.max(Math.round(this.config.PARTNER_ANSWER_MS / 1_000), 1),
        // Only a partner on this machine is reached without TLS (see connection.ts).
        execute: issuer.protocol === 'http:' && isThisMachine(issuer.hostname) ? [client.allowInsecureRequests] : [],
      },
    );
    this.known.set(name, { configuration, until: Date.now() + configurationKeptMs });
    // What could not be read is read again by the next one.
    configuration.catch(() => this.known.delete(name));
    return configuration;
  }
}

/** Partners change their keys and addresses rarely, and a wrong one is cured by waiting. */
const configurationKeptMs = 600_000;
/** A token is not used in its last moments: it could end on its way. */
export const earlyMs = 10_000;
const clientTokenMsUsual = 60_000;
/** Those of OAuth are words such as invalid_grant. */
const errorCharactersMax = 60;
const neverStopped = new AbortController().signal;

/** Forms, and nothing: all that is sent to a sign-in. */
function bodyOf(body: client.FetchBody): { readonly body?: string } {
  if (body === null || body === undefined) return {};
  if (body instanceof URLSearchParams || typeof body === 'string') return { body: body.toString() };
  throw new Error('assertion failed: a sign-in is sent a form');
}

function nameOf({ programme, partner, version }: Connection): string {
  return `${programme} ${partner} ${version}`;
}

function tokensOf(answer: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers): PartnerTokens {
  const seconds = answer.expiresIn();
  return {
    accessToken: answer.access_token,
    ...(seconds !== undefined && { accessUntil: new Date(Date.now() + seconds * 1_000) }),
    ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
  };
}
