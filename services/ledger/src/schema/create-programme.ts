export const createProgramme = (tenantTable: (table: string) => string): string => `
  create table programme (
    tenant text not null,
    programme text not null,
    name text not null,
    first_day date not null,
    last_day date,
    history_open boolean not null,
    frozen boolean not null default false,
    created_at timestamptz not null default now(),
    constraint programme_pk primary key (programme),
    constraint programme_of_tenant check (programme like tenant || '-%'),
    constraint programme_period check (last_day is null or last_day >= first_day)
  );
  ${tenantTable('programme')}
  grant select, insert on programme to {app};
  grant update (name, last_day, history_open, frozen) on programme to {app};

  -- Versions are added and never changed: a lot keeps the version it was granted under.
  create table programme_rule (
    tenant text not null,
    programme text not null,
    version integer not null,
    valid_from date not null,
    rules jsonb not null,
    created_at timestamptz not null default now(),
    constraint programme_rule_pk primary key (programme, version),
    constraint programme_rule_of_programme foreign key (programme) references programme,
    constraint programme_rule_valid_from unique (programme, valid_from)
  );
  ${tenantTable('programme_rule')}
  grant select, insert on programme_rule to {app};
`;
