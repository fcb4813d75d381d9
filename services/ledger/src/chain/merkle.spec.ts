import { hash } from 'node:crypto';
import fc from 'fast-check';
import { skipTarget, wayBack } from './block.js';
import { leafHash, merklePath, merkleRoot, rootOfPath } from './merkle.js';

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leafHash(`leaf ${index}`));

describe('the Merkle tree', () => {
  it('hashes as RFC 6962 says', () => {
    // The empty leaf and the eight-leaf tree of the test vectors of certificate-transparency's reference implementation.
    const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const leaves = inputs.map((hex) => hash('sha256', Buffer.concat([Buffer.of(0), Buffer.from(hex, 'hex')]), 'hex'));

    expect(leafHash('')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(merkleRoot(leaves.slice(0, 2))).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125');
    expect(merkleRoot(leaves.slice(0, 7))).toBe('ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c');
    expect(merkleRoot(leaves)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('leads from every leaf by its path to the root, and from no other leaf or place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, pick) => {
        const [leaves, index] = [leavesOf(count), pick % count];
        const leaf = leaves[index] ?? '';
        const path = merklePath(leaves, index);
        const root = merkleRoot(leaves);

        expect(rootOfPath(leaf, { index, count, path })).toBe(root);
        expect(rootOfPath(leafHash('another'), { index, count, path })).not.toBe(root);
        if (count > 1) expect(rootOfPath(leaf, { index: (index + 1) % count, count, path })).not.toBe(root);
        expect(rootOfPath(leaf, { index, count, path: [...path, root] })).not.toBe(root);
        expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
      }),
      { numRuns: 200 },
    );
  });
});

describe('the way back from a head', () => {
  it('follows links that the blocks have, and is short', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.nat(), (head, pick) => {
        const to = (pick % head) + 1;
        const way = wayBack(head, to);

        expect([way[0], way.at(-1)]).toEqual([head, to]);
        way.slice(1).forEach((number, index) => {
          const from = way[index] ?? 0;
          expect([from - 1, skipTarget(from)]).toContain(number);
        });
        const bits = 32 - Math.clz32(head);
        expect(way.length).toBeLessThanOrEqual((bits * (bits + 1)) / 2 + 1);
      }),
    );
  });
});
