import { hash } from 'node:crypto';

export interface BlockHeader {
  readonly programme: string;
  readonly number: number;
  /** Hash of the block before; null for the first. */
  readonly previous: string | null;
  /** Hash of the block `skipTarget(number)`; null where that is 0. */
  readonly skip: string | null;
  readonly count: number;
  readonly root: string;
  readonly sealedAt: string;
}

export function blockHash({ programme, number, previous, skip, count, root, sealedAt }: BlockHeader): string {
  return hash('sha256', JSON.stringify(['ledger.block.v1', programme, number, previous, skip, count, root, sealedAt]), 'hex');
}

/**
 * The block that a block points back to besides the one before: its number without the lowest bit that is set. From any head to any
 * older block it is then at most about half the square of the number's bits (230 steps after two million blocks), so that a proof against a
 * head of years later stays short.
 */
export function skipTarget(number: number): number {
  return number & (number - 1);
}

/** The blocks on the way from a head back to an older one, both included. */
export function wayBack(head: number, to: number): number[] {
  const way = [head];
  for (let at = head; at > to;) {
    at = skipTarget(at) >= to ? skipTarget(at) : at - 1;
    way.push(at);
  }
  return way;
}
