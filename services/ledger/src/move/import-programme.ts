import { isProgrammeId, tenantOf, type ProgrammeId } from '@points/kernel';
import type { ClientBase } from 'pg';
import { checkBooks, type Verified } from '../verify/check-books.js';
import { insertOf } from './columns-sql.js';
import { tableOf, type Line, type RowName } from './lines.js';
import { readBooks } from './read-books.js';

/** The books cannot be taken in; nothing of them was. */
export class ImportRefused extends Error {}

/**
 * Takes the books of a programme in as they are, chain included, in one transaction: all of it when every line can be read and what
 * is in the tables then verifies, and otherwise nothing. The ledger must not know the programme.
 */
export async function importProgramme(client: ClientBase, lines: AsyncIterable<Line>): Promise<Verified> {
  await client.query(`select set_config('app.tenant', '*', false), set_config('timezone', 'UTC', false)`);
  await client.query('begin');
  try {
    const programme = await writeLines(client, lines);
    await requeue(client, programme);
    const verified = await checkBooks(readBooks(client, programme));
    const [first] = verified.findings.first;
    if (first)
      throw new ImportRefused(
        `the books do not verify, ${verified.findings.count} rows are wrong; the first: ${first.table} ${first.key}, expected ${first.expected}, found ${first.found}`,
      );
    await client.query('commit');
    return verified;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

async function writeLines(client: ClientBase, lines: AsyncIterable<Line>): Promise<ProgrammeId> {
  let writer: Writer | undefined;
  for await (const line of lines) {
    if (line.type === 'programme') {
      if (writer) throw new ImportRefused('the file holds more than one programme');
      writer = new Writer(client, await openProgramme(client, line));
    } else if (line.type === 'stray')
      throw new ImportRefused(`a row of ${tableOf[line.table]} belongs to nothing: these books were damaged when they were exported`);
    else if (line.type !== 'ledger' && line.type !== 'end') {
      if (!writer) throw new ImportRefused('the line of the programme must come before all others of it');
      await writer.line(line);
    }
  }
  if (!writer) throw new ImportRefused('the file holds no programme');
  await writer.flush();
  return writer.programme;
}

async function openProgramme(client: ClientBase, row: Extract<Line, { type: 'programme' }>): Promise<ProgrammeId> {
  if (!isProgrammeId(row.programme)) throw new ImportRefused(`${row.programme} is no programme id`);
  const { columns, values, record } = insertOf('programme');
  const { rowCount } = await client.query(
    `insert into programme (tenant, programme, ${columns}) select $1, $2, ${values} from json_to_record($3::json) as r (${record}) on conflict do nothing`,
    [tenantOf(row.programme), row.programme, JSON.stringify(row)],
  );
  if (rowCount === 0)
    throw new ImportRefused(`the ledger has a programme ${row.programme} already: books are taken in whole or not at all`);
  return row.programme;
}

type BookLine = Exclude<Line, { type: 'ledger' | 'programme' | 'stray' | 'end' }>;

/** Collects rows by table and writes some hundreds at a time. */
class Writer {
  private readonly waiting = new Map<RowName, object[]>();
  private count = 0;

  constructor(
    private readonly client: ClientBase,
    readonly programme: ProgrammeId,
  ) {}

  async line(line: BookLine): Promise<void> {
    switch (line.type) {
      case 'rule':
        this.add('rule', line);
        if (line.seal) this.add('ruleSeal', { ...line.seal, version: line.version });
        break;
      case 'transfer': {
        const { account, transfer, effectiveAt, entries, draws, posting, seal } = line;
        this.add('transfer', line);
        for (const entry of entries) this.add('entry', { ...entry, effectiveAt, transfer });
        for (const draw of draws) this.add('draw', { ...draw, account, transfer });
        if (posting) this.add('posting', posting);
        if (seal) this.add('seal', { ...seal, account, transfer, effectiveAt });
        break;
      }
      default:
        this.add(line.type, line);
    }
    if (this.count >= rowsPerWrite) await this.flush();
  }

  async flush(): Promise<void> {
    for (const [name, rows] of this.waiting) {
      const { columns, values, record } = insertOf(name);
      await this.client.query({
        name: `import_${name}`,
        text: `insert into ${tableOf[name]} (tenant, programme, ${columns}) select $1, $2, ${values} from json_to_recordset($3::json) as r (${record})`,
        values: [tenantOf(this.programme), this.programme, JSON.stringify(rows)],
      });
    }
    this.waiting.clear();
    this.count = 0;
  }

  private add(name: RowName, row: object): void {
    const rows = this.waiting.get(name);
    if (rows) rows.push(row);
    else this.waiting.set(name, [row]);
    this.count++;
  }
}

/** The trigger has queued every transfer; those that bring their seal with them are not to be sealed again, and wait for the roll-up only. */
async function requeue(client: ClientBase, programme: ProgrammeId): Promise<void> {
  await client.query('delete from unsealed where programme = $1', [programme]);
  for (const [queue, isSealed] of [
    ['unsealed', false],
    ['unrolled', true],
  ] as const)
    await client.query(
      `insert into ${queue} (tenant, programme, accounts, effective_at, transfers)
       select tenant, programme, array_agg(account order by transfer), array_agg(effective_at order by transfer), array_agg(transfer order by transfer)
       from (
         select *, (row_number() over (order by transfer) - 1) / 500 as part from transfer t
         where programme = $1 and exists (select from seal s where s.programme = t.programme and s.transfer = t.transfer) = $2
       ) as numbered
       group by tenant, programme, part order by part`,
      [programme, isSealed],
    );
}

const rowsPerWrite = 1_000;
