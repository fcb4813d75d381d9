import { benchProgramme } from './fill-books.js';
import type { GrowthBooks } from './growth-books.js';

export interface History {
  readonly transfers: number;
  readonly entries: number;
  readonly holders: number;
  readonly merchant: string;
}

const years = 3;
const partRounds = 50_000;
/** Each lot is spent in six parts, a forty-second of the whole time apart: about a month. */
const spendsPerLot = 6;
const spendLag = 42;

/**
 * A history of about so many transfers, written as the door would leave it and in the order of time: grants of eight sources, each spent
 * at a thousand merchants over the half year that follows, one merchant having a third of everything. Triggers are off while it
 * is written; the keys go into the queue of the roll-up, as if the chainer had sealed them.
 */
export async function fillHistory({ admin }: GrowthBooks, transfers: number, holders: number): Promise<History> {
  const rounds = Math.ceil(transfers / (1 + spendsPerLot - (spendsPerLot * (spendsPerLot + 1)) / 2 / spendLag));
  await admin.query(`set session_replication_role = replica`);
  await admin.query(
    `insert into account (tenant, programme, account, balance, latest_at)
     select '141305', $1, ${holderOf('h')}, 0, now() from generate_series(0, $2::int - 1) h`,
    [benchProgramme, holders],
  );
  let total = 0;
  for (let from = 0; from < rounds; from += partRounds) {
    const { rowCount } = await admin.query(writePart, [benchProgramme, rounds, holders, from, Math.min(from + partRounds, rounds) - 1]);
    total += rowCount ?? 0;
  }
  // What is left of each lot and of each holder: a grant of 70 less six spends of 10, but for those that have not come yet.
  await admin.query(
    `insert into lot (tenant, programme, account, lot, priority, granted_at, expires_at, usable_at, source, funding, rule_version, amount, remaining)
     select '141305', $1, t.account, t.transfer, 0, t.effective_at, t.effective_at + interval '10 years', '{}', substr(t.counter, 8),
       case when t.counter = 'issued:partner:a' then 'paid' else 'free' end, 1, 70, s.remaining
     from transfer t join (select lot, sum(amount) as remaining from draw where programme = $1 group by lot) s on s.lot = t.transfer
     where t.programme = $1 and t.kind = 'issue'`,
    [benchProgramme],
  );
  await admin.query(
    `update account a set balance = s.balance from (select account, sum(remaining) as balance from lot where programme = $1 group by account) s
     where a.programme = $1 and a.account = s.account`,
    [benchProgramme],
  );
  await admin.query(`set session_replication_role = origin`);
  await admin.query(
    `insert into unrolled (tenant, programme, accounts, effective_at, transfers)
     select '141305', $1, array_agg(account), array_agg(effective_at), array_agg(transfer)
     from (select *, (row_number() over (order by effective_at) - 1) / 256 as part from transfer where programme = $1) numbered
     group by part order by part`,
    [benchProgramme],
  );
  for (const table of ['account', 'lot', 'transfer', 'entry', 'draw', 'unrolled']) await admin.query(`vacuum analyze ${table}`);
  await admin.query('checkpoint');
  return { transfers: total, entries: 2 * total, holders, merchant: 'merchant:m0' };
}

const holderOf = (n: string) => `'holder:00000000-0000-7000-8000-' || lpad((${n})::text, 12, '0')`;
const uuidOf = (prefix: string, n: string) => `('${prefix}-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

/** At the time of round r a lot is granted, and the lots of six rounds before it are used. */
const writePart = `
  with movement as materialized (
    select ${holderOf('round % $3::int')} as account, ${uuidOf('01900000', `r::bigint * ${spendsPerLot + 1} + j`)} as transfer,
      ${uuidOf('01900000', `round::bigint * ${spendsPerLot + 1}`)} as lot, now() - interval '${years} years' + ((r::float8 / $2::float8) * interval '${years * 365 - 1} days') + j * interval '1 millisecond' as effective_at,
      case when j = 0 then 'issue' else 'spend' end as kind,
      case when j = 0 then (array['issued:partner:a', 'issued:activity:walk', 'issued:activity:clean', 'issued:staff:b', 'issued:partner:c', 'issued:activity:read', 'issued:activity:vote', 'issued:partner:d'])[1 + round % 8]
        when r % 3 = 0 then 'merchant:m0' else 'merchant:m' || (r % 1000) end as counter,
      case when j = 0 then 70 else -10 end as signed
    from (select r, j, r - j * ($2::int / ${spendLag}) as round from generate_series($4::int, $5::int) r, generate_series(0, ${spendsPerLot}) j order by r, j) one
    where round >= 0
  ),
  transfers as (
    insert into transfer (tenant, programme, account, transfer, kind, counter, amount, effective_at, recorded_at, actor)
    select '141305', $1, account, transfer, kind, counter, abs(signed), effective_at, effective_at, 'bench' from movement
  ),
  entries as (
    insert into entry (tenant, programme, account, effective_at, transfer, amount)
    select '141305', $1, account, effective_at, transfer, signed from movement union all
    select '141305', $1, counter, effective_at, transfer, -signed from movement
  )
  insert into draw (tenant, programme, account, transfer, seq, lot, amount) select '141305', $1, account, transfer, 0, lot, signed from movement`;
