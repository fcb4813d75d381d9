/**
 * The books. The first column of every key is the programme, the second the account, so that the tables can be spread over a
 * distributed PostgreSQL without a change of queries. Foreign keys between these tables are left out: each costs a lookup and a
 * row lock per row on the way of every posting; what they would catch, \`verify\` finds.
 */
export const createBooks = (tenantTable: (table: string) => string): string => `
  -- Holders only. A system account (merchant, scheme, fund, issued, expired) has no row and is never locked: its balance is the sum of its entries.
  create table account (
    tenant text not null,
    programme text not null,
    account text not null,
    balance bigint not null default 0,
    held bigint not null default 0,
    -- What expiry has taken so far: tells without a search whether a refused spend failed because points had expired.
    lapsed bigint not null default 0,
    -- The latest time of recording; a clock that jumps back does not take the account back.
    latest_at timestamptz not null,
    constraint account_pk primary key (programme, account),
    -- Neither may be below zero.
    constraint account_held_within_balance check (held between 0 and balance),
    constraint account_lapsed_not_negative check (lapsed >= 0)
  ) with (fillfactor = 70);
  ${tenantTable('account')}
  grant select, insert on account to {app};
  grant update (balance, held, lapsed, latest_at) on account to {app};

  create table lot (
    tenant text not null,
    programme text not null,
    account text not null,
    lot uuid not null,
    priority smallint not null,
    granted_at timestamptz not null,
    expires_at timestamptz,
    usable_at text[] not null,
    source text not null,
    funding text not null,
    rule_version integer not null,
    amount bigint not null,
    remaining bigint not null,
    held bigint not null default 0,
    expired bigint not null default 0,
    -- A column of its own, so that a draw that leaves something changes no indexed column and the update stays in its page (HOT).
    open boolean not null generated always as (remaining > 0) stored,
    constraint lot_pk primary key (programme, account, lot),
    constraint lot_amount_positive check (amount > 0),
    -- Neither may be below zero.
    constraint lot_held_within_remaining check (held between 0 and remaining),
    constraint lot_within_amount check (expired >= 0 and remaining + expired <= amount),
    constraint lot_funding_known check (funding in ('paid', 'free')),
    constraint lot_ends_after_grant check (expires_at > granted_at)
  ) with (fillfactor = 85);
  create index lot_open on lot (programme, account) where open;
  create index lot_ending on lot (programme, expires_at) where open;
  ${tenantTable('lot')}
  grant select, insert on lot to {app};
  grant update (remaining, held, expired, expires_at) on lot to {app};

  -- What happened, one row per movement, append-only. Every movement belongs to one holder; counter is the system account of the other entry.
  create table transfer (
    tenant text not null,
    programme text not null,
    account text not null,
    transfer uuid not null,
    kind text not null,
    counter text,
    amount bigint not null,
    effective_at timestamptz not null,
    recorded_at timestamptz not null,
    hold uuid,
    of uuid,
    reference text,
    actor text not null,
    reason text,
    constraint transfer_pk primary key (programme, account, effective_at, transfer),
    constraint transfer_amount_positive check (amount > 0),
    constraint transfer_counter check ((counter is null) = (kind in ('hold', 'release', 'renew')))
  );
  create index transfer_of on transfer (programme, account, of) where of is not null;
  ${tenantTable('transfer')}
  grant select, insert on transfer to {app};

  create table entry (
    tenant text not null,
    programme text not null,
    account text not null,
    effective_at timestamptz not null,
    transfer uuid not null,
    amount bigint not null,
    constraint entry_pk primary key (programme, account, effective_at, transfer),
    constraint entry_amount_not_zero check (amount <> 0)
  );
  ${tenantTable('entry')}
  grant select, insert on entry to {app};

  -- Which lots a transfer took from (negative) or gave to (positive); a lot's first draw is its grant. seq is the draw order.
  create table draw (
    tenant text not null,
    programme text not null,
    account text not null,
    transfer uuid not null,
    seq smallint not null,
    lot uuid not null,
    amount bigint not null,
    constraint draw_pk primary key (programme, account, transfer, seq),
    constraint draw_amount_not_zero check (amount <> 0)
  );
  ${tenantTable('draw')}
  grant select, insert on draw to {app};

  -- The reserved parts are written with the hold and never change: captures take them from the front, so the sum captured says which
  -- are left. That is why they are two arrays of one row and no table of their own, on the path of every payment.
  create table hold (
    tenant text not null,
    programme text not null,
    account text not null,
    hold uuid not null,
    amount bigint not null,
    captured bigint not null default 0,
    ended boolean not null default false,
    held_at timestamptz not null,
    expires_at timestamptz,
    places text[] not null,
    lots uuid[] not null,
    parts bigint[] not null,
    constraint hold_pk primary key (programme, account, hold),
    constraint hold_amount_positive check (amount > 0),
    constraint hold_captured_within_amount check (captured between 0 and amount),
    constraint hold_parts_match check (cardinality(lots) = cardinality(parts) and cardinality(lots) > 0)
  ) with (fillfactor = 85);
  create index hold_ending on hold (expires_at) where not ended and expires_at is not null;
  ${tenantTable('hold')}
  grant select, insert on hold to {app};
  grant update (captured, ended) on hold to {app};

  -- What became of each request, for ever: the same reference with the same content hears it again.
  create table posting (
    tenant text not null,
    programme text not null,
    reference text not null,
    account text not null,
    kind text not null,
    fingerprint text not null,
    transfer uuid,
    amount bigint,
    effective_at timestamptz,
    balance bigint,
    available bigint,
    refusal json,
    completed_at timestamptz not null,
    constraint posting_pk primary key (programme, reference),
    constraint posting_posted_or_refused check (
      case when refusal is null then num_nonnulls(transfer, amount, effective_at, balance, available) = 5 else transfer is null end
    )
  );
  ${tenantTable('posting')}
  grant select, insert on posting to {app};

  -- Entries of a transfer are written by one statement and must sum to zero. A direct write is held to it too.
  create function entries_sum_to_zero() returns trigger language plpgsql as $$
  begin
    if exists (select from written group by programme, transfer having sum(amount) <> 0) then
      raise exception 'the entries of a transfer must sum to zero' using errcode = 'check_violation', constraint = 'entry_sum_zero', table = 'entry';
    end if;
    return null;
  end $$;
  create trigger entry_sum_zero after insert on entry referencing new table as written for each statement execute function entries_sum_to_zero();

  create function refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege', table = tg_table_name;
  end $$;
  create trigger entry_append_only before update or delete or truncate on entry for each statement execute function refuse_change();
  create trigger transfer_append_only before update or delete or truncate on transfer for each statement execute function refuse_change();
  create trigger draw_append_only before update or delete or truncate on draw for each statement execute function refuse_change();
  create trigger posting_append_only before update or delete or truncate on posting for each statement execute function refuse_change();
  create trigger programme_rule_append_only before update or delete or truncate on programme_rule for each statement execute function refuse_change();
`;
