import { generateKeyPairSync } from 'node:crypto';
import { parseSigningKeys } from './signing-keys.js';

const privateKey = (curve = 'P-256') => ({
  ...generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ format: 'jwk' }),
  kid: 'one',
});

describe('the signing keys', () => {
  it('are read from a private JWK set, with ES256 and signing as their only use', () => {
    const key = privateKey();

    expect(parseSigningKeys(JSON.stringify({ keys: [key] }))).toEqual([{ ...key, alg: 'ES256', use: 'sig' }]);
  });

  const key = privateKey();
  it.each([
    ['no JSON', 'x', 'is not JSON'],
    ['no key', '{"keys":[]}', '1 to 5 keys'],
    ['a public key', JSON.stringify({ keys: [{ ...key, d: undefined }] }), 'key 1 is not a whole private key'],
    ['another curve', JSON.stringify({ keys: [privateKey('P-384')] }), 'key 1 is not for ES256'],
    ['another algorithm', JSON.stringify({ keys: [{ ...key, alg: 'RS256' }] }), 'key 1 is not for ES256'],
    ['no kid', JSON.stringify({ keys: [{ ...key, kid: undefined }] }), 'key 1 has no kid'],
    ['a point that is not on the curve', JSON.stringify({ keys: [{ ...key, x: key.y }] }), 'key 1 is not a valid private key'],
    ['one kid for two', JSON.stringify({ keys: [key, key] }), 'two keys with one kid'],
  ])('with %s are refused, and the key is not repeated', (_, text, says) => {
    expect(() => parseSigningKeys(text)).toThrow(says);
    expect(() => parseSigningKeys(text)).not.toThrow(String(key.d));
  });
});
