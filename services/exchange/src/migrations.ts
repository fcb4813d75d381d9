import { createReserve } from './allocate-reserve/create-reserve.js';
import { watchReserve } from './allocate-reserve/watch-reserve.js';
import { createSchemeFiles } from './credit-by-file/create-scheme-files.js';
import { tenantTable, type Migration } from '@points/database';
import { holderMigrations } from '@points/holders';
import { httpMigrations } from '@points/http';
import { messagingMigrations } from '@points/messaging';
import { createReversals } from './reverse-orders/create-reversals.js';
import { conversionStates } from './rules/conversion-state.js';
import { createCreditedAt } from './reconcile-schemes/create-credited-at.js';
import { createProgrammeFacts } from './know-programmes/create-programme-facts.js';
import { createCoupons } from './redeem-coupons/create-coupons.js';
import { createScreening } from './screen-orders/create-screening.js';
import { createAccounts } from './state-accounts/create-accounts.js';
import { createAccountLinks, createLinkOrders } from './schema/create-account-links.js';
import { createCampaigns, createQuotes, createTerms, extendOrders } from './schema/create-terms.js';
import { createWebhooks } from './tell-partners/create-webhooks.js';
import { approveUploadKeys } from './schema/approve-upload-keys.js';
import { indexUsedQuotes } from './schema/index-used-quotes.js';
import { lightenOrders } from './schema/lighten-orders.js';
import { createUploads } from './schema/create-uploads.js';

const createPartners: Migration = {
  name: 'CreatePartners1763800002001',
  up: `
    create table partner (
      tenant text not null,
      programme text not null,
      partner text not null,
      name text not null,
      lot_partner_points bigint not null,
      min_partner_points bigint,
      max_partner_points bigint,
      valid_from date,
      valid_to date,
      clients text[] not null,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint partner_pk primary key (programme, partner),
      constraint partner_programme_of_tenant check (left(programme, 6) = tenant),
      constraint partner_lot_positive check (lot_partner_points > 0),
      constraint partner_limits_ordered check (min_partner_points <= max_partner_points),
      constraint partner_days_ordered check (valid_from <= valid_to)
    );
    ${tenantTable('partner')}

    -- Append only: an order keeps the version it was quoted under. Version 1 holds from -infinity, because orders of the time before
    -- the partner was set up here (a municipality that brings its history) were made under it.
    create table partner_rate (
      tenant text not null,
      programme text not null,
      partner text not null,
      version integer not null,
      numerator integer not null,
      denominator integer not null,
      holds_from timestamptz not null,
      constraint partner_rate_pk primary key (programme, partner, version),
      constraint partner_rate_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint partner_rate_positive check (numerator > 0 and denominator > 0)
    );
    ${tenantTable('partner_rate')}

    grant select, insert, update on partner to {app};
    grant select, insert on partner_rate to {app};`,
};

const createExchangeOrders: Migration = {
  name: 'CreateExchangeOrders1763800002003',
  up: `
    create table exchange_order (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      order_id text not null,
      reference text not null,
      my_key_id text not null,
      holder uuid not null,
      partner_points bigint not null,
      municipal_points bigint not null,
      rate_version integer not null,
      accepted_at timestamptz not null,
      client text not null,
      state text not null,
      posting uuid,
      booked_at timestamptz,
      refusal jsonb,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint exchange_order_pk primary key (programme, partner, order_id),
      constraint exchange_order_id_unique unique (id),
      constraint exchange_order_reference_unique unique (reference),
      constraint exchange_order_rate_fk foreign key (programme, partner, rate_version) references partner_rate (programme, partner, version),
      constraint exchange_order_points_positive check (partner_points > 0 and municipal_points > 0),
      constraint exchange_order_state_known check (state in ('pending', 'completed', 'refused')),
      constraint exchange_order_completed check ((state = 'completed') = (posting is not null and booked_at is not null)),
      constraint exchange_order_refused check ((state = 'refused') = (refusal is not null))
    );
    ${tenantTable('exchange_order')}
    grant select, insert, update on exchange_order to {app};`,
};

const createConversions: Migration = {
  name: 'CreateConversions1763800002004',
  up: `
    create table scheme (
      tenant text not null,
      programme text not null,
      scheme text not null,
      name text not null,
      endpoint text not null,
      secret text,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint scheme_pk primary key (programme, scheme),
      constraint scheme_programme_of_tenant check (left(programme, 6) = tenant)
    );
    ${tenantTable('scheme')}
    grant select, insert, update on scheme to {app};

    create table conversion (
      id uuid not null,
      tenant text not null,
      programme text not null,
      conversion_id text not null,
      reference text not null,
      my_key_id text not null,
      holder uuid not null,
      scheme text not null,
      points bigint not null,
      requested_at timestamptz not null,
      -- True when requested_at is the caller's and not the clock's: then every posting names it as its effective time.
      is_history boolean not null,
      client text not null,
      state text not null,
      hold uuid not null,
      receipt text,
      refusal jsonb,
      attempts integer not null default 0,
      -- Of the attempt that runs or ran last: what an earlier one has to say any more is not listened to.
      lease uuid,
      -- Null while there is nothing to try: not at the scheme, or the attempts are used up.
      next_attempt_at timestamptz,
      last_problem text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint conversion_pk primary key (programme, conversion_id),
      constraint conversion_id_unique unique (id),
      constraint conversion_reference_unique unique (reference),
      constraint conversion_scheme_fk foreign key (programme, scheme) references scheme (programme, scheme),
      constraint conversion_points_positive check (points > 0),
      constraint conversion_state_known check (state in (${listed(conversionStates)})),
      constraint conversion_attempt_only_at_scheme check (next_attempt_at is null or state = 'at-scheme'),
      constraint conversion_receipt_before_capture check (state not in ('capturing', 'completed') or receipt is not null),
      constraint conversion_refused check (state not in ('releasing', 'refused', 'in-dispute') or refusal is not null)
    );
    create index conversion_due on conversion (next_attempt_at) where next_attempt_at is not null;
    create index conversion_open on conversion (state) where state not in ('completed', 'refused');
    ${tenantTable('conversion')}
    grant select, insert, update on conversion to {app};`,
};

/** Which asking of a capture or release holds now: the ledger's answer to a reference is final, so each asking has its own. */
const countAskings: Migration = {
  name: 'CountAskings1763800002005',
  up: 'alter table conversion add column asked_again integer not null default 0',
};

/** Those of the frame and the service's own. */
export const migrations: readonly Migration[] = [
  ...httpMigrations,
  ...holderMigrations,
  ...messagingMigrations,
  createPartners,
  createExchangeOrders,
  createConversions,
  countAskings,
  createTerms,
  createCampaigns,
  createQuotes,
  extendOrders,
  createProgrammeFacts,
  createCoupons,
  createScreening,
  createReversals,
  createAccounts,
  createWebhooks,
  createAccountLinks,
  createLinkOrders,
  createUploads,
  lightenOrders,
  createCreditedAt,
  createReserve,
  watchReserve,
  createSchemeFiles,
  indexUsedQuotes,
  approveUploadKeys,
];

function listed(states: readonly string[]): string {
  return states.map((state) => `'${state}'`).join(', ');
}
