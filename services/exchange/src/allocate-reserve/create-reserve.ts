import type { Migration } from '@points/database';
import { reservePartStates } from '../rules/reserve-part-state.js';

/**
 * The reserve is the platform's and its parts belong to a holder and two programmes at once, so that these tables have no tenant: every
 * statement names the reserve's programme or a reference of its own. See docs/decisions/0009-reserve.md.
 */
export const createReserve: Migration = {
  name: 'CreateReserve1763800002701',
  up: `
    create table reserve_programme (
      programme text not null,
      opened_by text not null,
      opened_at timestamptz not null,
      constraint reserve_programme_pk primary key (programme)
    );
    grant select, insert on reserve_programme to {app};

    -- Append only: what held at which time decides where points go, not when the job runs.
    create table reserve_base (
      programme text not null,
      holder uuid not null,
      named_at timestamptz not null,
      target text not null,
      client text not null,
      constraint reserve_base_pk primary key (programme, holder, named_at)
    );
    grant select, insert on reserve_base to {app};

    -- The points of an order, or of its bonus, that came into the reserve.
    create table reserve_arrival (
      id uuid not null,
      programme text not null,
      holder uuid not null,
      order_row uuid not null,
      part text not null,
      arrived_at timestamptz not null,
      points bigint not null,
      -- Below zero while a reversal has taken points that a part under way is about to give back.
      remaining bigint not null,
      -- When to go to the base programme; null while nothing is left, or no base programme is named.
      automatic_at timestamptz,
      automatic_tries integer not null default 0,
      constraint reserve_arrival_pk primary key (id),
      constraint reserve_arrival_once unique (order_row, part),
      constraint reserve_arrival_programme_fk foreign key (programme) references reserve_programme (programme),
      constraint reserve_arrival_points_positive check (points > 0 and remaining <= points)
    );
    create index reserve_arrival_of_holder on reserve_arrival (programme, holder, arrived_at);
    create index reserve_arrival_due on reserve_arrival (automatic_at) where automatic_at is not null;
    grant select, insert, update on reserve_arrival to {app};

    create table reserve_allocation (
      programme text not null,
      allocation_id text not null,
      holder uuid not null,
      -- Of the arrival that fell due; null where the holder has chosen.
      arrival uuid,
      requested_at timestamptz not null,
      client text not null,
      constraint reserve_allocation_pk primary key (programme, allocation_id)
    );
    create index reserve_allocation_of_holder on reserve_allocation (programme, holder, requested_at);
    grant select, insert on reserve_allocation to {app};

    create table reserve_part (
      id uuid not null,
      programme text not null,
      allocation_id text not null,
      seq smallint not null,
      holder uuid not null,
      client text not null,
      target text not null,
      points bigint not null,
      state text not null,
      reference text not null,
      hold uuid not null,
      refusal jsonb,
      -- In dispute: the step that the ledger refused, and how often it was asked again.
      disputed text,
      asked_again integer not null default 0,
      updated_at timestamptz not null,
      constraint reserve_part_pk primary key (programme, allocation_id, seq),
      constraint reserve_part_id_unique unique (id),
      constraint reserve_part_reference_unique unique (reference),
      constraint reserve_part_allocation_fk foreign key (programme, allocation_id) references reserve_allocation (programme, allocation_id),
      constraint reserve_part_points_positive check (points > 0),
      constraint reserve_part_state_known check (state in (${reservePartStates.map((one) => `'${one}'`).join(', ')})),
      constraint reserve_part_dispute_named check ((state = 'in-dispute') = (disputed is not null))
    );
    grant select, insert, update on reserve_part to {app};

    create table reserve_draw (
      part uuid not null,
      arrival uuid not null,
      points bigint not null,
      constraint reserve_draw_pk primary key (part, arrival),
      constraint reserve_draw_part_fk foreign key (part) references reserve_part (id),
      constraint reserve_draw_arrival_fk foreign key (arrival) references reserve_arrival (id),
      constraint reserve_draw_points_positive check (points > 0)
    );
    grant select, insert on reserve_draw to {app};`,
};
