import { mkdtemp, readFile as readText, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyTenant, tenants } from '@points/database';
import { parseInstant } from '@points/kernel';
import { freshDatabase, type FreshDatabase } from '@points/testing';
import type { Client } from 'pg';
import { prepareChainSession, sealNext, waitingProgrammes } from '../chain/seal.js';
import { systemClock } from '../clock.js';
import { Door } from '../post/door.js';
import { findProgramme } from '../programmes/programme-store.js';
import { reportAt } from '../report/report.js';
import { migrations } from '../schema/migrations.js';
import { balanceAt } from '../statement/balance.js';
import { anIssue, aSpend, at, kawasaki } from '../testing/ledger-builders.js';
import { livedInProgramme } from '../testing/lived-in-ledger.js';
import { checkBooks } from '../verify/check-books.js';
import { exportProgramme } from './export-programme.js';
import { importProgramme } from './import-programme.js';
import { columnOf } from './columns-sql.js';
import { columns, tableOf, type RowName } from './lines.js';
import { readFile } from './read-file.js';

const sealedAt = parseInstant('2018-03-01T00:00:00Z');
const late = at('2017-11-01T12:00:00+09:00');
const end = parseInstant('2018-03-01T00:00:00Z');

describe('moving a programme', () => {
  let folder: string;
  let home: FreshDatabase;
  let holders: string[];
  let file: string;
  let exported: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'points-move-'));
    file = join(folder, 'kawasaki.jsonl');
    home = await freshDatabase('ledger', migrations);
    const door = new Door({ database: home.database, now: systemClock });
    const session = await home.database.session('chainer');
    try {
      await prepareChainSession(session);
      holders = await livedInProgramme({ database: home.database, door }, kawasaki, {
        seed: 7,
        eachHundred: async () => {
          for (const programme of await waitingProgrammes(session)) await sealNext(session, programme, sealedAt);
        },
      });
      // The last ones leave unsealed.
      await door.post(holders.map((holder) => anIssue(holder, 5, { effectiveAt: late })));
    } finally {
      await door.close();
      await session.end();
    }
    await withSession(home, (client) => exportProgramme(client, kawasaki, file));
    exported = await readText(file, 'utf8');
  });
  afterAll(async () => {
    await home?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const withSession = async <T>(fresh: FreshDatabase, work: (client: Client) => Promise<T>): Promise<T> => {
    const client = await fresh.database.session('move');
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const away = async (work: (fresh: FreshDatabase) => Promise<void>) => {
    const fresh = await freshDatabase('ledger', migrations);
    try {
      await work(fresh);
    } finally {
      await fresh.close();
    }
  };
  const written = async (text: string) => {
    const path = join(folder, 'changed.jsonl');
    await writeFile(path, text);
    return path;
  };
  const verifyText = async (text: string) => (await checkBooks(readFile(await written(text)))).findings.first;
  const lineOf = (type: string, matching = '') =>
    exported.split('\n').find((line) => line.startsWith(`{"type":"${type}"`) && line.includes(matching)) ?? '';
  const booksOf = (fresh: FreshDatabase) =>
    fresh.database.transaction(tenants('141305'), async (tx) => {
      const programme = await findProgramme(tx, kawasaki);
      if (!programme) throw new Error('the programme is there');
      const balances = [];
      for (const holder of holders) balances.push(await balanceAt(tx, kawasaki, holder, end));
      return {
        report: await reportAt(tx, programme, end),
        balances,
        half: await reportAt(tx, programme, parseInstant('2017-06-01T00:00:00Z')),
      };
    });

  it('gives equal balances, reports and chain, and the same file again', async () => {
    await away(async (fresh) => {
      const verified = await withSession(fresh, (client) => importProgramme(client, readFile(file)));

      expect(verified.findings.first).toEqual([]);
      expect(await booksOf(fresh)).toEqual(await booksOf(home));
      const again = join(folder, 'again.jsonl');
      await withSession(fresh, (client) => exportProgramme(client, kawasaki, again));
      expect((await readText(again, 'utf8')) === exported).toBe(true);
    });
  });

  it('goes on where it was: the door posts, and what came unsealed is sealed behind the old head', async () => {
    await away(async (fresh) => {
      const before = await withSession(fresh, (client) => importProgramme(client, readFile(file)));
      const door = new Door({ database: fresh.database, now: systemClock });
      try {
        await door.post(holders.map((holder) => aSpend(holder, 1, { effectiveAt: late })));
      } finally {
        await door.close();
      }
      await withSession(fresh, async (client) => {
        await prepareChainSession(client);
        const sealed = await sealNext(client, kawasaki, sealedAt);
        expect(sealed).toMatchObject({ block: (before.head?.number ?? 0) + 1, vanished: [] });
        expect(sealed?.transfers).toBeGreaterThan(before.unsealed);
        await exportProgramme(client, kawasaki, join(folder, 'later.jsonl'));
      });
      expect(await checkBooks(readFile(join(folder, 'later.jsonl')), { head: before.head?.hash ?? '' })).toMatchObject({
        unsealed: 0,
        findings: { count: 0 },
      });
    });
  });

  it('names line, field and reason, and leaves nothing behind', async () => {
    const lines = exported.split('\n');
    const place = lines.findIndex((line) => line.startsWith('{"type":"lot"'));
    const lot = JSON.parse(lines[place] ?? '') as Record<string, unknown>;
    const wrong = [...lines];
    wrong[place] = JSON.stringify({ ...lot, amount: 1.5, grantedAt: '2017-02-30T00:00:00.000Z', colour: 'red' });
    wrong[place + 1] = '{"type":"lot"';
    await away(async (fresh) => {
      const path = await written(wrong.join('\n'));
      await expect(withSession(fresh, (client) => importProgramme(client, readFile(path)))).rejects.toMatchObject({
        errors: [
          { line: place + 1, field: 'grantedAt', reason: 'must be a UTC time such as 2018-02-27T15:00:00.000Z' },
          { line: place + 1, field: 'amount' },
          { line: place + 1, field: 'colour', reason: 'is not a field of this line' },
          { line: place + 2, field: 'line', reason: 'is not JSON' },
        ],
      });
      expect(
        await fresh.database.transaction(everyTenant, (tx) =>
          tx.query('select 1 as one from programme union all select 1 from lot union all select 1 from unsealed'),
        ),
      ).toEqual([]);
    });
  });

  it('refuses books that do not verify, that are cut, or that are there already', async () => {
    await away(async (fresh) => {
      const refused = async (text: string) => {
        const path = await written(text);
        return withSession(fresh, (client) => importProgramme(client, readFile(path))).then(
          () => 'imported',
          (error: Error) => error.message,
        );
      };
      const account = lineOf('account');
      const richer = account.replace(/"balance":(\d+)/, (_, n) => `"balance":${Number(n) + 1}`);

      expect(await refused(exported.replace(account, richer))).toMatch(/do not verify.*account holder:.*balance/s);
      expect(await refused(exported.replace(`${lineOf('transfer')}\n`, ''))).not.toBe('imported');
      expect(await refused(exported)).toBe('imported');
      expect(await refused(exported)).toMatch(/has a programme 141305-trial already/);
    });
  });

  it('verifies as a file alone, and finds what was changed, taken out, put in or cut off', async () => {
    const transfer = lineOf('transfer', '"kind":"spend"');
    const refusal = lineOf('posting');

    expect(await verifyText(exported)).toEqual([]);
    expect((await verifyText(exported.replace(transfer, transfer.replace('"actor":"test"', '"actor":"taro"'))))[0]).toMatchObject({
      table: 'transfer',
    });
    expect(await verifyText(exported.replace(`${transfer}\n`, ''))).not.toEqual([]);
    expect(await verifyText(exported.replace(transfer, `${transfer}\n${transfer}`))).not.toEqual([]);
    expect(await verifyText(exported.replace(`${refusal}\n`, ''))).toMatchObject([{ table: 'file', key: 'end' }]);
    expect(await verifyText(exported.slice(0, exported.indexOf('{"type":"end"')))).toMatchObject([{ table: 'file', key: 'end' }]);
    expect((await verifyText(exported.replace(`${lineOf('block')}\n`, '')))[0]).toMatchObject({ table: 'block' });
    expect((await verifyText(exported.replace(lineOf('rule'), lineOf('rule').replace('"priority":0', '"priority":9'))))[0]).toMatchObject({
      table: 'programme_rule',
    });
  });

  it('carries every column of the books', async () => {
    const rows = await home.database.transaction(everyTenant, (tx) =>
      tx.query<{ table: string; column: string }>(
        `select table_name as table, column_name as column from information_schema.columns join information_schema.tables using (table_schema, table_name)
         where table_schema = 'ledger' and table_type = 'BASE TABLE' and column_name not in ('tenant', 'programme') and is_generated = 'NEVER'`,
      ),
    );
    // Machinery of the service, not books: what waits to be sent, what was received, what was answered, what waits to be sealed and added up, sums.
    const queues = ['outbox', 'inbox', 'dead_letter', 'parked_key', 'request', 'migration', 'unsealed', 'unrolled'];
    const machinery = [...queues, 'movement_roll_up', 'account_roll_up'];
    const carried = (Object.keys(tableOf) as RowName[]).flatMap((name) =>
      Object.keys(columns[name])
        .filter((field) => field !== 'programme')
        .map((field) => `${tableOf[name]}.${columnOf(field)}`),
    );

    const missing = rows.filter(({ table }) => !machinery.includes(table)).map(({ table, column }) => `${table}.${column}`);
    expect(carried.sort()).toEqual(missing.sort());
  });
});
