import { tenantTable, type Migration } from '@points/database';

/**
 * Codes are kept as keyed hashes only: who reads the table cannot redeem. A code is unique in its programme, because a resident types
 * nothing but the code.
 */
export const createCoupons: Migration = {
  name: 'CreateCoupons1763800002020',
  up: `
    create table coupon_batch (
      tenant text not null,
      programme text not null,
      partner text not null,
      batch text not null,
      name text not null,
      expires_at timestamptz not null,
      made_by text not null,
      made_at timestamptz not null,
      voided_by text,
      voided_at timestamptz,
      void_reason text,
      constraint coupon_batch_pk primary key (programme, partner, batch),
      constraint coupon_batch_partner_fk foreign key (programme, partner) references partner (programme, partner),
      constraint coupon_batch_voided check ((voided_at is null) = (voided_by is null) and (voided_at is null) = (void_reason is null))
    );
    ${tenantTable('coupon_batch')}
    grant select, insert, update on coupon_batch to {app};

    create table coupon (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      batch text not null,
      serial text not null,
      code_hash bytea not null,
      partner_points bigint not null,
      -- The order that it has become; null again when the ledger refuses the order.
      reference text,
      holder uuid,
      tries integer not null default 0,
      redeemed_at timestamptz,
      constraint coupon_pk primary key (programme, partner, batch, serial),
      constraint coupon_code_unique unique (programme, code_hash),
      constraint coupon_batch_fk foreign key (programme, partner, batch) references coupon_batch (programme, partner, batch),
      constraint coupon_points_positive check (partner_points > 0),
      constraint coupon_redeemed check ((reference is null) = (redeemed_at is null) and (reference is null) = (holder is null))
    );
    create unique index coupon_by_reference on coupon (reference) where reference is not null;
    ${tenantTable('coupon')}
    grant select, insert, update on coupon to {app};

    -- Wrong codes of one person in one hour. Pruned a day later.
    create table coupon_guess (
      tenant text not null,
      programme text not null,
      holder uuid not null,
      hour timestamptz not null,
      wrong integer not null,
      constraint coupon_guess_pk primary key (programme, holder, hour)
    );
    create index coupon_guess_hour on coupon_guess (hour);
    ${tenantTable('coupon_guess')}
    grant select, insert, update, delete on coupon_guess to {app};`,
};
