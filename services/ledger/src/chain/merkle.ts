import { hash } from 'node:crypto';

/**
 * The Merkle tree of RFC 6962 (Certificate Transparency) §2.1: a leaf is hashed behind a byte 0, a node behind a byte 1, so that no
 * leaf can be passed off as a node. All hashes are SHA-256, lower-case hex.
 */
export function leafHash(text: string): string {
  return hash('sha256', Buffer.concat([leafMark, Buffer.from(text, 'utf8')]), 'hex');
}

export function merkleRoot(leaves: readonly string[]): string {
  const [first] = leaves;
  if (first === undefined) throw new Error('assertion failed: a block has leaves');
  if (leaves.length === 1) return first;
  const left = leftSize(leaves.length);
  return nodeHash(merkleRoot(leaves.slice(0, left)), merkleRoot(leaves.slice(left)));
}

/** The siblings on the way from a leaf to the root, from the bottom up. */
export function merklePath(leaves: readonly string[], index: number): string[] {
  if (leaves.length <= 1) return [];
  const left = leftSize(leaves.length);
  return index < left
    ? [...merklePath(leaves.slice(0, left), index), merkleRoot(leaves.slice(left))]
    : [...merklePath(leaves.slice(left), index - left), merkleRoot(leaves.slice(0, left))];
}

/** The root to which a leaf and its path lead; undefined when the path does not have the length that its place asks for. */
export function rootOfPath(
  leaf: string,
  { index, count, path }: { index: number; count: number; path: readonly string[] },
): string | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count) || index < 0 || index >= count) return undefined;
  if (count === 1) return path.length === 0 ? leaf : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const left = leftSize(count);
  const isLeft = index < left;
  const below = rootOfPath(leaf, { index: isLeft ? index : index - left, count: isLeft ? left : count - left, path: path.slice(0, -1) });
  if (below === undefined) return undefined;
  return isLeft ? nodeHash(below, sibling) : nodeHash(sibling, below);
}

function nodeHash(left: string, right: string): string {
  return hash('sha256', Buffer.concat([nodeMark, Buffer.from(left, 'hex'), Buffer.from(right, 'hex')]), 'hex');
}

/** The largest power of two below the count. */
function leftSize(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

const leafMark = Buffer.of(0);
const nodeMark = Buffer.of(1);
