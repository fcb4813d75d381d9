import { everyTenant, type Database } from '@points/database';
import { balanceOf, heldOf, type ModelAccount } from './model-books.js';

/** An account as the database has it. Amounts are safe integers by the columns' checks, times milliseconds. */
export interface StoredAccount {
  readonly balance: number;
  readonly held: number;
  readonly lapsed: number;
  readonly debt: number;
  readonly frozen: boolean;
  readonly latest: number;
  readonly lots: StoredLot[];
}

interface StoredLot {
  readonly lot: string;
  readonly priority: number;
  readonly granted: number;
  readonly end: number | null;
  readonly tags: readonly string[];
  readonly source: string;
  readonly funding: string;
  readonly version: number;
  readonly amount: number;
  readonly left: number;
  readonly held: number;
  readonly lapsed: number;
}

export interface Wanted {
  readonly programme: string;
  readonly account: string;
  /** The model's account, if it has one: lots that both sides have closed before are not read again. */
  readonly model: ModelAccount | undefined;
}

/** Two statements for all accounts that a round has touched. `whole` also reads the lots with nothing left. */
export async function readAccounts(database: Database, wanted: readonly Wanted[], whole = false): Promise<Map<string, StoredAccount>> {
  const keys = [wanted.map((one) => one.programme), wanted.map((one) => one.account)];
  const known = wanted.map(({ model }) => (whole ? noLot : lastKnown(model)));
  const [accounts, lots] = await database.transaction(everyTenant, async (tx) => [
    await tx.query<Omit<StoredAccount, 'lots'> & { key: string }>(accountsOf, keys),
    await tx.query<StoredLot & { key: string }>(lotsOf, [...keys, known]),
  ]);
  const stored = new Map<string, StoredAccount>();
  for (const { key, ...account } of accounts) stored.set(key, { ...account, lots: [] });
  for (const { key, ...lot } of lots) stored.get(key)?.lots.push(lot);
  return stored;
}

/** What differs, in words. Lots that began since the last look get the ids that the ledger gave them: both sides have them in order. */
export function differences(model: ModelAccount | undefined, stored: StoredAccount | undefined): string[] {
  if (!model || !stored) return model || stored ? [`the account is known to ${model ? 'the model' : 'the database'} only`] : [];
  const found: string[] = [];
  const same = (what: string, expected: unknown, actual: unknown) => {
    if (expected !== actual) found.push(`${what}: ${String(expected)} expected, ${String(actual)} stored`);
  };
  same('balance', balanceOf(model), stored.balance);
  same('held', heldOf(model), stored.held);
  same('available', balanceOf(model) - heldOf(model), stored.balance - stored.held);
  same('lapsed', model.lapsed, stored.lapsed);
  same('debt', model.debt, stored.debt);
  same('frozen', model.frozen, stored.frozen);
  same('latest time', model.latest, stored.latest);

  const known = new Map(model.lots.flatMap((lot) => (lot.id === undefined ? [] : [[lot.id, lot] as const])));
  const made = stored.lots.filter(({ lot }) => !known.has(lot)).sort((a, b) => (a.lot < b.lot ? -1 : 1));
  const expected = model.lots.filter((lot) => lot.id === undefined);
  same('new lots', expected.length, made.length);
  expected.forEach((lot, index) => {
    const id = made[index]?.lot;
    if (id !== undefined) {
      lot.id = id;
      known.set(id, lot);
    }
  });
  const seen = new Set<string>();
  for (const row of stored.lots) {
    const lot = known.get(row.lot);
    if (!lot) continue;
    seen.add(row.lot);
    const name = `lot ${lot.no} (${row.lot})`;
    same(`${name} remaining`, lot.left, row.left);
    same(`${name} held`, lot.held, row.held);
    same(`${name} expired`, lot.lapsed, row.lapsed);
    same(`${name} amount`, lot.amount, row.amount);
    same(`${name} end`, lot.end, row.end);
    same(`${name} grant`, lot.granted, row.granted);
    same(
      `${name} rules`,
      [lot.priority, lot.version, lot.source, lot.funding, ...lot.tags].join(),
      [row.priority, row.version, row.source, row.funding, ...row.tags].join(),
    );
  }
  for (const lot of model.lots)
    if (lot.left > 0 && lot.id !== undefined && !seen.has(lot.id))
      found.push(`lot ${lot.no} (${lot.id}): ${lot.left} remaining expected, nothing stored`);
  return found;
}

export function keyOf(one: { readonly programme: string; readonly account: string }): string {
  return `${one.programme}/${one.account}`;
}

function lastKnown(model: ModelAccount | undefined): string {
  let last = noLot;
  for (const { id } of model?.lots ?? []) if (id !== undefined && id > last) last = id;
  return last;
}

const noLot = '00000000-0000-0000-0000-000000000000';
const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const accountsOf = {
  name: 'simulation_accounts',
  text: `
    select a.programme || '/' || a.account as key, a.balance::float8 as balance, a.held::float8 as held, a.lapsed::float8 as lapsed, a.debt::float8 as debt, a.frozen, ${ms('a.latest_at')} as latest
    from unnest($1::text[], $2::text[]) as w (programme, account) join account a using (programme, account)`,
};

const lotsOf = {
  name: 'simulation_lots',
  text: `
    select l.programme || '/' || l.account as key, l.lot, l.priority, ${ms('l.granted_at')} as granted, ${ms('l.expires_at')} as end, l.usable_at as tags, l.source, l.funding,
      l.rule_version as version, l.amount::float8 as amount, l.remaining::float8 as left, l.held::float8 as held, l.expired::float8 as lapsed
    from unnest($1::text[], $2::text[], $3::uuid[]) as w (programme, account, known)
    join lot l on l.programme = w.programme and l.account = w.account and (l.open or l.lot > w.known)`,
};
