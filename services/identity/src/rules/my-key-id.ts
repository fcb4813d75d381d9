/**
 * 32 characters: digits and capitals without 0/O and 1/I, which people mix up on paper and on the telephone. The real platform's
 * set is not published; a wished ID may use any letter or digit. 32 divides 256, so each byte gives a character without bias.
 */
export const myKeyIdAlphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
export const myKeyIdLength = 8;

/** @param random at least eight bytes from a cryptographic source. @throws RangeError */
export function myKeyIdFrom(random: Uint8Array): string {
  if (random.length < myKeyIdLength) throw new RangeError('a My Key ID needs eight random bytes');
  return Array.from(random.subarray(0, myKeyIdLength), (byte) => myKeyIdAlphabet[byte % myKeyIdAlphabet.length]).join('');
}
