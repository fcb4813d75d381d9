import { isMyKeyId } from '@points/kernel';
import fc from 'fast-check';
import { myKeyIdAlphabet, myKeyIdFrom } from './my-key-id.js';

describe('a drawn My Key ID', () => {
  it('has eight characters that nobody mixes up, whatever the random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 12 }), (random) => {
        const drawn = myKeyIdFrom(random);
        return isMyKeyId(drawn) && /^[2-9A-HJ-NP-Z]{8}$/.test(drawn);
      }),
    );
  });

  it('gives every character the same chance', () => {
    const counts = new Map<string, number>();
    for (let byte = 0; byte < 256; byte++) {
      const [character = ''] = myKeyIdFrom(new Uint8Array(8).fill(byte));
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }

    expect([...counts.keys()].sort().join('')).toBe([...myKeyIdAlphabet].sort().join(''));
    expect(new Set(counts.values())).toEqual(new Set([8]));
  });

  it('is not made from too little randomness', () => {
    expect(() => myKeyIdFrom(new Uint8Array(7))).toThrow(RangeError);
  });
});
