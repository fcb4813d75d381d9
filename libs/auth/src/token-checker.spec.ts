import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { mayActFor } from './caller.js';
import { tokenAudience, TokenChecker, TokenRefused } from './token-checker.js';

const issuer = 'http://identity.test';
const now = Date.parse('2026-04-01T00:00:00Z');
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('ES256');
const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: '1' }] });

const checker = (at = now) => new TokenChecker({ issuer, jwksUrl: `${issuer}/jwks`, keys, now: () => at });

function sign(
  claims: JWTPayload = {},
  options: { key?: CryptoKey; typ?: string; audience?: string; issuer?: string; expiresAt?: number } = {},
): Promise<string> {
  return new SignJWT({ client_id: 'shop', scope: 'payments:write payments:read', tenants: ['141305'], ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: '1', typ: options.typ ?? 'at+jwt' })
    .setIssuer(options.issuer ?? issuer)
    .setAudience(options.audience ?? tokenAudience)
    .setIssuedAt(now / 1000)
    .setExpirationTime(options.expiresAt ?? now / 1000 + 600)
    .sign(options.key ?? privateKey);
}

describe('a token', () => {
  it('says who calls, with which scopes and for which municipalities', async () => {
    const token = await checker().check(await sign());

    expect(token).toMatchObject({ client: 'shop', scopes: new Set(['payments:write', 'payments:read']), tenants: new Set(['141305']) });
    expect(mayActFor(token, '141305')).toBe(true);
    expect(mayActFor(token, '432067')).toBe(false);
  });

  it('of an operator is for every municipality', async () => {
    expect(mayActFor(await checker().check(await sign({ tenants: ['*'] })), '432067')).toBe(true);
  });

  it.each([
    ['of a stranger’s key', () => sign({}, { key: stranger.privateKey })],
    ['for another audience', () => sign({}, { audience: 'urn:other' })],
    ['of another issuer', () => sign({}, { issuer: 'http://elsewhere.test' })],
    ['that is an ID token', () => sign({}, { typ: 'JWT' })],
    ['that has expired', () => sign({}, { expiresAt: now / 1000 - 60 })],
    ['without a client', () => sign({ client_id: undefined })],
    ['that is no JWT', () => Promise.resolve('abc')],
  ])('%s is refused', async (_, make) => {
    await expect(checker().check(await make())).rejects.toMatchObject({ kind: 'invalid' });
  });

  it('expires although its signature was verified before', async () => {
    let at = now;
    const checks = new TokenChecker({ issuer, jwksUrl: `${issuer}/jwks`, keys, now: () => at });
    const bearer = await sign();
    await checks.check(bearer);

    at = now + 700_000;

    await expect(checks.check(bearer)).rejects.toThrow('expired');
  });

  it('cannot be judged while the issuer’s keys cannot be read', async () => {
    const away = new TokenChecker({ issuer, jwksUrl: 'http://127.0.0.1:9/jwks' });

    await expect(away.check(await sign())).rejects.toEqual(expect.objectContaining({ kind: 'unavailable' }));
    await expect(away.check(await sign())).rejects.toBeInstanceOf(TokenRefused);
  });
});
