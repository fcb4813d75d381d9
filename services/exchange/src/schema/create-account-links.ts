import { tenantTable, type Migration } from '@points/database';

export const createAccountLinks: Migration = {
  name: 'CreateAccountLinks1763800002401',
  up: `
    create table partner_connection (
      tenant text not null,
      programme text not null,
      partner text not null,
      issuer text not null,
      endpoint text not null,
      client_id text not null,
      -- Sealed with LINK_KEYS, as every secret below: whoever has a copy of the database can do nothing at the partner.
      client_secret text not null,
      redirect_uri text not null,
      version integer not null default 1,
      updated_at timestamptz not null,
      constraint partner_connection_pk primary key (programme, partner),
      constraint partner_connection_partner_fk foreign key (programme, partner) references partner (programme, partner)
    );
    ${tenantTable('partner_connection')}
    grant select, insert, update on partner_connection to {app};

    -- A visit to the partner's sign-in that has begun. The state is kept as its hash, and the row goes with its use.
    create table link_start (
      state_hash text not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      holder uuid not null,
      nonce text not null,
      verifier text not null,
      redirect_uri text not null,
      expires_at timestamptz not null,
      constraint link_start_pk primary key (state_hash),
      constraint link_start_connection_fk foreign key (programme, partner) references partner_connection (programme, partner)
    );
    create index link_start_expires on link_start (expires_at);
    ${tenantTable('link_start')}
    grant select, insert, delete on link_start to {app};

    create table account_link (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      holder uuid not null,
      -- Of issuer and account: the partner's name of its member is not kept.
      subject_hash text not null,
      state text not null,
      ended_reason text,
      linked_at timestamptz not null,
      ended_at timestamptz,
      client text not null,
      access_token text,
      access_until timestamptz,
      refresh_token text,
      -- Who refreshes the tokens now: a refresh token may be used once only, whatever the number of replicas.
      refresh_lease uuid,
      refresh_until timestamptz,
      constraint account_link_pk primary key (id),
      constraint account_link_connection_fk foreign key (programme, partner) references partner_connection (programme, partner),
      constraint account_link_state_known check (state in ('linked', 'ended')),
      constraint account_link_ended check ((state = 'ended') = (ended_at is not null) and (state = 'ended') = (ended_reason is not null)),
      constraint account_link_ended_without_tokens check (state = 'linked' or (access_token is null and refresh_token is null))
    );
    create unique index account_link_of_holder on account_link (programme, partner, holder) where state = 'linked';
    create unique index account_link_of_account on account_link (programme, partner, subject_hash) where state = 'linked';
    create index account_link_by_holder on account_link (programme, holder, id);
    ${tenantTable('account_link')}
    grant select, insert, update on account_link to {app};`,
};

export const createLinkOrders: Migration = {
  name: 'CreateLinkOrders1763800002402',
  up: `
    -- What an order of a linked account has with its partner, beside the order itself.
    create table link_order (
      id uuid not null,
      tenant text not null,
      link uuid not null,
      -- Not reserved by then: given up.
      reserve_until timestamptz not null,
      lapses_at timestamptz,
      receipt text,
      attempts integer not null default 0,
      -- Of the attempt that runs or ran last: what an earlier one has to say any more is not listened to.
      lease uuid,
      -- Null while there is nothing to ask of the partner, or the attempts are used up.
      next_attempt_at timestamptz,
      last_problem text,
      updated_at timestamptz not null default now(),
      constraint link_order_pk primary key (id),
      constraint link_order_order_fk foreign key (id) references exchange_order (id),
      constraint link_order_link_fk foreign key (link) references account_link (id)
    );
    create index link_order_due on link_order (next_attempt_at) where next_attempt_at is not null;
    ${tenantTable('link_order')}
    grant select, insert, update on link_order to {app};
    create index exchange_order_open_link on exchange_order (state) where channel = 'link' and state not in ('completed', 'refused', 'reversed');

    -- An order that is being cancelled has its refusal already.
    alter table exchange_order drop constraint exchange_order_refused,
      add constraint exchange_order_refused check (
        (state = 'refused' and refusal is not null) or state in ('cancelling', 'in-dispute', 'reversing', 'reversed') or refusal is null);`,
};
