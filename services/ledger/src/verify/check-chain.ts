import { hash, randomBytes } from 'node:crypto';
import { blockHash, skipTarget } from '../chain/block.js';
import { merkleRoot } from '../chain/merkle.js';
import type { Row } from '../move/lines.js';
import type { Findings } from './findings.js';

/**
 * Follows the chain block by block, and compares the leaves of the blocks with the seals that come later in another order. For that
 * it keeps 20 bytes per block: the sum (xor) of keyed hashes of (block, leaf, hash). The key is made for this run, so nobody can
 * prepare rows whose sums meet.
 */
export class ChainCheck {
  /** Hash and number of the last block. */
  head: { readonly number: number; readonly hash: string; readonly sealedAt: string } | undefined;
  blocks = 0;
  private readonly key = randomBytes(32).toString('hex');
  private sums: Buffer = Buffer.alloc(sumBytes * 1_024);
  /** The blocks that a later one can skip back to: as many as the number has bits. */
  private ancestors: { number: number; hash: string }[] = [];
  private isHeadSeen = false;

  constructor(
    private readonly programme: string,
    private readonly findings: Findings,
    private readonly wantedHead: string | undefined,
  ) {}

  block(block: Row<'block'>): void {
    const { number, leaves } = block;
    this.blocks++;
    const expectedNumber = (this.head?.number ?? 0) + 1;
    if (!this.findings.same('block', [number], 'number', { expected: expectedNumber, found: number })) this.ancestors = [];
    else {
      this.findings.same('block', [number], 'previous', { expected: this.head?.hash ?? null, found: block.previous });
      const target = skipTarget(number);
      this.ancestors = this.ancestors.filter((one) => one.number <= target);
      const skip = this.ancestors.at(-1);
      if (target === 0 || skip?.number === target)
        this.findings.same('block', [number], 'skip', { expected: skip?.hash ?? null, found: block.skip });
    }
    const hashes = hashesOf(leaves);
    const header = { ...block, programme: this.programme, count: hashes.length };
    if (hashes.length === 0) this.findings.add('block', [number], 'leaves', 'none');
    else this.findings.same('block', [number], 'root', { expected: merkleRoot(hashes), found: block.root });
    this.findings.same('block', [number], 'hash', { expected: blockHash(header), found: block.hash });
    hashes.forEach((leaf, index) => this.mix(number, index, leaf, 1));
    this.head = { number, hash: block.hash, sealedAt: block.sealedAt };
    this.ancestors.push({ number, hash: block.hash });
    this.isHeadSeen ||= block.hash === this.wantedHead;
  }

  seal({ block, leaf, hash }: { readonly block: number; readonly leaf: number; readonly hash: string }): void {
    this.mix(block, leaf, hash, -1);
  }

  finish(): void {
    if (this.wantedHead !== undefined && !this.isHeadSeen)
      this.findings.add('block', 'head', `a block with the hash ${this.wantedHead}`, `${this.blocks} blocks, none with it`);
    const until = this.sums.length / sumBytes;
    for (let number = 0; number < until; number++) {
      const at = number * sumBytes;
      const balance = this.sums.readInt32LE(at + 16);
      if (balance === 0 && this.sums.readBigUInt64LE(at) === 0n && this.sums.readBigUInt64LE(at + 8) === 0n) continue;
      this.findings.add(
        'block',
        [number],
        'one sealed transfer or rule for each of its leaves',
        balance === 0 ? 'other ones' : balance > 0 ? `${balance} missing` : `${-balance} too many`,
      );
    }
  }

  private mix(block: number, leaf: number, text: string, count: 1 | -1): void {
    // A block that cannot be, in a file that somebody wrote: it is heard of by the leaves that it does not have.
    const number = Number.isSafeInteger(block) && block > 0 && block <= blocksMax ? block : 0;
    if ((number + 1) * sumBytes > this.sums.length) {
      const larger = Buffer.alloc(Math.max(this.sums.length * 2, (number + 1) * sumBytes));
      this.sums.copy(larger);
      this.sums = larger;
    }
    const digest = hash('sha256', `${this.key}/${block}/${leaf}/${text}`, 'buffer');
    const at = number * sumBytes;
    for (let byte = 0; byte < 16; byte++) this.sums[at + byte] = (this.sums[at + byte] ?? 0) ^ (digest[byte] ?? 0);
    this.sums.writeInt32LE(this.sums.readInt32LE(at + 16) + count, at + 16);
  }
}

function hashesOf(leaves: string): string[] {
  return leaves.match(/[0-9a-f]{64}/g) ?? [];
}

/** 16 bytes of a sum, 4 of a count. */
const sumBytes = 20;
/** A block every five seconds for thirty years; 4 GB of sums would be another way to say it. */
const blocksMax = 200_000_000;
