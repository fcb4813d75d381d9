import { tenantTable, type Migration } from '@points/database';

/**
 * Files of orders. The file itself lies here too, in pieces as it arrived: the database is the one place that every replica reaches
 * and that a kill -9 leaves whole, and a file and what became of its lines are kept and forgotten together. A folder would need a
 * disk that all replicas share.
 */
export const createUploads: Migration = {
  name: 'CreateUploads1763800002040',
  up: `
    create table upload_key (
      tenant text not null,
      programme text not null,
      partner text not null,
      kid text not null,
      algorithm text not null,
      public_key text not null,
      holds_from timestamptz not null,
      holds_to timestamptz,
      registered_by text not null,
      registered_at timestamptz not null,
      constraint upload_key_pk primary key (programme, partner, kid),
      constraint upload_key_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint upload_key_algorithm_known check (algorithm in ('ed25519', 'ecdsa-p256-sha256')),
      constraint upload_key_times_ordered check (holds_from <= holds_to)
    );
    ${tenantTable('upload_key')}
    grant select, insert on upload_key to {app};
    -- A key ends, and is never another one.
    grant update (holds_to) on upload_key to {app};

    create table order_upload (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      client text not null,
      idempotency_key text not null,
      is_on_behalf boolean not null,
      may_bring_history boolean not null,
      traceparent text,
      format text not null,
      mode text not null,
      is_dry_run boolean not null,
      digest text not null,
      kid text,
      nonce text,
      state text not null,
      bytes bigint not null default 0,
      lines integer,
      checked integer not null default 0,
      processed integer not null default 0,
      bad integer not null default 0,
      placed integer not null default 0,
      known integer not null default 0,
      completed integer not null default 0,
      refused integer not null default 0,
      in_review integer not null default 0,
      -- Where booking goes on: what lies before is in orders and errors.
      read_bytes bigint not null default 0,
      read_lines integer not null default 0,
      failure jsonb,
      worker uuid,
      lease_until timestamptz,
      cancel_asked_at timestamptz,
      cancel_asked_by text,
      received_at timestamptz not null default now(),
      checking_at timestamptz,
      booking_at timestamptz,
      ended_at timestamptz,
      is_pruned boolean not null default false,
      constraint order_upload_pk primary key (id),
      constraint order_upload_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint order_upload_nonce_once unique (programme, partner, kid, nonce),
      constraint order_upload_state_known check (state in ('receiving', 'received', 'checking', 'booking', 'done', 'failed', 'cancelled')),
      constraint order_upload_ended check ((state in ('done', 'failed', 'cancelled')) = (ended_at is not null)),
      constraint order_upload_failed check ((state = 'failed') = (failure is not null)),
      constraint order_upload_format_known check (format in ('csv', 'jsonl')),
      constraint order_upload_mode_known check (mode in ('lines', 'whole-file'))
    );
    create index order_upload_by_partner on order_upload (programme, partner, id);
    create index order_upload_open on order_upload (id) where state in ('receiving', 'received', 'checking', 'booking');
    -- The same request again, while its file is still on its way.
    create unique index order_upload_receiving on order_upload (tenant, client, idempotency_key) where state = 'receiving';
    create index order_upload_to_prune on order_upload (ended_at) where not is_pruned and ended_at is not null;
    ${tenantTable('order_upload')}
    grant select, insert, update, delete on order_upload to {app};

    create table order_upload_piece (
      upload uuid not null,
      tenant text not null,
      n integer not null,
      bytes bytea not null,
      constraint order_upload_piece_pk primary key (upload, n)
    );
    -- To compress it would cost more time than to write it.
    alter table order_upload_piece alter column bytes set storage external;
    ${tenantTable('order_upload_piece')}
    grant select, insert, delete on order_upload_piece to {app};

    create table order_upload_error (
      upload uuid not null,
      tenant text not null,
      line integer not null,
      order_id text,
      code text not null,
      errors jsonb not null,
      constraint order_upload_error_pk primary key (upload, line)
    );
    ${tenantTable('order_upload_error')}
    grant select, insert, delete on order_upload_error to {app};

    -- What batches of outcomes say of an upload. Only added to, so that those who hear never wait for the one who books.
    create table order_upload_end (
      id bigint generated always as identity,
      tenant text not null,
      upload uuid not null,
      completed integer not null,
      refused integer not null,
      constraint order_upload_end_pk primary key (id)
    );
    create index order_upload_end_by_upload on order_upload_end (upload);
    ${tenantTable('order_upload_end')}
    grant select, insert, delete on order_upload_end to {app};

    alter table exchange_order add column upload uuid;`,
};
