/** Limits, freezes, debts, adjustments with a second person and the end of a programme. */
export const createLimits = (tenantTable: (table: string) => string): string => `
  alter table account
    add column frozen boolean not null default false,
    -- What reversals could not take back and later grants have not paid yet: the sum of the account's owe less its repay.
    add column debt bigint not null default 0,
    add constraint account_debt_not_negative check (debt >= 0);
  grant update (frozen, debt) on account to {app};

  alter table programme
    add column last_grant_day date,
    add column closing_announced smallint,
    add constraint programme_grants_within check (last_grant_day is null or last_grant_day >= first_day);
  grant update (last_grant_day, closing_announced) on programme to {app};

  alter table transfer
    drop constraint transfer_counter,
    add constraint transfer_counter check ((counter is null) = (kind in ('hold', 'release', 'renew', 'owe')));

  -- What the limits of a programme have counted; account is 'budget' for what all holders share. Only programmes with limits have rows.
  create table counter (
    tenant text not null,
    programme text not null,
    account text not null,
    key text not null,
    period text not null,
    times integer not null,
    points bigint not null,
    constraint counter_pk primary key (programme, account, key, period),
    constraint counter_not_negative check (times >= 0 and points >= 0)
  ) with (fillfactor = 70);
  ${tenantTable('counter')}
  grant select, insert on counter to {app};
  grant update (times, points) on counter to {app};

  -- One row per change, account is null for the whole programme.
  create table freeze_change (
    tenant text not null,
    programme text not null,
    change uuid not null,
    account text,
    frozen boolean not null,
    reason text not null,
    actor text not null,
    changed_at timestamptz not null,
    constraint freeze_change_pk primary key (programme, change)
  );
  create index freeze_change_of_account on freeze_change (programme, account, change);
  ${tenantTable('freeze_change')}
  grant select, insert on freeze_change to {app};
  create trigger freeze_change_append_only before update or delete or truncate on freeze_change for each statement execute function refuse_change();

  -- An adjustment that waits for, or has had, its second person.
  create table adjustment (
    tenant text not null,
    programme text not null,
    adjustment uuid not null,
    account text not null,
    direction text not null,
    amount bigint not null,
    funding text not null,
    reason text not null,
    asked_by text not null,
    asked_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    -- What became of it at the door.
    outcome json,
    constraint adjustment_pk primary key (programme, adjustment),
    constraint adjustment_amount_positive check (amount > 0),
    constraint adjustment_direction check (direction in ('add', 'take')),
    constraint adjustment_funding check (funding in ('paid', 'free')),
    constraint adjustment_approved check (num_nonnulls(approved_by, approved_at, outcome) in (0, 3)),
    constraint adjustment_two_persons check (approved_by <> asked_by)
  );
  create index adjustment_pending on adjustment (programme, adjustment) where approved_at is null;
  ${tenantTable('adjustment')}
  grant select, insert on adjustment to {app};
  grant update (approved_by, approved_at, outcome) on adjustment to {app};
`;
