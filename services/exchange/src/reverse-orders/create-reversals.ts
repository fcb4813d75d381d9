import { tenantTable, type Migration } from '@points/database';
import { bonusStates } from '../place-exchange-order/order-view.js';
import { reversalStates } from '../rules/reversal.js';

const listed = (states: readonly string[]) => states.map((state) => `'${state}'`).join(', ');

export const createReversals: Migration = {
  name: 'CreateReversals1763800002301',
  up: `
    alter table partner_terms add column reversal_days integer,
      add constraint partner_terms_reversal_days_not_negative check (reversal_days >= 0);

    -- Each wish to take an order back is a row of its own: one that the ledger refuses may be followed by another.
    create table order_reversal (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      order_row uuid not null,
      asked_again integer not null,
      reason text not null,
      note text,
      is_late boolean not null,
      requested_by text not null,
      requested_at timestamptz not null,
      -- Given for history only.
      effective_at timestamptz,
      state text not null,
      posting uuid,
      taken_points bigint,
      owed_points bigint,
      reversed_at timestamptz,
      refusal jsonb,
      bonus_posting uuid,
      bonus_taken_points bigint,
      bonus_owed_points bigint,
      bonus_reversed_at timestamptz,
      bonus_refusal jsonb,
      ended_at timestamptz,
      constraint order_reversal_pk primary key (id),
      constraint order_reversal_order_fk foreign key (order_row) references exchange_order (id),
      constraint order_reversal_asking_once unique (order_row, asked_again),
      constraint order_reversal_state_known check (state in (${listed(reversalStates)})),
      constraint order_reversal_taken check (
        (posting is null) = (taken_points is null) and (posting is null) = (owed_points is null) and (posting is null) = (reversed_at is null)
        and (state in ('bonus-asked', 'reversed')) = (posting is not null)),
      constraint order_reversal_bonus_taken check (
        (bonus_posting is null) = (bonus_taken_points is null) and (bonus_posting is null) = (bonus_owed_points is null)
        and (bonus_posting is null) = (bonus_reversed_at is null) and (bonus_posting is null or state = 'reversed')),
      constraint order_reversal_refused check ((state = 'refused') = (refusal is not null)),
      constraint order_reversal_ended check ((state in ('reversed', 'refused')) = (ended_at is not null))
    );
    -- An order is taken back once.
    create unique index order_reversal_once on order_reversal (order_row) where state <> 'refused';
    ${tenantTable('order_reversal')}
    grant select, insert, update on order_reversal to {app};

    alter table exchange_order
      -- The last one.
      add column reversal uuid,
      add column bonus_booked_at timestamptz,
      add constraint exchange_order_reversal_fk foreign key (reversal) references order_reversal (id) deferrable initially deferred,
      add constraint exchange_order_reversal_known check (state not in ('reversing', 'reversed') or reversal is not null),
      drop constraint exchange_order_bonus_state_known,
      add constraint exchange_order_bonus_state_known check (bonus_state in (${listed(bonusStates)}));
    -- A bonus is issued with its order, within a moment.
    update exchange_order set bonus_booked_at = booked_at where bonus_state = 'posted';`,
};
