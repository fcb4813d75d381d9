/**
 * Sums of what is posted, so that a report of a long time does not read every line of it. They follow from the books and can be made
 * anew at any time: `verify` compares them. Each transfer is in exactly one of three places: in `unsealed`, in `unrolled`, or in the sums.
 */
export const createRollUp = (tenantTable: (table: string) => string): string => `
  -- What is sealed and not in the sums yet; the chainer moves a row of \`unsealed\` here.
  create table unrolled (
    tenant text not null,
    programme text not null,
    id bigint not null generated always as identity,
    -- The keys of the transfers, side by side.
    accounts text[] not null,
    effective_at timestamptz[] not null,
    transfers uuid[] not null,
    constraint unrolled_pk primary key (programme, id)
  );
  alter table unrolled alter column accounts set storage external, alter column effective_at set storage external, alter column transfers set storage external;
  ${tenantTable('unrolled')}
  grant select, insert, delete on unrolled to {app};

  -- The lines of the reports (one per transfer and lot) by the day and by the month in Tokyo on which they count. Sums may pass a bigint.
  create table movement_roll_up (
    tenant text not null,
    programme text not null,
    grain text not null,
    first_day date not null,
    kind text not null,
    source text not null,
    funding text not null,
    -- The month in which the lot was granted, and how old it was.
    cohort text not null,
    age text not null,
    -- In the fiscal year in which the line counts, before the end of May after it, or later.
    recorded text not null,
    points numeric not null,
    lines bigint not null,
    constraint movement_roll_up_pk primary key (programme, grain, first_day, kind, source, funding, cohort, age, recorded),
    constraint movement_roll_up_grain check (grain in ('day', 'month')),
    constraint movement_roll_up_recorded check (recorded in ('in-year', 'until-may', 'later')),
    constraint movement_roll_up_lines_positive check (lines > 0)
  ) with (fillfactor = 70);
  ${tenantTable('movement_roll_up')}
  grant select, insert, update on movement_roll_up to {app};

  -- The entries of the accounts that are no holder's, by the day and by the month in Tokyo.
  create table account_roll_up (
    tenant text not null,
    programme text not null,
    account text not null,
    grain text not null,
    first_day date not null,
    points numeric not null,
    entries bigint not null,
    constraint account_roll_up_pk primary key (programme, account, grain, first_day),
    constraint account_roll_up_grain check (grain in ('day', 'month')),
    constraint account_roll_up_entries_positive check (entries > 0)
  ) with (fillfactor = 70);
  ${tenantTable('account_roll_up')}
  grant select, insert, update on account_roll_up to {app};

  -- What was posted before there were sums: keys only, in parts; the sums themselves are made in the background.
  select set_config('app.tenant', '*', true);
  insert into unrolled (tenant, programme, accounts, effective_at, transfers)
  select tenant, programme, array_agg(account order by transfer), array_agg(effective_at order by transfer), array_agg(transfer order by transfer)
  from (
    select *, (row_number() over (partition by programme order by transfer) - 1) / 500 as part
    from transfer t
    where not exists (
      select from unsealed u cross join lateral unnest(u.transfers) as waiting (transfer) where u.programme = t.programme and waiting.transfer = t.transfer
    )
  ) as numbered
  group by tenant, programme, part
  order by programme, part;
  select set_config('app.tenant', '', true);
`;
