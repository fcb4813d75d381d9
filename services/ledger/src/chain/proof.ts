import type { Tx } from '@points/database';
import type { ProgrammeId } from '@points/kernel';
import { instantText } from '../move/columns-sql.js';
import { blockHash, skipTarget, wayBack, type BlockHeader } from './block.js';
import { transferText } from './leaf.js';
import { leafHash, merklePath, rootOfPath } from './merkle.js';
import { readFacts, type TransferKey } from './read-facts.js';

/** Shows, to somebody who trusts nothing but the hash of a head, that a transfer is in the chain as it is said to be. */
export interface Proof {
  readonly programme: string;
  readonly transfer: string;
  /** The canonical text that was sealed (chain/leaf.ts); its hash behind a zero byte is the leaf. */
  readonly leaf: string;
  readonly index: number;
  readonly path: readonly string[];
  /** From the head back to the block of the leaf, each with its hash; each names the next as its `previous` or its `skip`. */
  readonly headers: readonly Header[];
}

export type ProofAnswer =
  | { readonly ok: true; readonly proof: Proof }
  | { readonly ok: false; readonly reason: 'transfer-missing' | 'not-sealed-yet' | 'head-too-old' };

/** The proof of one transfer against the latest head, or against an older one that was published. */
export async function prove(tx: Tx, programme: ProgrammeId, { transfer, head }: { transfer: string; head?: number }): Promise<ProofAnswer> {
  const key = (await tx.query<TransferKey>(findSeal, [programme, transfer]))[0];
  if (!key) return { ok: false, reason: 'not-sealed-yet' };
  const [stored] = await readFacts((statement, values) => tx.query(statement, values), programme, [key]);
  if (!stored?.seal) return { ok: false, reason: 'transfer-missing' };
  const { block, leaf } = stored.seal;
  const latest = await readHead(tx, programme);
  const from = head ?? latest?.number ?? 0;
  if (from < block || from > (latest?.number ?? 0)) return { ok: false, reason: 'head-too-old' };
  const headers = await tx.query<Header>(readHeaders, [programme, wayBack(from, block)]);
  const leaves = (await tx.query<{ leaves: string }>(readLeaves, [programme, block]))[0]?.leaves.match(/.{64}/g) ?? [];
  return {
    ok: true,
    proof: { programme, transfer, leaf: transferText(stored.facts), index: leaf, path: merklePath(leaves, leaf), headers },
  };
}

/** What is wrong with a proof; nothing when it holds. With a `head` from elsewhere it must lead there. */
export function checkProof(proof: Proof, head?: string): string[] {
  const [newest] = proof.headers;
  const sealing = proof.headers.at(-1);
  if (!newest || !sealing) return ['it has no block header'];
  const wrong: string[] = [];
  const facts = factsOf(proof.leaf);
  if (facts[0] !== 'ledger.transfer.v1' || facts[1] !== proof.programme || facts[3] !== proof.transfer)
    wrong.push('the leaf is of another programme or transfer than the proof says');
  const root = rootOfPath(leafHash(proof.leaf), { index: proof.index, count: sealing.count, path: proof.path });
  if (root !== sealing.root)
    wrong.push(`the leaf and its path lead to ${root ?? 'nothing'}, and block ${sealing.number} has the root ${sealing.root}`);
  proof.headers.forEach((header, place) => {
    if (header.programme !== proof.programme) wrong.push(`block ${header.number} is of another programme`);
    if (blockHash(header) !== header.hash) wrong.push(`block ${header.number} has another hash than its header`);
    const next = proof.headers[place + 1];
    if (!next) return;
    const isLinked =
      (next.number === header.number - 1 && next.hash === header.previous) ||
      (next.number === skipTarget(header.number) && next.hash === header.skip);
    if (!isLinked) wrong.push(`block ${header.number} does not point back to block ${next.number}`);
  });
  if (head !== undefined && newest.hash !== head) wrong.push(`it leads to the head ${newest.hash}, and not to ${head}`);
  return wrong;
}

export async function readHead(tx: Tx, programme: ProgrammeId): Promise<Header | undefined> {
  return (await tx.query<Header>(readLatest, [programme]))[0];
}

export type Header = BlockHeader & { readonly hash: string };

function factsOf(leaf: string): unknown[] {
  try {
    const facts: unknown = JSON.parse(leaf);
    return Array.isArray(facts) ? facts : [];
  } catch {
    return [];
  }
}

const headerFields = `
  programme, number, encode(previous, 'hex') as previous, encode(skip, 'hex') as skip, octet_length(leaves) / 32 as count,
  encode(root, 'hex') as root, ${instantText('sealed_at')} as "sealedAt", encode(hash, 'hex') as hash`;
const findSeal = {
  name: 'find_seal',
  text: `select account, ${instantText('effective_at')} as "effectiveAt", transfer from seal where programme = $1 and transfer = $2`,
};
const readLatest = {
  name: 'read_latest_header',
  text: `select ${headerFields} from block where programme = $1 order by number desc limit 1`,
};
const readHeaders = {
  name: 'read_headers',
  text: `select ${headerFields} from block where programme = $1 and number = any ($2::integer[]) order by number desc`,
};
const readLeaves = { name: 'read_leaves', text: `select encode(leaves, 'hex') as leaves from block where programme = $1 and number = $2` };
