import { tenantTable, type Migration } from '@points/database';

export const createScreening: Migration = {
  name: 'CreateScreening1763800002030',
  up: `
    -- Every version stays: which rule stopped an order last month can be told.
    create table screening_rule (
      tenant text not null,
      programme text not null,
      rule text not null,
      version integer not null,
      measure text not null,
      by text not null,
      window_minutes integer not null,
      limit_value bigint not null,
      action text not null,
      partners text[] not null,
      is_active boolean not null,
      made_by text not null,
      made_at timestamptz not null,
      constraint screening_rule_pk primary key (programme, rule, version),
      constraint screening_rule_programme_of_tenant check (left(programme, 6) = tenant)
    );
    ${tenantTable('screening_rule')}
    grant select, insert on screening_rule to {app};

    -- The stop switch. Every turn of it stays; the last one holds.
    create table exchange_stop (
      tenant text not null,
      programme text not null,
      subject text not null,
      turn integer not null,
      is_stopped boolean not null,
      reason text not null,
      actor text not null,
      turned_at timestamptz not null,
      constraint exchange_stop_pk primary key (programme, subject, turn),
      constraint exchange_stop_programme_of_tenant check (left(programme, 6) = tenant)
    );
    ${tenantTable('exchange_stop')}
    grant select, insert on exchange_stop to {app};

    alter table exchange_order
      add column origin_address text,
      add column origin_device text,
      -- The rules that it broke, as they were.
      add column screening jsonb;
    create index exchange_order_by_holder on exchange_order (programme, holder, accepted_at);
    create index exchange_order_by_address on exchange_order (programme, origin_address, accepted_at) where origin_address is not null;
    create index exchange_order_by_device on exchange_order (programme, origin_device, accepted_at) where origin_device is not null;
    create index exchange_order_in_review on exchange_order (programme, id) where state = 'in-review';

    create table order_review (
      tenant text not null,
      order_row uuid not null,
      decision text not null,
      reason text not null,
      decided_by text not null,
      decided_at timestamptz not null,
      constraint order_review_pk primary key (order_row),
      constraint order_review_order_fk foreign key (order_row) references exchange_order (id),
      constraint order_review_decision_known check (decision in ('approve', 'refuse'))
    );
    ${tenantTable('order_review')}
    grant select, insert on order_review to {app};`,
};
