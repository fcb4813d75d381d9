import { tenantTable, type Migration } from '@points/database';

/**
 * Lines of accounts are no table: each is a fact that is stored already (an order, its bonus, their reversals), seen as money. A close
 * marks the facts that it takes in, so what is recorded later for a closed month is not marked and falls to the next one, whatever
 * transactions run side by side.
 */
export const createAccounts: Migration = {
  name: 'CreateAccounts1763800002302',
  up: `
    alter table partner_terms add column yen_per_point jsonb, add column fees jsonb, add column points_tax_category text;

    create table partner_statement (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      month text not null,
      account jsonb not null,
      closed_by text not null,
      closed_at timestamptz not null,
      reason text not null,
      constraint partner_statement_pk primary key (programme, partner, month),
      constraint partner_statement_id_unique unique (id),
      constraint partner_statement_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint partner_statement_month_form check (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$')
    );
    ${tenantTable('partner_statement')}
    grant select, insert on partner_statement to {app};

    -- The only way to say that an amount was wrong: a line with its cause, never a change of another line.
    create table statement_correction (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      yen bigint not null,
      cause text not null,
      order_id text,
      made_by text not null,
      made_at timestamptz not null,
      statement uuid,
      constraint statement_correction_pk primary key (id),
      constraint statement_correction_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint statement_correction_not_nothing check (yen <> 0)
    );
    create index statement_correction_by_time on statement_correction (programme, partner, made_at, id);
    create index statement_correction_by_statement on statement_correction (statement, made_at, id) where statement is not null;
    ${tenantTable('statement_correction')}
    grant select, insert, update (statement) on statement_correction to {app};

    alter table exchange_order add column statement uuid, add column bonus_statement uuid;
    alter table order_reversal add column statement uuid, add column bonus_statement uuid;
    create index exchange_order_unstated on exchange_order (programme, partner, booked_at, id) where statement is null and booked_at is not null;
    create index exchange_order_stated on exchange_order (statement, booked_at, id) where statement is not null;
    create index exchange_order_bonus_unstated on exchange_order (programme, partner, bonus_booked_at, id) where bonus_statement is null and bonus_booked_at is not null;
    create index exchange_order_bonus_stated on exchange_order (bonus_statement, bonus_booked_at, id) where bonus_statement is not null;
    create index order_reversal_by_time on order_reversal (programme, partner, reversed_at, id) where reversed_at is not null;
    create index order_reversal_stated on order_reversal (statement, reversed_at, id) where statement is not null;
    create index order_reversal_bonus_by_time on order_reversal (programme, partner, bonus_reversed_at, id) where bonus_reversed_at is not null;
    create index order_reversal_bonus_stated on order_reversal (bonus_statement, bonus_reversed_at, id) where bonus_statement is not null;

    -- Whoever reads it sees the rows that he may see of the tables below it.
    create view account_line with (security_invoker = true) as
      select id, tenant, programme, partner, 'order' as kind, order_id, booked_at as happened_at, partner_points, municipal_points, rest,
             terms_version, null::text as borne_by, null::text as cause, 0::bigint as yen, null::bigint as owed, statement
      from exchange_order where booked_at is not null
      union all
      select id, tenant, programme, partner, 'bonus', order_id, bonus_booked_at, 0, bonus_points, 0, terms_version, bonus_borne_by, campaign, 0, null, bonus_statement
      from exchange_order where bonus_booked_at is not null
      union all
      select r.id, r.tenant, r.programme, r.partner, 'order-reversal', o.order_id, r.reversed_at, -o.partner_points, -o.municipal_points, -o.rest,
             o.terms_version, null, r.reason, 0, r.owed_points, r.statement
      from order_reversal r join exchange_order o on o.id = r.order_row where r.reversed_at is not null
      union all
      select r.id, r.tenant, r.programme, r.partner, 'bonus-reversal', o.order_id, r.bonus_reversed_at, 0, -o.bonus_points, 0,
             o.terms_version, o.bonus_borne_by, r.reason, 0, r.bonus_owed_points, r.bonus_statement
      from order_reversal r join exchange_order o on o.id = r.order_row where r.bonus_reversed_at is not null
      union all
      select id, tenant, programme, partner, 'correction', order_id, made_at, 0, 0, 0, null, null, cause, yen, null, statement
      from statement_correction;
    grant select on account_line to {app};

    create table invoice_party (
      tenant text not null,
      programme text not null,
      -- Empty: the issuer of the programme's invoices. Else their recipient.
      partner text not null,
      name text not null,
      address text,
      kind text not null,
      registration_number text,
      rounding text,
      tax_percents jsonb,
      updated_by text not null,
      updated_at timestamptz not null,
      constraint invoice_party_pk primary key (programme, partner),
      constraint invoice_party_programme_of_tenant check (left(programme, 6) = tenant),
      constraint invoice_party_kind_known check (kind in ('corporation', 'sole-trader')),
      constraint invoice_party_rounding_known check (rounding in ('down', 'half-up', 'up'))
    );
    ${tenantTable('invoice_party')}
    grant select, insert, update on invoice_party to {app};

    create table invoice (
      tenant text not null,
      programme text not null,
      number integer not null,
      partner text not null,
      month text not null,
      document jsonb not null,
      issued_by text not null,
      issued_at timestamptz not null,
      constraint invoice_pk primary key (programme, number),
      constraint invoice_once unique (programme, partner, month),
      constraint invoice_statement_fk foreign key (programme, partner, month) references partner_statement (programme, partner, month)
    );
    ${tenantTable('invoice')}
    grant select, insert on invoice to {app};`,
};
