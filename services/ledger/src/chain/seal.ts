import { setImmediate as nextTurn } from 'node:timers/promises';
import { tenantOf, type Instant, type ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { instantText } from '../move/columns-sql.js';
import { blockHash, skipTarget } from './block.js';
import { grants, ruleLeaf, transferLeaf, type RuleFacts, type TransferFacts } from './leaf.js';
import { merkleRoot } from './merkle.js';
import { readFacts, type TransferKey } from './read-facts.js';

export interface Sealed {
  readonly block: number;
  readonly transfers: number;
  readonly rules: number;
  /** Queued, but not in the books: somebody has taken them away behind the service's back. */
  readonly vanished: readonly TransferKey[];
  /** The block was full, and more may wait. */
  readonly isFull: boolean;
}

/** What a session that seals or reads the chain must be told first: all municipalities, and every table by its key. */
export async function prepareChainSession(client: ClientBase): Promise<void> {
  await client.query(`
    select set_config('app.tenant', '*', false), set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
      set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_generic_plan', false)`);
}

/** Programmes that have something to seal. */
export async function waitingProgrammes(client: ClientBase): Promise<ProgrammeId[]> {
  const { rows } = await client.query<{ programme: ProgrammeId }>(`
    select programme from unsealed union
    select programme from programme_rule r where not exists (select from rule_seal s where s.programme = r.programme and s.version = r.version)
    order by programme`);
  return rows.map((row) => row.programme);
}

/**
 * Seals what waits of a programme as its next block, in one transaction: taken from the queue, hashed, linked to the block before.
 * Undefined when nothing waits. One caller at a time; a second one would meet the block's key and change nothing.
 */
export async function sealNext(client: ClientBase, programme: ProgrammeId, sealedAt: Instant): Promise<Sealed | undefined> {
  await client.query('begin');
  try {
    const sealed = await seal(client, programme, sealedAt);
    await client.query('commit');
    return sealed;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function seal(client: ClientBase, programme: ProgrammeId, sealedAt: Instant): Promise<Sealed | undefined> {
  const [rules, waiting] = [await readUnsealedRules(client, programme), await readWaiting(client, programme)];
  const stored = await readFacts(
    async (statement, values) => (await client.query({ ...statement, values: [...values] })).rows as never,
    programme,
    waiting.keys,
  );
  const unsealed = new Map(stored.filter((one) => one.seal === null).map(({ facts }) => [facts.transfer, facts]));
  const transfers: { facts: TransferFacts; hash: string }[] = [];
  for (const facts of unsealed.values()) {
    transfers.push({ facts, hash: transferLeaf(facts) });
    // The door's callers wait for the same event loop.
    if (transfers.length % leavesPerTurn === 0) await nextTurn();
  }
  const ruleLeaves = rules.map((facts) => ({ facts, hash: ruleLeaf(facts) }));
  const leaves = [...ruleLeaves, ...transfers].map((one) => one.hash);
  const block = leaves.length > 0 ? await append(client, programme, { leaves, sealedAt }) : 0;

  if (ruleLeaves.length > 0)
    await client.query(insertRuleSeals, [
      tenantOf(programme),
      programme,
      ruleLeaves.map((one) => one.facts.version),
      block,
      ruleLeaves.map((one) => one.hash),
    ]);
  if (transfers.length > 0)
    await client.query({
      ...insertSeals,
      values: [
        tenantOf(programme),
        programme,
        transfers.map(({ facts }) => facts.transfer),
        transfers.map(({ facts }) => facts.account),
        transfers.map(({ facts }) => facts.effectiveAt),
        block,
        ruleLeaves.length,
        transfers.map((one) => one.hash),
        transfers.map(({ facts }) => endsOf(facts)),
      ],
    });
  if (waiting.rows.length > 0) await client.query({ ...dequeue, values: [programme, waiting.rows] });

  if (leaves.length === 0 && waiting.rows.length === 0) return undefined;
  const found = new Set(stored.map((one) => one.facts.transfer));
  return {
    block,
    transfers: transfers.length,
    rules: rules.length,
    vanished: waiting.keys.filter((key) => !found.has(key.transfer)),
    isFull: waiting.keys.length >= blockTransfersMax / 2,
  };
}

async function append(
  client: ClientBase,
  programme: ProgrammeId,
  { leaves, sealedAt }: { leaves: string[]; sealedAt: Instant },
): Promise<number> {
  const { rows } = await client.query<{ number: number; hash: string }>({ ...readHead, values: [programme] });
  const [previous] = rows;
  const number = (previous?.number ?? 0) + 1;
  const target = skipTarget(number);
  const skip = target === 0 ? undefined : (await client.query<{ hash: string }>({ ...readBlockHash, values: [programme, target] })).rows[0];
  const header = {
    programme,
    number,
    previous: previous?.hash ?? null,
    skip: skip?.hash ?? null,
    count: leaves.length,
    root: merkleRoot(leaves),
    sealedAt,
  };
  await client.query({
    ...insertBlock,
    values: [
      tenantOf(programme),
      programme,
      number,
      header.previous,
      header.skip,
      leaves.join(''),
      header.root,
      sealedAt,
      blockHash(header),
    ],
  });
  return number;
}

async function readWaiting(client: ClientBase, programme: ProgrammeId): Promise<{ rows: string[]; keys: TransferKey[] }> {
  const { rows } = await client.query<{ id: string; accounts: string[]; effective: string[]; transfers: string[] }>({
    ...readQueue,
    values: [programme],
  });
  const keys = rows.flatMap(({ accounts, effective, transfers }) =>
    transfers.map((transfer, index) => ({ transfer, account: accounts[index] ?? '', effectiveAt: effective[index] ?? '' })),
  );
  return { rows: rows.map((row) => row.id), keys };
}

async function readUnsealedRules(client: ClientBase, programme: ProgrammeId): Promise<RuleFacts[]> {
  const { rows } = await client.query<RuleFacts>({ ...readRules, values: [programme] });
  return rows;
}

/** An array of arrays must be a rectangle in PostgreSQL, so the ends of one transfer travel as the text of an array. */
function endsOf(facts: Parameters<typeof transferLeaf>[0]): string | null {
  const ends = facts.draws.filter((draw) => grants(facts.kind, draw.amount)).map((draw) => draw.granted?.expiresAt ?? null);
  return ends.length === 0 ? null : `{${ends.map((end) => (end === null ? 'NULL' : `"${end}"`)).join(',')}}`;
}

/** About 3 ms of work. */
const leavesPerTurn = 128;
/** About 0.2 s of work and 10 MB; sixteen full flushes of the door. */
export const blockTransfersMax = 4_096;

const readQueue = {
  name: 'read_unsealed',
  text: `
    select id, accounts, array(select ${instantText('e')} from unnest(effective_at) with ordinality as u (e, n) order by n) as effective, transfers
    from (
      select *, sum(cardinality(transfers)) over (order by id) - cardinality(transfers) as before
      from (select * from unsealed where programme = $1 order by id limit ${blockTransfersMax}) as waiting
    ) as counted
    where before < ${blockTransfersMax / 2} order by id`,
};
/** What is sealed waits for the roll-up next. */
const dequeue = {
  name: 'dequeue',
  text: `
    with sealed as (delete from unsealed where programme = $1 and id = any ($2::bigint[]) returning tenant, programme, id, accounts, effective_at, transfers)
    insert into unrolled (tenant, programme, accounts, effective_at, transfers)
    select tenant, programme, accounts, effective_at, transfers from sealed order by id`,
};
const readRules = {
  name: 'read_unsealed_rules',
  text: `
    select r.programme, r.version, r.valid_from::text as "validFrom", r.rules, ${instantText('r.created_at')} as "createdAt"
    from programme_rule r
    where r.programme = $1 and not exists (select from rule_seal s where s.programme = r.programme and s.version = r.version)
    order by r.version`,
};
const readHead = {
  name: 'read_chain_head',
  text: `select number, encode(hash, 'hex') as hash from block where programme = $1 order by number desc limit 1`,
};
const readBlockHash = {
  name: 'read_block_hash',
  text: `select encode(hash, 'hex') as hash from block where programme = $1 and number = $2`,
};
const insertBlock = {
  name: 'insert_block',
  text: `
    insert into block (tenant, programme, number, previous, skip, leaves, root, sealed_at, hash)
    values ($1, $2, $3, decode($4, 'hex'), decode($5, 'hex'), decode($6, 'hex'), decode($7, 'hex'), $8, decode($9, 'hex'))`,
};
const insertSeals = {
  name: 'insert_seals',
  text: `
    insert into seal (tenant, programme, transfer, account, effective_at, block, leaf, hash, lot_ends)
    select $1, $2, transfer, account, effective_at, $6, $7 + n - 1, decode(hash, 'hex'), lot_ends::timestamptz[]
    from unnest($3::uuid[], $4::text[], $5::timestamptz[], $8::text[], $9::text[]) with ordinality as s (transfer, account, effective_at, hash, lot_ends, n)`,
};
const insertRuleSeals = `
  insert into rule_seal (tenant, programme, version, block, leaf, hash)
  select $1, $2, version, $4, n - 1, decode(hash, 'hex') from unnest($3::integer[], $5::text[]) with ordinality as s (version, hash, n)`;
