import { everyTenant, type Database, type Tx } from '@points/database';
import type { Instant } from '@points/kernel';
import { findProgramme } from '../programmes/programme-store.js';
import { reportAt } from '../report/report.js';
import { differences, keyOf, readAccounts } from './compare.js';
import { programmes } from './invent-programme.js';
import { balanceOf, type Books, type ModelProgramme } from './model-books.js';
import { worth } from './model-lots.js';
import { iso } from './model-time.js';

/** Compares everything there is: every account with every lot, every sum, the report; and the tables with each other. */
export async function checkWhole(database: Database, books: Books): Promise<string[]> {
  const wanted = [...books.programmes.values()].flatMap(({ id, accounts }) =>
    [...accounts.values()].map((model) => ({ programme: id, account: model.account, model })),
  );
  const stored = await readAccounts(database, wanted, true);
  const found = wanted.flatMap(({ model, ...one }) =>
    differences(model, stored.get(keyOf(one))).map((difference) => `${keyOf(one)}: ${difference}`),
  );
  return database.transaction(everyTenant, async (tx) => {
    for (const [promise, text] of Object.entries(brokenPromises)) {
      const rows = await tx.query(text);
      if (rows.length > 0) found.push(`${promise}: ${rows.length} rows, the first ${JSON.stringify(rows[0])}`);
    }
    found.push(...(await compareSums(tx, books)));
    for (const { id } of programmes) found.push(...(await compareReport(tx, books, id)));
    return found;
  });
}

/** What system accounts got, and how much is left with the holders. */
async function compareSums(tx: Tx, books: Books): Promise<string[]> {
  const expected = new Map<string, string>();
  for (const programme of books.programmes.values()) {
    for (const [counter, amount] of Object.entries(countersOf(programme)))
      if (!counter.startsWith('total:') && amount !== 0n) expected.set(`${programme.id}/${counter}`, String(amount));
    const outstanding = outstandingOf(programme);
    if (outstanding !== 0n) expected.set(`${programme.id}/outstanding`, String(outstanding));
    const postings = programme.answers.size + programme.forgotten;
    if (postings > 0) expected.set(`${programme.id}/postings`, String(postings));
  }
  const actual = new Map((await tx.query<{ key: string; sum: string }>(sums)).map(({ key, sum }) => [key, sum]));
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((key) => {
    const [wanted, got] = [expected.get(key) ?? '0', actual.get(key) ?? '0'];
    return wanted === got ? [] : [`sum ${key}: ${wanted} expected, ${got} stored`];
  });
}

/** The report a municipality gets at the end of everything that has happened: no amount of it is anything but the model's. */
async function compareReport(tx: Tx, books: Books, id: (typeof programmes)[number]['id']): Promise<string[]> {
  const programme = books.programmes.get(id);
  const stored = await findProgramme(tx, id);
  if (!programme || !stored) return [`${id}: the programme is not there`];
  const counters = countersOf(programme);
  // Sums of a programme with amounts near the largest safe integer are no safe integers: no report can be made of them.
  if (Object.values(counters).some((amount) => amount > largest || amount < -largest)) return [];
  let end = 0;
  for (const account of programme.accounts.values()) end = Math.max(end, account.latest + 1);
  const report = await reportAt(tx, stored, iso(end) as Instant);
  const count = (name: string) => Number(counters[name] ?? 0n);
  const over = [...programme.accounts.values()].reduce((sum, account) => sum + balanceOf(account) - worth(books, account, end).balance, 0);
  const expected = {
    issued: count('total:issue'),
    spent: count('total:spend'),
    converted: count('total:convert'),
    donated: count('total:donate'),
    refunded: count('total:refund'),
    expired: count('expired') + over,
    outstanding: Number(outstandingOf(programme)) - over,
  };
  return Object.entries(expected).flatMap(([name, amount]) => {
    const got = report[name as keyof typeof expected].points;
    return got === amount ? [] : [`report of ${id}, ${name}: ${amount} expected, ${got} reported at ${iso(end)}`];
  });
}

function countersOf(programme: ModelProgramme): Record<string, bigint> {
  const counters: Record<string, bigint> = {};
  for (const account of programme.accounts.values())
    for (const [name, amount] of Object.entries(account.counters)) counters[name] = (counters[name] ?? 0n) + amount;
  return counters;
}

function outstandingOf(programme: ModelProgramme): bigint {
  let sum = 0n;
  for (const account of programme.accounts.values()) sum += BigInt(balanceOf(account));
  return sum;
}

const largest = BigInt(Number.MAX_SAFE_INTEGER);

const sums = `
  select programme || '/' || account as key, sum(amount)::text as sum from entry where account not like 'holder:%' group by programme, account having sum(amount) <> 0
  union all
  select programme || '/outstanding', sum(balance)::text from account group by programme having sum(balance) <> 0
  union all
  select programme || '/postings', count(*)::text from posting group by programme`;

/** Each finds rows that contradict each other; none may be found. */
const brokenPromises: Readonly<Record<string, string>> = {
  'the entries of a programme sum to zero': `select programme, sum(amount) from entry group by programme having sum(amount) <> 0`,
  'a balance is the sum of its entries': `
    select a.programme, a.account, a.balance, e.sum from account a
    left join (select programme, account, sum(amount) as sum from entry group by programme, account) e using (programme, account)
    where a.balance <> coalesce(e.sum, 0)`,
  'an account is the sum of its lots': `
    select a.programme, a.account, a.balance, a.held, a.lapsed, l.* from account a
    left join (select programme, account, sum(remaining) as remaining, sum(held) as held, sum(expired) as expired from lot group by programme, account) l using (programme, account)
    where (a.balance, a.held, a.lapsed) is distinct from (coalesce(l.remaining, 0), coalesce(l.held, 0), coalesce(l.expired, 0))`,
  'a lot is the sum of its draws': `
    select l.programme, l.account, l.lot, l.remaining, d.sum from lot l
    left join (select programme, account, lot, sum(amount) as sum from draw group by programme, account, lot) d using (programme, account, lot)
    where l.remaining <> coalesce(d.sum, 0)`,
  'what is held in a lot is what open holds have left there': `
    with reserved as (
      select h.programme, h.account, p.lot, sum(greatest(0, least(p.part, p.upto - h.captured))) as held
      from hold h
      cross join lateral (select lot, part, sum(part) over (order by n) as upto from unnest(h.lots, h.parts) with ordinality as u (lot, part, n)) p
      where not h.ended group by h.programme, h.account, p.lot
    )
    select programme, account, lot, l.held, r.held as reserved from lot l full join reserved r using (programme, account, lot)
    where coalesce(l.held, 0) <> coalesce(r.held, 0)`,
  'draws add up to the entry of their transfer': `
    select t.programme, t.transfer, e.amount, d.sum from transfer t
    left join entry e on (e.programme, e.account, e.effective_at, e.transfer) = (t.programme, t.account, t.effective_at, t.transfer)
    left join (select programme, account, transfer, sum(amount) as sum from draw group by programme, account, transfer) d on (d.programme, d.account, d.transfer) = (t.programme, t.account, t.transfer)
    where coalesce(e.amount, 0) <> coalesce(d.sum, 0)`,
  'a hold has captured what its transfers say': `
    select h.programme, h.account, h.hold, h.captured, t.sum from hold h
    left join (select programme, account, hold, sum(amount) as sum from transfer where kind in ('spend', 'convert', 'donate') and hold is not null group by programme, account, hold) t
      using (programme, account, hold)
    where h.captured <> coalesce(t.sum, 0)`,
  'no more is refunded than was used': `
    select u.programme, u.transfer, u.amount, r.sum from transfer u
    join (select programme, account, of, sum(amount) as sum from transfer where kind = 'refund' group by programme, account, of) r on (r.programme, r.account, r.of) = (u.programme, u.account, u.transfer)
    where r.sum > u.amount`,
  'a reference has posted once': `
    select programme, reference, count(*) from transfer where kind in ('issue', 'spend', 'convert', 'donate', 'refund', 'transfer-out', 'hold') and reference is not null
    group by programme, reference having count(*) > 1`,
  'a posting is posted with its transfer, and a transfer with its posting': `
    select p.programme, p.reference, t.transfer from (select * from posting where transfer is not null) p
    full join (select * from transfer where kind not in ('expire', 'revert', 'renew', 'transfer-in')) t on (t.programme, t.reference) = (p.programme, p.reference)
    where t.transfer is null or (p.reference is null)`,
};
