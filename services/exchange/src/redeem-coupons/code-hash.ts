import { createHmac } from 'node:crypto';

/** Keyed, so that a stolen table cannot be tried against all codes there could be; not salted, because a code must be found by it. */
export function codeHash(key: Buffer, code: string): Buffer {
  return createHmac('sha256', key).update(code).digest();
}

/** 32 bytes in base64url; undefined for anything else. */
export function parseCouponKey(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64url');
  return key.length === keyBytes ? key : undefined;
}

const keyBytes = 32;
