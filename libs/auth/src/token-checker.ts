import { hash } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Caller } from './caller.js';

export const tokenAudience = 'urn:municipal-points';

export interface Token extends Caller {
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** `invalid`: the token is wrong (401). `unavailable`: the issuer's keys cannot be read now (503); the token may be good. */
export class TokenRefused extends Error {
  constructor(
    readonly kind: 'invalid' | 'unavailable',
    message: string,
  ) {
    super(message);
  }
}

const cachedTokensMax = 10_000;
/** A revoked key must not live on in the cache longer than this. */
const cachedTokenMsMax = 60_000;
const clockToleranceSeconds = 5;

/**
 * Checks access tokens in the form of RFC 9068 (JWT, `at+jwt`) against the keys that the issuer publishes. The signature of one
 * token is verified once a minute, not once a request: ES256 costs about 100 µs, a POS uses the same token thousands of times.
 */
export class TokenChecker {
  private readonly known = new LRUCache<string, Token>({ max: cachedTokensMax, ttl: cachedTokenMsMax });
  private readonly keys: JWTVerifyGetKey;

  constructor(
    private readonly options: {
      readonly issuer: string;
      readonly jwksUrl: string;
      readonly now?: () => number;
      readonly keys?: JWTVerifyGetKey;
    },
  ) {
    this.keys = options.keys ?? createRemoteJWKSet(new URL(options.jwksUrl), { timeoutDuration: 5_000, cooldownDuration: 5_000 });
  }

  /** @throws TokenRefused */
  async check(bearer: string): Promise<Token> {
    const key = hash('sha256', bearer, 'base64');
    const nowMs = this.options.now?.() ?? Date.now();
    const known = this.known.get(key);
    if (known && known.expiresAt * 1000 > nowMs) return known;
    const token = readToken(await this.verify(bearer, nowMs));
    this.known.set(key, token);
    return token;
  }

  private async verify(bearer: string, nowMs: number): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(bearer, this.keys, {
        issuer: this.options.issuer,
        audience: tokenAudience,
        typ: 'at+jwt',
        algorithms: ['ES256', 'EdDSA', 'RS256'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(nowMs),
        requiredClaims: ['exp', 'client_id'],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new TokenRefused('invalid', 'the token has expired');
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
        throw new TokenRefused('unavailable', 'the keys of the token issuer cannot be read now');
      // jose answers a JWKS endpoint that is not 200 with its general error.
      if (error.code === 'ERR_JOSE_GENERIC') throw new TokenRefused('unavailable', 'the keys of the token issuer cannot be read now');
      throw new TokenRefused('invalid', 'the token is not one of this issuer for this cloud');
    }
  }
}

function readToken(payload: JWTPayload): Token {
  const { client_id: client, scope, tenants, exp } = payload;
  if (typeof client !== 'string' || exp === undefined) throw new TokenRefused('invalid', 'the token names no client');
  const codes = Array.isArray(tenants) ? tenants.filter((one): one is string => typeof one === 'string') : [];
  return {
    client,
    scopes: new Set(typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []),
    tenants: new Set(codes),
    expiresAt: exp,
  };
}
