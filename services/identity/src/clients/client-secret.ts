import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * SHA-256 with a salt, not scrypt: a secret is 256 random bits made here (or checked for its length at boot), so there is nothing
 * to guess that slow hashing would protect, and scrypt's 50–100 ms of CPU per token request would let anybody who knows a client
 * id keep a core busy. The salt keeps equal secrets of two clients from showing.
 */
export function hashSecret(secret: string, salt: Uint8Array = randomBytes(saltBytes)): string {
  return `sha256:${Buffer.from(salt).toString('base64url')}:${digest(secret, salt).toString('base64url')}`;
}

export function matchesSecret(secret: string, hash: string): boolean {
  const [algorithm, salt = '', expected = ''] = hash.split(':');
  if (algorithm !== 'sha256') return false;
  const [found, wanted] = [digest(secret, Buffer.from(salt, 'base64url')), Buffer.from(expected, 'base64url')];
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

const saltBytes = 16;

function digest(secret: string, salt: Uint8Array): Buffer {
  return createHash('sha256').update(salt).update(secret, 'utf8').digest();
}
