import { createPrivateKey } from 'node:crypto';

/** A private JWK for ES256 (RFC 7518 §6.2). */
export interface SigningKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly kid: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly alg: 'ES256';
  readonly use: 'sig';
}

/** The key that signs, the one before and the one to come. */
export const signingKeysMax = 5;

/**
 * Reads a private JWK set. The first key signs, all are published: a new key goes to the end first, and to the front when every
 * service has fetched it. @throws RangeError that names key and field, and holds no value
 */
export function parseSigningKeys(text: string): SigningKey[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new RangeError('is not JSON');
  }
  const list: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > signingKeysMax)
    throw new RangeError(`must be a JWK set of 1 to ${signingKeysMax} keys`);
  const keys = list.map(readKey);
  if (new Set(keys.map((key) => key.kid)).size < keys.length) throw new RangeError('has two keys with one kid');
  return keys;
}

function readKey(entry: unknown, index: number): SigningKey {
  const wrong = (what: string) => new RangeError(`key ${index + 1} ${what}`);
  if (typeof entry !== 'object' || entry === null) throw wrong('is no object');
  const { kty, crv, kid, x, y, d, alg = 'ES256', use = 'sig' } = entry as Record<string, unknown>;
  if (kty !== 'EC' || crv !== 'P-256' || alg !== 'ES256' || use !== 'sig')
    throw wrong('is not for ES256 signatures (kty EC, crv P-256, alg ES256, use sig)');
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,100}$/.test(kid)) throw wrong('has no kid');
  if (typeof x !== 'string' || typeof y !== 'string' || typeof d !== 'string') throw wrong('is not a whole private key (x, y, d)');
  try {
    createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' });
  } catch {
    throw wrong('is not a valid private key');
  }
  return { kty, crv, kid, x, y, d, alg, use };
}
