import { tenantTable, type Migration } from '@points/database';
import { holderMigrations } from '@points/holders';
import { httpMigrations } from '@points/http';
import { messagingMigrations } from '@points/messaging';

/**
 * `state` and what belongs to it are checked together: a row is always one of the states of rules/, whole. The columns of the
 * ledger's word are the same in all tables that wait for one.
 */
const wordOfTheLedger = (table: string, postedStates: string) => `
        posting uuid,
        refusal_code text,
        refusal_detail text,
        refusal_facts jsonb,
        decided_at timestamptz,
        constraint ${table}_state_whole check (
          (state in (${postedStates})) = (posting is not null)
          and (state = 'refused') = (refusal_code is not null)
          and (state = 'refused') = (refusal_detail is not null))`;

export const migrations: readonly Migration[] = [
  ...messagingMigrations,
  ...httpMigrations,
  ...holderMigrations,
  {
    name: 'CreateCatalog1763856000501',
    up: `
      create table facility (
        tenant text not null,
        id text collate "C" not null,
        name text not null,
        tags text[] not null,
        constraint facility_pk primary key (tenant, id)
      );
      ${tenantTable('facility')}
      grant select, insert, update on facility to {app};

      create table fund (
        tenant text not null,
        id text collate "C" not null,
        name text not null,
        programme text not null,
        constraint fund_pk primary key (tenant, id)
      );
      ${tenantTable('fund')}
      grant select, insert, update on fund to {app};

      create table activity (
        tenant text not null,
        id text collate "C" not null,
        name text not null,
        programme text not null,
        points bigint not null constraint activity_points_positive check (points > 0),
        constraint activity_pk primary key (tenant, id)
      );
      ${tenantTable('activity')}
      grant select, insert, update on activity to {app};

      create table product (
        tenant text not null,
        id text collate "C" not null,
        name text not null,
        kind text not null constraint product_kind_known check (kind in ('mail-order', 'facility-ticket', 'goods')),
        facility text collate "C",
        -- All pieces ever offered, not those left: putting the same product again must not give back what was sold meanwhile.
        stock integer,
        taken integer not null default 0 constraint product_taken_not_negative check (taken >= 0),
        status text not null constraint product_status_known check (status in ('on-sale', 'withdrawn')),
        tags text[] not null,
        constraint product_pk primary key (tenant, id),
        constraint product_facility_fk foreign key (tenant, facility) references facility (tenant, id),
        constraint product_not_oversold check (taken <= stock)
      );
      ${tenantTable('product')}
      grant select, insert, update on product to {app};

      create table product_price (
        tenant text not null,
        product text collate "C" not null,
        programme text not null,
        points bigint not null constraint product_price_positive check (points > 0),
        constraint product_price_pk primary key (tenant, product, programme),
        constraint product_price_product_fk foreign key (tenant, product) references product (tenant, id)
      );
      ${tenantTable('product_price')}
      grant select, insert, update, delete on product_price to {app};

      create table product_order (
        tenant text not null,
        id uuid not null,
        programme text not null,
        product text collate "C" not null,
        quantity integer not null constraint product_order_quantity_positive check (quantity > 0),
        points bigint not null constraint product_order_points_positive check (points > 0),
        holder uuid not null,
        client text not null,
        placed_at timestamptz not null default now(),
        state text not null,
        cancellation uuid,
        ${wordOfTheLedger('product_order', `'confirmed', 'cancelling', 'cancelled'`)},
        constraint product_order_pk primary key (tenant, id),
        constraint product_order_product_fk foreign key (tenant, product) references product (tenant, id),
        constraint product_order_state_known check (state in ('pending', 'refused', 'confirmed', 'cancelling', 'cancelled')),
        constraint product_order_cancellation_whole check ((state in ('cancelling', 'cancelled')) = (cancellation is not null))
      );
      create index product_order_holder on product_order (tenant, holder, id);
      ${tenantTable('product_order')}
      grant select, insert, update on product_order to {app};

      create table cancellation (
        tenant text not null,
        id uuid not null,
        product_order uuid not null,
        client text not null,
        asked_at timestamptz not null default now(),
        state text not null,
        ${wordOfTheLedger('cancellation', `'confirmed'`)},
        constraint cancellation_pk primary key (tenant, id),
        constraint cancellation_order_fk foreign key (tenant, product_order) references product_order (tenant, id),
        constraint cancellation_state_known check (state in ('pending', 'confirmed', 'refused'))
      );
      -- One refund of an order at a time, and none after one that was posted.
      create unique index cancellation_once on cancellation (tenant, product_order) where state <> 'refused';
      ${tenantTable('cancellation')}
      grant select, insert, update on cancellation to {app};

      create table donation (
        tenant text not null,
        id uuid not null,
        programme text not null,
        fund text collate "C" not null,
        points bigint not null constraint donation_points_positive check (points > 0),
        holder uuid not null,
        client text not null,
        asked_at timestamptz not null default now(),
        state text not null,
        ${wordOfTheLedger('donation', `'confirmed'`)},
        constraint donation_pk primary key (tenant, id),
        constraint donation_fund_fk foreign key (tenant, fund) references fund (tenant, id),
        constraint donation_state_known check (state in ('pending', 'confirmed', 'refused'))
      );
      ${tenantTable('donation')}
      grant select, insert, update on donation to {app};

      create table activity_grant (
        tenant text not null,
        id uuid not null,
        programme text not null,
        activity text collate "C" not null,
        occurrence text not null,
        points bigint not null constraint activity_grant_points_positive check (points > 0),
        holder uuid not null,
        client text not null,
        asked_at timestamptz not null default now(),
        state text not null,
        ${wordOfTheLedger('activity_grant', `'confirmed'`)},
        constraint activity_grant_pk primary key (tenant, id),
        constraint activity_grant_activity_fk foreign key (tenant, activity) references activity (tenant, id),
        constraint activity_grant_state_known check (state in ('pending', 'confirmed', 'refused'))
      );
      -- Who takes part once is granted once; a grant that the ledger refused may be asked for again.
      create unique index activity_grant_once on activity_grant (tenant, activity, occurrence, holder) where state <> 'refused';
      ${tenantTable('activity_grant')}
      grant select, insert, update on activity_grant to {app};`,
  },
];
