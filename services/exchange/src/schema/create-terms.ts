import { tenantTable, type Migration } from '@points/database';
import { orderStates } from '../rules/order-state.js';

/**
 * Everything that a partner and the municipality agree on becomes one append-only version with the time from which it holds; what
 * `partner` and `partner_rate` kept is its beginning. Changes wait in `partner_change` for a second person.
 */
export const createTerms: Migration = {
  name: 'CreateTerms1763800002006',
  up: `
    create table partner_terms (
      tenant text not null,
      programme text not null,
      partner text not null,
      version integer not null,
      holds_from timestamptz not null,
      name text not null,
      numerator integer not null,
      denominator integer not null,
      lot_partner_points bigint not null,
      min_partner_points bigint,
      max_partner_points bigint,
      valid_from date,
      valid_to date,
      opening_hours jsonb,
      caps jsonb,
      clients text[] not null,
      made_by text not null,
      approved_by text,
      made_at timestamptz not null default now(),
      constraint partner_terms_pk primary key (programme, partner, version),
      constraint partner_terms_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint partner_terms_rate_positive check (numerator > 0 and denominator > 0),
      constraint partner_terms_lot_positive check (lot_partner_points > 0),
      constraint partner_terms_limits_ordered check (min_partner_points <= max_partner_points),
      constraint partner_terms_days_ordered check (valid_from <= valid_to),
      constraint partner_terms_second_person check (approved_by <> made_by)
    );
    insert into partner_terms
      select p.tenant, p.programme, p.partner, r.version, r.holds_from, p.name, r.numerator, r.denominator, p.lot_partner_points,
             p.min_partner_points, p.max_partner_points, p.valid_from, p.valid_to, null, null, p.clients, 'set-up', null, p.updated_at
      from partner p join partner_rate r using (programme, partner);
    ${tenantTable('partner_terms')}
    grant select, insert on partner_terms to {app};

    alter table exchange_order rename column rate_version to terms_version;
    alter table exchange_order drop constraint exchange_order_rate_fk;
    alter table exchange_order add constraint exchange_order_terms_fk
      foreign key (programme, partner, terms_version) references partner_terms (programme, partner, version);
    drop table partner_rate;
    alter table partner drop column name, drop column lot_partner_points, drop column min_partner_points, drop column max_partner_points,
      drop column valid_from, drop column valid_to, drop column clients, drop column updated_at;
    alter table partner add column kind text not null default 'direct',
      add constraint partner_kind_known check (kind in ('direct', 'coupon-code', 'account-link'));
    revoke update on partner from {app};
    -- The row is what changes of the terms queue up for.
    grant update (created_at) on partner to {app};

    create table partner_change (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      terms jsonb not null,
      holds_from timestamptz,
      reason text not null,
      state text not null default 'waiting',
      proposed_by text not null,
      proposed_at timestamptz not null,
      decided_by text,
      decided_at timestamptz,
      version integer,
      constraint partner_change_pk primary key (id),
      constraint partner_change_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint partner_change_state_known check (state in ('waiting', 'approved', 'withdrawn')),
      constraint partner_change_decided check ((state = 'waiting') = (decided_by is null)),
      constraint partner_change_second_person check (state <> 'approved' or decided_by <> proposed_by)
    );
    create index partner_change_by_partner on partner_change (programme, partner, id);
    ${tenantTable('partner_change')}
    grant select, insert, update on partner_change to {app};`,
};

export const createCampaigns: Migration = {
  name: 'CreateCampaigns1763800002007',
  up: `
    create table campaign (
      tenant text not null,
      programme text not null,
      campaign text not null,
      name text not null,
      partners text[] not null,
      bonus_numerator integer,
      bonus_denominator integer,
      bonus_points bigint,
      begins_at timestamptz not null,
      ends_at timestamptz not null,
      budget bigint not null,
      per_holder bigint,
      borne_by text not null,
      state text not null,
      proposed_by text not null,
      proposed_at timestamptz not null,
      approved_by text,
      approved_at timestamptz,
      stopped_by text,
      stopped_at timestamptz,
      constraint campaign_pk primary key (programme, campaign),
      constraint campaign_programme_of_tenant check (left(programme, 6) = tenant),
      constraint campaign_one_bonus check ((bonus_numerator is null) = (bonus_denominator is null) and (bonus_numerator is null) <> (bonus_points is null)),
      constraint campaign_times_ordered check (begins_at < ends_at),
      constraint campaign_budget_positive check (budget > 0 and per_holder > 0),
      constraint campaign_borne_by_known check (borne_by in ('partner', 'municipality')),
      constraint campaign_state_known check (state in ('waiting', 'approved', 'stopped')),
      constraint campaign_second_person check (approved_by <> proposed_by)
    );
    ${tenantTable('campaign')}
    grant select, insert, update on campaign to {app};

    -- What caps and campaigns have counted. A row is locked by every order that it limits.
    create table exchange_counter (
      tenant text not null,
      programme text not null,
      key text not null,
      period text not null,
      used bigint not null,
      constraint exchange_counter_pk primary key (programme, key, period),
      constraint exchange_counter_not_negative check (used >= 0)
    ) with (fillfactor = 50);
    ${tenantTable('exchange_counter')}
    grant select, insert, update on exchange_counter to {app};`,
};

export const createQuotes: Migration = {
  name: 'CreateQuotes1763800002008',
  up: `
    create table quote (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      holder uuid not null,
      my_key_id text not null,
      partner_points bigint not null,
      municipal_points bigint not null,
      terms_version integer not null,
      campaign text,
      bonus_points bigint,
      client text not null,
      quoted_at timestamptz not null,
      valid_until timestamptz not null,
      constraint quote_pk primary key (id),
      constraint quote_terms_fk foreign key (programme, partner, terms_version) references partner_terms (programme, partner, version),
      constraint quote_bonus_whole check ((campaign is null) = (bonus_points is null))
    );
    create index quote_valid_until on quote (valid_until);
    ${tenantTable('quote')}
    grant select, insert, delete on quote to {app};`,
};

export const extendOrders: Migration = {
  name: 'ExtendOrders1763800002009',
  up: `
    alter table exchange_order
      add column channel text not null default 'api',
      add column quote uuid,
      add column rest bigint not null default 0,
      add column is_history boolean not null default false,
      add column campaign text,
      add column bonus_points bigint,
      add column bonus_borne_by text,
      add column bonus_state text,
      add column bonus_posting uuid,
      add column bonus_refusal jsonb,
      -- What caps and campaigns counted of it: given back when it comes to nothing.
      add column counts jsonb,
      drop constraint exchange_order_state_known,
      drop constraint exchange_order_completed,
      add constraint exchange_order_state_known check (state in (${orderStates.map((state) => `'${state}'`).join(', ')})),
      add constraint exchange_order_issued check (
        (state in ('committing', 'completed', 'reversing', 'reversed') and posting is not null and booked_at is not null)
        or (state in ('in-review', 'reserving', 'pending', 'cancelling', 'refused') and posting is null and booked_at is null)
        or state = 'in-dispute'),
      add constraint exchange_order_quote_once unique (quote),
      add constraint exchange_order_bonus_whole check ((campaign is null) = (bonus_points is null) and (campaign is null) = (bonus_borne_by is null)
        and (campaign is null) = (bonus_state is null)),
      add constraint exchange_order_bonus_state_known check (bonus_state in ('waiting', 'pending', 'posted', 'refused', 'void'));
    create index exchange_order_by_time on exchange_order (programme, partner, id);`,
};
