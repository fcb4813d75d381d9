import type { Migration } from '@points/database';

/** The tables of outbox, inbox and dead letters, for every service's schema. */
export const messagingMigrations: readonly Migration[] = [
  {
    name: 'CreateMessaging1763800000001',
    up: `
      create table outbox (
        id bigint generated always as identity constraint outbox_pk primary key,
        slot smallint not null constraint outbox_slot_known check (slot between 0 and 63),
        topic text not null,
        key text not null,
        type text not null,
        event_id uuid not null,
        tenant text,
        requester text,
        traceparent text,
        payload text not null,
        created_at timestamptz not null default clock_timestamp()
      )
      -- Rows live for milliseconds: without eager vacuuming the index fills with dead entries that every read must pass.
      with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
      ${tenantOrPlatformTable('outbox')}
      grant select, insert, delete on outbox to {app};

      create table inbox (
        consumer text not null,
        event_id uuid not null,
        received_at timestamptz not null default now(),
        constraint inbox_pk primary key (consumer, event_id)
      );
      create index inbox_received_at on inbox using brin (received_at);
      grant select, insert, delete on inbox to {app};

      create table dead_letter (
        id bigint generated always as identity constraint dead_letter_pk primary key,
        consumer text not null,
        topic text not null,
        partition integer not null,
        position bigint not null,
        sent_at timestamptz not null,
        key text not null,
        type text,
        tenant text,
        headers jsonb not null,
        payload bytea not null,
        reason text not null,
        detail text not null,
        attempts integer not null default 1,
        parked_at timestamptz not null default clock_timestamp(),
        -- Parked once although it is delivered again; the time tells apart a topic that was made anew.
        constraint dead_letter_message_once unique (consumer, topic, partition, position, sent_at)
      );
      create index dead_letter_key on dead_letter (consumer, topic, key, id);
      ${tenantOrPlatformTable('dead_letter')}
      grant select, insert, update, delete on dead_letter to {app};

      -- No tenant data: a consumer asks it for every batch, whoever's the batch is.
      create table parked_key (
        consumer text not null,
        topic text not null,
        key text not null,
        replay_requested_at timestamptz,
        constraint parked_key_pk primary key (consumer, topic, key)
      );
      grant select, insert, update, delete on parked_key to {app};
    `,
  },
  {
    // A BRIN index finds what is old only while rows lie in order of time: the first pruning ends that, because new rows fill the gaps.
    name: 'IndexInboxByTime1763800000003',
    up: `
      drop index inbox_received_at;
      create index inbox_received_at on inbox (received_at);
    `,
  },
];

/**
 * Like tenantTable, for rows of which some belong to the whole platform: those have no tenant, may be written by any transaction
 * that says whom it works for, and are read by the machinery alone.
 */
function tenantOrPlatformTable(table: string): string {
  const setting = `(select current_setting('app.tenant', true))`;
  const allowed = `tenant = any ((select string_to_array(current_setting('app.tenant', true), ','))::text[]) or ${setting} = '*'`;
  return `
      alter table ${table} enable row level security;
      alter table ${table} force row level security;
      create policy ${table}_tenant on ${table} using (${allowed}) with check (${allowed} or (tenant is null and ${setting} <> ''));`;
}
