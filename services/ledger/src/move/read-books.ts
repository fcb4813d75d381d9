import { type ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { fieldsOf, jsonOf } from './columns-sql.js';
import { format, plainKeys, plainNames, tableOf, type Line, type PlainName, type Row, type RowName, type TransferLine } from './lines.js';

/**
 * All books of a programme as lines, in the order that move/README.md gives, a few hundred rows in memory at a time. The client is in
 * a transaction that sees one state (repeatable read, or its own writes). A row that belongs to nothing comes as a `stray`.
 */
export async function* readBooks(client: ClientBase, programme: ProgrammeId): AsyncGenerator<Line> {
  await plan(client, inOrder);
  let count = 0;
  const lines = concatenated(client, programme);
  for await (const line of lines) {
    count++;
    yield line;
  }
  yield { type: 'end', lines: count };
}

async function* concatenated(client: ClientBase, programme: ProgrammeId): AsyncGenerator<Line> {
  yield { type: 'ledger', format };
  yield* rows<Line>(client, 'programme', programmeText, programme);
  yield* rows<Line>(client, 'rules', ruleText, programme);
  for (const name of plainNames) yield* rows<Line>(client, tableOf[name], plainText(name), programme);
  yield* rows<Line>(client, 'blocks', blockText, programme);
  yield* strays(client, programme);
  const lots = new Grouped(rows<{ type: 'lot' } & Row<'lot'>>(client, 'lots', lotText, programme));
  const holds = new Grouped(rows<{ type: 'hold' } & Row<'hold'>>(client, 'holds', holdText, programme));
  const extensions = new Grouped(rows<{ type: 'extension' } & Row<'extension'>>(client, 'extensions', extensionText, programme));
  const transfers = new Grouped(rows<TransferLine>(client, 'transfers', transferText, programme));
  for await (const account of rows<{ type: 'account' } & Row<'account'>>(client, 'accounts', accountText, programme)) {
    yield account;
    yield* lots.of(account.account);
    yield* holds.of(account.account);
    yield* extensions.of(account.account);
    yield* transfers.of(account.account);
  }
  yield* rows<Line>(client, 'refusals', refusalText, programme);
}

async function* strays(client: ClientBase, programme: ProgrammeId): AsyncGenerator<Line> {
  await plan(client, byHash);
  for (const [table, text] of strayTexts) {
    for await (const row of rows<Record<string, unknown>>(client, `strays_${table.toLowerCase()}`, text, programme))
      yield { type: 'stray', table, row };
  }
  await plan(client, inOrder);
}

/** For what is compared over all rows, in the transaction that is open. */
export function readAllByHash(client: ClientBase): Promise<void> {
  return plan(client, byHash);
}

async function plan(client: ClientBase, settings: Readonly<Record<string, string>>): Promise<void> {
  await client.query(
    `select ${Object.entries(settings)
      .map(([name, value]) => `set_config('${name}', '${value}', true)`)
      .join(', ')}`,
  );
}

/** By key and in the order of keys: a sort or a hash of all transfers would delay the first line and fill a disk. */
const inOrder = {
  enable_sort: 'off',
  enable_hashjoin: 'off',
  enable_bitmapscan: 'off',
  enable_nestloop: 'on',
  enable_material: 'off',
  jit: 'off',
};
/**
 * What is missing among all rows: a hash is the right way, and what does not fit into its memory is kept on the server's disk. Row by row, an
 * account with many transfers would be read once for each of its draws.
 */
const byHash = { enable_sort: 'on', enable_hashjoin: 'on', enable_bitmapscan: 'on', enable_nestloop: 'off', work_mem: '64MB' };

/** Rows that come in the order of the accounts, handed out account by account. */
class Grouped<T extends { readonly account: string }> {
  private head: Promise<IteratorResult<T>> | undefined;

  constructor(private readonly rows: AsyncGenerator<T>) {}

  async *of(account: string): AsyncGenerator<T> {
    for (;;) {
      this.head ??= this.rows.next();
      const next = await this.head;
      if (next.done === true || next.value.account !== account) return;
      yield next.value;
      this.head = undefined;
    }
  }
}

async function* rows<T>(client: ClientBase, cursor: string, text: string, programme: ProgrammeId): AsyncGenerator<T> {
  await client.query(`declare books_${cursor} no scroll cursor for ${text}`, [programme]);
  for (;;) {
    const { rows: page } = await client.query<{ line: T }>(`fetch ${rowsPerFetch} from books_${cursor}`);
    for (const { line } of page) yield line;
    if (page.length < rowsPerFetch) break;
  }
  await client.query(`close books_${cursor}`);
}

/** About half a megabyte of transfers. */
const rowsPerFetch = 500;

const lineOf = (type: string, name: RowName, alias: string, more = '') =>
  `(select row_to_json(line) from (select '${type}' as type, ${fieldsOf(name, alias)}${more}) as line)`;

const programmeText = `select ${lineOf('programme', 'programme', 'p')} as line from programme p where p.programme = $1`;

const ruleText = `
  select ${lineOf('rule', 'rule', 'r', `, (select ${jsonOf('ruleSeal', 's', ['block', 'leaf', 'hash'])} from rule_seal s where s.programme = r.programme and s.version = r.version) as seal`)} as line
  from programme_rule r where r.programme = $1 order by r.version`;

const plainText = (name: PlainName) =>
  `select ${lineOf(name, name, 'p')} as line from ${tableOf[name]} p where p.programme = $1 order by ${plainKeys[name]}`;

const blockText = `select ${lineOf('block', 'block', 'b')} as line from block b where b.programme = $1 order by b.number`;

/** As a sub-select that the planner cannot turn into a join, which would lose the order of the key. */
const hasAccount = (alias: string) =>
  `(select true from account a where a.programme = ${alias}.programme and a.account = ${alias}.account)`;

const accountText = `select ${lineOf('account', 'account', 'a')} as line from account a where a.programme = $1 order by a.account`;

const lotText = `
  select ${lineOf('lot', 'lot', 'l')} as line from lot l
  where l.programme = $1 and ${hasAccount('l')}
  order by l.account, l.lot`;

const holdText = `
  select ${lineOf('hold', 'hold', 'h')} as line from hold h
  where h.programme = $1 and ${hasAccount('h')}
  order by h.account, h.hold`;

const extensionText = `
  select ${lineOf('extension', 'extension', 'x')} as line from extension x
  where x.programme = $1 and ${hasAccount('x')}
  order by x.account, x.lot, x.to_end`;

const transferText = `
  select ${lineOf(
    'transfer',
    'transfer',
    't',
    `,
    array(select ${jsonOf('entry', 'e', ['account', 'amount'])} from entry e
      where e.programme = t.programme and e.account in (t.account, t.counter) and e.effective_at = t.effective_at and e.transfer = t.transfer
      order by e.account <> t.account) as entries,
    array(select ${jsonOf('draw', 'd', ['seq', 'lot', 'amount'])} from draw d
      where d.programme = t.programme and d.account = t.account and d.transfer = t.transfer order by d.seq) as draws,
    (select ${jsonOf('posting', 'p')} from posting p where p.programme = t.programme and p.reference = t.reference and p.transfer = t.transfer) as posting,
    (select ${jsonOf('seal', 's', ['block', 'leaf', 'hash', 'lotEnds'])} from seal s where s.programme = t.programme and s.transfer = t.transfer) as seal`,
  )} as line
  from transfer t
  where t.programme = $1 and ${hasAccount('t')}
  order by t.account, t.effective_at, t.transfer`;

const refusalText = `select ${lineOf('posting', 'posting', 'p')} as line from posting p where p.programme = $1 and p.transfer is null order by p.reference`;

const stray = (name: RowName, table: string, alias: string, without: string, order: string) =>
  `select ${jsonOf(name, alias)} as line from ${table} ${alias} where ${alias}.programme = $1 and not exists (${without}) order by ${order}`;

/** In the order in which a reader should hear of them: what is missing explains what is left over. */
const strayTexts: readonly (readonly [RowName, string])[] = [
  [
    'ruleSeal',
    stray(
      'ruleSeal',
      'rule_seal',
      's',
      'select from programme_rule r where r.programme = s.programme and r.version = s.version',
      's.version',
    ),
  ],
  [
    'seal',
    stray(
      'seal',
      'seal',
      's',
      'select from transfer t where t.programme = s.programme and t.account = s.account and t.effective_at = s.effective_at and t.transfer = s.transfer',
      's.block, s.leaf',
    ),
  ],
  [
    'transfer',
    stray(
      'transfer',
      'transfer',
      't',
      'select from account a where a.programme = t.programme and a.account = t.account',
      't.account, t.effective_at, t.transfer',
    ),
  ],
  [
    'entry',
    stray(
      'entry',
      'entry',
      'e',
      'select from transfer t where t.programme = e.programme and t.effective_at = e.effective_at and t.transfer = e.transfer and (t.account = e.account or t.counter = e.account)',
      'e.account, e.effective_at, e.transfer',
    ),
  ],
  [
    'draw',
    stray(
      'draw',
      'draw',
      'd',
      'select from transfer t where t.programme = d.programme and t.account = d.account and t.transfer = d.transfer',
      'd.account, d.transfer, d.seq',
    ),
  ],
  ['lot', stray('lot', 'lot', 'l', 'select from account a where a.programme = l.programme and a.account = l.account', 'l.account, l.lot')],
  [
    'hold',
    stray('hold', 'hold', 'h', 'select from account a where a.programme = h.programme and a.account = h.account', 'h.account, h.hold'),
  ],
  [
    'extension',
    stray(
      'extension',
      'extension',
      'x',
      'select from account a where a.programme = x.programme and a.account = x.account',
      'x.account, x.lot, x.to_end',
    ),
  ],
  [
    'posting',
    stray(
      'posting',
      'posting',
      'p',
      'select from transfer t where t.programme = p.programme and t.account = p.account and t.effective_at = p.effective_at and t.transfer = p.transfer and t.reference = p.reference',
      'p.reference',
    ).replace('where p.programme', 'where p.transfer is not null and p.programme'),
  ],
];
