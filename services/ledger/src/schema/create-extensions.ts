/** Ends of lots that staff have moved, and the orders by which they did. */
export const createExtensions = (tenantTable: (table: string) => string): string => `
  alter table transfer
    drop constraint transfer_counter,
    add constraint transfer_counter check ((counter is null) = (kind in ('hold', 'release', 'renew', 'owe', 'extend')));

  -- One row per lot and extension, with the transfer of kind extend that says who and why. An end only ever moves to a later time, so the key
  -- keeps one order from moving a lot twice, and the order of to_end is the order in which a lot's extensions were made.
  create table extension (
    tenant text not null,
    programme text not null,
    account text not null,
    lot uuid not null,
    transfer uuid not null,
    -- The order.
    extension uuid not null,
    -- What the lot had left, held points with it.
    points bigint not null,
    from_end timestamptz not null,
    to_end timestamptz not null,
    effective_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint extension_pk primary key (programme, account, lot, to_end),
    constraint extension_points_positive check (points > 0),
    constraint extension_of_a_living_lot check (effective_at < from_end),
    constraint extension_never_shortens check (from_end < to_end)
  );
  create index extension_of_transfer on extension (programme, account, transfer);
  create index extension_of_order on extension (programme, extension, account, lot);
  create index extension_by_recording on extension (programme, recorded_at);
  create index extension_by_effect on extension (programme, effective_at);
  ${tenantTable('extension')}
  grant select, insert on extension to {app};
  create trigger extension_append_only before update or delete or truncate on extension for each statement execute function refuse_change();

  -- What staff have ordered. Where it goes on is in after_account; what it has done is in the transfers, whose references begin with its id.
  create table extension_order (
    tenant text not null,
    programme text not null,
    extension uuid not null,
    -- Accounts, in order; null means all of the programme.
    holders text[],
    ending_from date,
    ending_to date,
    source text,
    funding text,
    last_day date,
    days integer,
    reason text not null,
    asked_by text not null,
    asked_at timestamptz not null,
    -- What it would have touched when it was asked for.
    expected_lots integer not null,
    expected_points bigint not null,
    expected_holders integer not null,
    needs_approval boolean not null,
    approved_by text,
    approved_at timestamptz,
    after_account text not null default '',
    finished_at timestamptz,
    constraint extension_order_pk primary key (programme, extension),
    constraint extension_order_later check (num_nonnulls(last_day, days) = 1 and (days is null or days > 0)),
    constraint extension_order_funding check (funding in ('paid', 'free')),
    constraint extension_order_approved check (num_nonnulls(approved_by, approved_at) in (0, 2)),
    constraint extension_order_two_persons check (approved_by <> asked_by),
    constraint extension_order_approved_first check (finished_at is null or not needs_approval or approved_at is not null)
  );
  create index extension_order_open on extension_order (programme, extension) where finished_at is null;
  ${tenantTable('extension_order')}
  grant select, insert on extension_order to {app};
  grant update (approved_by, approved_at, after_account, finished_at) on extension_order to {app};
`;
