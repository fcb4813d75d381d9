/**
 * The audit chain, per programme: `block` seals leaves (transfers and rule versions), `seal` and `rule_seal` say where each leaf is.
 * What waits to be sealed is in `unsealed`, one row per statement that wrote transfers: a trigger puts it there, so no writer can
 * forget it, and it becomes visible with the transfers themselves, however late they commit (docs/decisions/0006).
 */
export const createChain = (tenantTable: (table: string) => string): string => `
  create table unsealed (
    tenant text not null,
    programme text not null,
    id bigint not null generated always as identity,
    -- The keys of the transfers, side by side.
    accounts text[] not null,
    effective_at timestamptz[] not null,
    transfers uuid[] not null,
    queued_at timestamptz not null default now(),
    constraint unsealed_pk primary key (programme, id)
  );
  -- A row lives for seconds: trying to compress it costs more than its bytes.
  alter table unsealed alter column accounts set storage external, alter column effective_at set storage external, alter column transfers set storage external;
  ${tenantTable('unsealed')}
  grant select, insert, delete on unsealed to {app};

  create table block (
    tenant text not null,
    programme text not null,
    number integer not null,
    -- Hash of block number - 1, and of the block whose number is this one without its lowest bit: a short way back to any block.
    previous bytea,
    skip bytea,
    -- The leaf hashes, 32 bytes each, laid end to end.
    leaves bytea not null,
    root bytea not null,
    sealed_at timestamptz not null,
    hash bytea not null,
    constraint block_pk primary key (programme, number),
    constraint block_number_positive check (number > 0),
    constraint block_follows check ((previous is null) = (number = 1)),
    constraint block_has_leaves check (octet_length(leaves) > 0 and octet_length(leaves) % 32 = 0),
    constraint block_hashes check (octet_length(root) = 32 and octet_length(hash) = 32)
  );
  alter table block alter column leaves set storage external;
  ${tenantTable('block')}
  grant select, insert on block to {app};

  create table seal (
    tenant text not null,
    programme text not null,
    transfer uuid not null,
    account text not null,
    effective_at timestamptz not null,
    block integer not null,
    leaf integer not null,
    hash bytea not null,
    -- When the lots that the transfer granted were to end as it was sealed, in the order of its draws: a later extension does not break the leaf.
    lot_ends timestamptz[],
    constraint seal_pk primary key (programme, transfer)
  );
  ${tenantTable('seal')}
  grant select, insert on seal to {app};

  create table rule_seal (
    tenant text not null,
    programme text not null,
    version integer not null,
    block integer not null,
    leaf integer not null,
    hash bytea not null,
    constraint rule_seal_pk primary key (programme, version)
  );
  ${tenantTable('rule_seal')}
  grant select, insert on rule_seal to {app};

  create trigger block_append_only before update or delete or truncate on block for each statement execute function refuse_change();
  create trigger seal_append_only before update or delete or truncate on seal for each statement execute function refuse_change();
  create trigger rule_seal_append_only before update or delete or truncate on rule_seal for each statement execute function refuse_change();

  create function queue_for_seal() returns trigger language plpgsql as $$
  begin
    insert into unsealed (tenant, programme, accounts, effective_at, transfers)
    select tenant, programme, array_agg(account), array_agg(effective_at), array_agg(transfer) from written group by tenant, programme;
    return null;
  end $$;
  create trigger transfer_queued after insert on transfer referencing new table as written for each statement execute function queue_for_seal();

  -- What was posted before there was a chain.
  select set_config('app.tenant', '*', true);
  insert into unsealed (tenant, programme, accounts, effective_at, transfers)
  select tenant, programme, array_agg(account order by transfer), array_agg(effective_at order by transfer), array_agg(transfer order by transfer)
  from (select *, (row_number() over (partition by programme order by transfer) - 1) / 500 as part from transfer) as numbered
  group by tenant, programme, part
  order by programme, part;
  select set_config('app.tenant', '', true);
`;
