import { tenantTable, type Migration } from '@points/database';
import { disableReasons } from '../rules/webhook-retry.js';

export const createWebhooks: Migration = {
  name: 'CreateWebhooks1763800002050',
  up: `
    -- What partners are told. Never changed; deleted when it is older than anybody may replay.
    create table partner_event (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      type text not null,
      data jsonb not null,
      created_at timestamptz not null default clock_timestamp(),
      constraint partner_event_pk primary key (id)
    );
    create index partner_event_of_partner on partner_event (programme, partner, created_at, id);
    create index partner_event_created_at on partner_event using brin (created_at);
    ${tenantTable('partner_event')}
    grant select, insert, delete on partner_event to {app};

    create table webhook_endpoint (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      endpoint text not null,
      url text not null,
      -- Null: every type that there is, or will be.
      types text[],
      state text not null,
      -- Null while active, and when somebody disabled it.
      disabled_reason text,
      disabled_at timestamptz,
      -- The first failure after the last success.
      failing_since timestamptz,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint webhook_endpoint_pk primary key (programme, partner, endpoint),
      constraint webhook_endpoint_id_unique unique (id),
      constraint webhook_endpoint_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint webhook_endpoint_state_known check (state in ('active', 'disabled')),
      constraint webhook_endpoint_disabled_at check ((state = 'disabled') = (disabled_at is not null)),
      constraint webhook_endpoint_reason_known check (disabled_reason in (${disableReasons.map((one) => `'${one}'`).join(', ')})),
      constraint webhook_endpoint_reason_when_disabled check (disabled_reason is null or state = 'disabled')
    );
    ${tenantTable('webhook_endpoint')}
    grant select, insert, update, delete on webhook_endpoint to {app};

    -- In clear, because each attempt signs with it and a hash cannot. A key to seal it with would lie beside DATABASE_URL in the same
    -- process's environment. It signs what we tell one partner and opens nothing; the service's role alone reads it, under row-level
    -- security, and the API gives it out once.
    create table webhook_secret (
      id uuid not null,
      tenant text not null,
      endpoint_id uuid not null,
      secret text not null,
      created_at timestamptz not null,
      -- Null: of the newest one.
      valid_until timestamptz,
      constraint webhook_secret_pk primary key (id),
      constraint webhook_secret_endpoint_fk foreign key (endpoint_id) references webhook_endpoint (id) on delete cascade
    );
    create unique index webhook_secret_newest on webhook_secret (endpoint_id) where valid_until is null;
    create index webhook_secret_of_endpoint on webhook_secret (endpoint_id);
    ${tenantTable('webhook_secret')}
    grant select, insert, update, delete on webhook_secret to {app};

    create table webhook_delivery (
      event_id uuid not null,
      endpoint_id uuid not null,
      tenant text not null,
      is_ping boolean not null default false,
      state text not null default 'waiting',
      attempts integer not null default 0,
      first_attempt_at timestamptz,
      -- Of the attempt that runs or ran last: what an earlier one has to say any more is not listened to.
      lease uuid,
      next_attempt_at timestamptz,
      created_at timestamptz not null default clock_timestamp(),
      constraint webhook_delivery_pk primary key (event_id, endpoint_id),
      constraint webhook_delivery_event_fk foreign key (event_id) references partner_event (id) on delete cascade,
      constraint webhook_delivery_state_known check (state in ('waiting', 'delivered', 'failed', 'stopped')),
      constraint webhook_delivery_attempt_only_waiting check ((state = 'waiting') = (next_attempt_at is not null))
    );
    create index webhook_delivery_due on webhook_delivery (endpoint_id, next_attempt_at) where next_attempt_at is not null;
    ${tenantTable('webhook_delivery')}
    grant select, insert, update, delete on webhook_delivery to {app};

    create table webhook_attempt (
      id uuid not null,
      tenant text not null,
      endpoint_id uuid not null,
      event_id uuid not null,
      type text not null,
      attempt integer not null,
      attempted_at timestamptz not null,
      outcome text not null,
      status integer,
      duration_ms integer not null,
      answer text,
      problem text,
      next_attempt_at timestamptz,
      constraint webhook_attempt_pk primary key (id),
      constraint webhook_attempt_outcome_known check (outcome in ('delivered', 'waiting', 'failed', 'stale'))
    );
    create index webhook_attempt_of_endpoint on webhook_attempt (endpoint_id, id);
    create index webhook_attempt_attempted_at on webhook_attempt using brin (attempted_at);
    ${tenantTable('webhook_attempt')}
    grant select, insert, delete on webhook_attempt to {app};`,
};
