import { tenantTable, type Migration } from '@points/database';
import { holderMigrations } from '@points/holders';
import { httpMigrations } from '@points/http';
import { messagingMigrations } from '@points/messaging';

const createShops: Migration = {
  name: 'CreateShops1763900004001',
  up: `
    create table shop_group (
      tenant text not null,
      id text not null,
      name text not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint shop_group_pk primary key (tenant, id)
    );
    ${tenantTable('shop_group')}

    create table shop (
      tenant text not null,
      id text not null,
      name text not null,
      shop_group text,
      programmes text[] not null,
      status text not null,
      tags text[] not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint shop_pk primary key (tenant, id),
      constraint shop_of_group foreign key (tenant, shop_group) references shop_group (tenant, id),
      constraint shop_status_known check (status in ('active', 'suspended'))
    );
    create index shop_group_members on shop (tenant, shop_group) where shop_group is not null;
    ${tenantTable('shop')}

    grant select, insert, update on shop_group, shop to {app};`,
};

/**
 * The row of a payment is also the claim of its Idempotency-Key. \`hold_until\` is there while points are held. No index names a
 * column that the ledger's answer changes, and half of each page is left free: the update that every payment gets stays on
 * its page and touches no index (HOT). With a third left free, half of the updates of a full batch did not.
 */
const createPayments: Migration = {
  name: 'CreatePayments1763900004003',
  up: `
    create table payment (
      tenant text not null,
      id uuid not null,
      programme text not null,
      shop text not null,
      holder uuid not null,
      amount bigint not null,
      capture text not null,
      state text not null,
      captured bigint not null,
      refunded bigint not null,
      hold_until timestamptz,
      available bigint,
      refusal jsonb,
      terminal text,
      receipt text,
      client text not null,
      key text not null,
      fingerprint text not null,
      created_at timestamptz not null,
      decided_at timestamptz,
      constraint payment_pk primary key (tenant, id),
      constraint payment_key_unique unique (client, key, tenant),
      constraint payment_amount_positive check (amount > 0),
      constraint payment_capture_known check (capture in ('now', 'later')),
      constraint payment_state_known check (state in ('pending', 'cancelling', 'authorised', 'captured', 'refunded', 'cancelled', 'lapsed', 'refused')),
      constraint payment_captured_within_amount check (captured between 0 and amount),
      constraint payment_refunded_within_captured check (refunded between 0 and captured),
      constraint payment_programme_of_tenant check (left(programme, 6) = tenant)
    ) with (fillfactor = 48);
    create index payment_hold_until on payment (hold_until) where hold_until is not null;
    ${tenantTable('payment')}

    -- What a client asked of a payment: capture, refund, cancellation; or the end of a hold's time.
    create table payment_action (
      tenant text not null,
      id uuid not null,
      payment uuid not null,
      kind text not null,
      amount bigint not null,
      state text not null,
      available bigint,
      refusal jsonb,
      client text not null,
      key text not null,
      fingerprint text not null,
      created_at timestamptz not null,
      decided_at timestamptz,
      constraint payment_action_pk primary key (tenant, id),
      constraint payment_action_of_payment foreign key (tenant, payment) references payment (tenant, id),
      constraint payment_action_key_unique unique (client, key, tenant),
      constraint payment_action_kind_known check (kind in ('capture', 'refund', 'cancellation', 'lapse')),
      constraint payment_action_state_known check (state in ('pending', 'done', 'refused'))
    );
    create index payment_action_payment on payment_action (tenant, payment, id);
    ${tenantTable('payment_action')}

    -- One instruction to the ledger after the first. An action has one or several: a refund may reach over two captures.
    create table payment_movement (
      tenant text not null,
      id uuid not null,
      payment uuid not null,
      action uuid not null,
      kind text not null,
      amount bigint not null,
      is_final boolean not null,
      refund_of text,
      reference text not null,
      state text not null,
      code text,
      constraint payment_movement_pk primary key (tenant, id),
      constraint payment_movement_of_action foreign key (tenant, action) references payment_action (tenant, id),
      constraint payment_movement_of_payment foreign key (tenant, payment) references payment (tenant, id),
      constraint payment_movement_reference_unique unique (tenant, reference),
      constraint payment_movement_kind_known check (kind in ('capture', 'refund', 'release')),
      constraint payment_movement_state_known check (state in ('pending', 'posted', 'refused')),
      constraint payment_movement_refund_names_its_taking check ((kind = 'refund') = (refund_of is not null))
    );
    create index payment_movement_payment on payment_movement (tenant, payment, id);
    ${tenantTable('payment_movement')}

    -- Nothing of a payment is ever deleted, and what was asked never changes.
    grant select, insert on payment, payment_action, payment_movement to {app};
    grant update (state, captured, refunded, hold_until, available, refusal, decided_at) on payment to {app};
    grant update (amount, state, available, refusal, decided_at) on payment_action to {app};
    grant update (state, code) on payment_movement to {app};`,
};

export const migrations: readonly Migration[] = [
  ...httpMigrations,
  ...messagingMigrations,
  ...holderMigrations,
  createShops,
  createPayments,
];
