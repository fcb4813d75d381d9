import { tenantTable, type Migration } from '@points/database';
import { httpMigrations } from '@points/http';
import { messagingMigrations } from '@points/messaging';

/** `client.tenant` is the municipality that manages the client, or `*` for those that only the operator of the platform manages. */
const createClients: Migration = {
  name: 'CreateClients1763800001001',
  up: `
    create table client (
      id text not null,
      tenant text not null,
      name text not null,
      kind text not null,
      scopes text[] not null,
      tenants text[] not null,
      created_at timestamptz not null,
      revoked_at timestamptz,
      constraint client_pk primary key (id),
      constraint client_tenant_unique unique (id, tenant),
      constraint client_id_form check (id ~ '^[a-z0-9][a-z0-9._-]{1,63}$'),
      constraint client_kind_known check (kind in ('partner', 'municipality', 'merchant', 'operator', 'tool')),
      constraint client_has_tenant check (cardinality(tenants) > 0),
      -- A municipality gives out no right over another one, whatever the code does.
      constraint client_stays_in_tenant check (tenant = '*' or tenants = array[tenant])
    );
    create index client_tenant on client (tenant, id);
    ${tenantTable('client')}

    -- Salted hashes only: the secret itself is answered once and kept nowhere.
    create table client_secret (
      id uuid not null,
      client text not null,
      tenant text not null,
      hash text not null,
      created_at timestamptz not null,
      valid_until timestamptz,
      constraint client_secret_pk primary key (id),
      constraint client_secret_of_client foreign key (client, tenant) references client (id, tenant),
      constraint client_secret_is_hash check (hash ~ '^sha256:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}$')
    );
    create index client_secret_client on client_secret (client);
    create index client_secret_valid_until on client_secret (valid_until) where valid_until is not null;
    ${tenantTable('client_secret')}

    grant select, insert, update on client to {app};
    grant select, insert, update, delete on client_secret to {app};`,
};

/**
 * What the OpenID Provider keeps between requests: sessions, grants, codes. It has no municipality: a session belongs to a
 * person who may act in several. Client credentials leave no row, their tokens are signed and not stored.
 */
const createProviderRecords: Migration = {
  name: 'CreateProviderRecords1763800001002',
  up: `
    create table provider_record (
      model text not null,
      id text not null,
      payload jsonb not null,
      grant_id text,
      user_code text,
      uid text,
      expires_at timestamptz,
      consumed_at timestamptz,
      constraint provider_record_pk primary key (model, id)
    );
    create index provider_record_grant on provider_record (grant_id) where grant_id is not null;
    create index provider_record_user_code on provider_record (model, user_code) where user_code is not null;
    create index provider_record_uid on provider_record (model, uid) where uid is not null;
    create index provider_record_expires_at on provider_record (expires_at) where expires_at is not null;
    grant select, insert, update, delete on provider_record to {app};`,
};

/**
 * A holder belongs to the platform, because non-residents take part in several municipalities with one My Key ID; which
 * municipality registered whom is the municipality's. Rows of `my_key_id` are never deleted and their value never changes
 * hands: the service's role may only end one.
 */
const createHolders: Migration = {
  name: 'CreateHolders1763800001003',
  up: `
    create table holder (
      id uuid not null,
      created_at timestamptz not null,
      constraint holder_pk primary key (id)
    );

    create table my_key_id (
      value text not null,
      holder uuid not null,
      since timestamptz not null,
      until timestamptz,
      constraint my_key_id_pk primary key (value),
      -- Deferred: the value is claimed first, and only who won it makes the holder.
      constraint my_key_id_of_holder foreign key (holder) references holder (id) deferrable initially deferred,
      constraint my_key_id_form check (value ~ '^[0-9A-Za-z]{8}$'),
      constraint my_key_id_ends_after_it_begins check (until >= since)
    );
    create unique index my_key_id_current on my_key_id (holder) where until is null;

    create table registration (
      tenant text not null,
      holder uuid not null,
      registered_at timestamptz not null,
      constraint registration_pk primary key (tenant, holder),
      constraint registration_of_holder foreign key (holder) references holder (id)
    );
    create index registration_holder on registration (holder);
    ${tenantTable('registration')}

    grant select, insert on holder to {app};
    grant select, insert, update (until) on my_key_id to {app};
    grant select, insert on registration to {app};`,
};

export const migrations: readonly Migration[] = [
  ...httpMigrations,
  ...messagingMigrations,
  createClients,
  createProviderRecords,
  createHolders,
];
