import { hashSecret, matchesSecret } from './client-secret.js';

const secret = 'k7Qd3mXo5sVb1wYt9uRe2pLa8nCz4gHf6jDi0xKq7vE';

describe('the hash of a client secret', () => {
  it('matches its secret and no other', () => {
    const hash = hashSecret(secret);

    expect(matchesSecret(secret, hash)).toBe(true);
    expect(matchesSecret(`${secret}x`, hash)).toBe(false);
    expect(matchesSecret('', hash)).toBe(false);
  });

  it('differs for two clients with one secret', () => {
    expect(hashSecret(secret)).not.toBe(hashSecret(secret));
  });

  it('is the SHA-256 of salt and secret, in a form the table accepts', () => {
    expect(hashSecret('secret', new Uint8Array(16))).toBe('sha256:AAAAAAAAAAAAAAAAAAAAAA:Nvy9xHmTeIEf42A_Mn_mJrYp_cY8CVjMfub84hg3Uss');
    expect(hashSecret(secret)).toMatch(/^sha256:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}$/);
  });

  it.each(['', 'sha256', 'md5:AAAA:AAAA', secret])('of an unknown form "%s" matches nothing', (hash) => {
    expect(matchesSecret(secret, hash)).toBe(false);
  });
});
