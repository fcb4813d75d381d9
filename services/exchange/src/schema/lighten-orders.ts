import { tenantTable, type Migration } from '@points/database';

/**
 * An update of an order that touches no column of any index, partial ones included, leaves all indexes alone (HOT). What comes and goes
 * with an order's state therefore lies beside it: what waits for a person, which link orders are not over, what was booked and on which
 * statement it is.
 */
export const lightenOrders: Migration = {
  name: 'LightenOrders1763800002501',
  up: `
    -- Of every order that was booked: its line of the partner's account. Rows come from the update that books the order, and orders are never
    -- deleted: a foreign key would find nothing, and would lock each order once more.
    create table order_booking (
      id uuid not null,
      tenant text not null,
      programme text not null,
      partner text not null,
      booked_at timestamptz not null,
      statement uuid,
      constraint order_booking_pk primary key (id)
    );
    -- What is there already is of every municipality.
    select set_config('app.tenant', '*', true);
    insert into order_booking (id, tenant, programme, partner, booked_at, statement)
      select id, tenant, programme, partner, booked_at, statement from exchange_order where booked_at is not null;
    create index order_booking_unstated on order_booking (programme, partner, booked_at, id) where statement is null;
    create index order_booking_stated on order_booking (statement, booked_at, id) where statement is not null;
    ${tenantTable('order_booking')}
    grant select, insert, update (statement) on order_booking to {app};

    create or replace view account_line with (security_invoker = true) as
      select b.id, b.tenant, b.programme, b.partner, 'order' as kind, o.order_id, b.booked_at as happened_at, o.partner_points, o.municipal_points,
             o.rest, o.terms_version, null::text as borne_by, null::text as cause, 0::bigint as yen, null::bigint as owed, b.statement
      from order_booking b join exchange_order o on o.id = b.id
      union all
      select id, tenant, programme, partner, 'bonus', order_id, bonus_booked_at, 0, bonus_points, 0, terms_version, bonus_borne_by, campaign, 0, null, bonus_statement
      from exchange_order where bonus_booked_at is not null
      union all
      select r.id, r.tenant, r.programme, r.partner, 'order-reversal', o.order_id, r.reversed_at, -o.partner_points, -o.municipal_points, -o.rest,
             o.terms_version, null, r.reason, 0, r.owed_points, r.statement
      from order_reversal r join exchange_order o on o.id = r.order_row where r.reversed_at is not null
      union all
      select r.id, r.tenant, r.programme, r.partner, 'bonus-reversal', o.order_id, r.bonus_reversed_at, 0, -o.bonus_points, 0,
             o.terms_version, o.bonus_borne_by, r.reason, 0, r.bonus_owed_points, r.bonus_statement
      from order_reversal r join exchange_order o on o.id = r.order_row where r.bonus_reversed_at is not null
      union all
      select id, tenant, programme, partner, 'correction', order_id, made_at, 0, 0, 0, null, null, cause, yen, null, statement
      from statement_correction;
    -- With both of its indexes.
    alter table exchange_order drop column statement;

    -- Orders that wait for a person, while they do.
    create table order_in_review (
      id uuid not null,
      tenant text not null,
      programme text not null,
      constraint order_in_review_pk primary key (programme, id),
      constraint order_in_review_order_fk foreign key (id) references exchange_order (id)
    );
    insert into order_in_review (id, tenant, programme) select id, tenant, programme from exchange_order where state = 'in-review';
    ${tenantTable('order_in_review')}
    grant select, insert, delete on order_in_review to {app};
    drop index exchange_order_in_review;

    create function keep_review() returns trigger language plpgsql as $$
      begin
        if new.state = 'in-review' then
          insert into order_in_review (id, tenant, programme) values (new.id, new.tenant, new.programme);
        else
          delete from order_in_review where programme = new.programme and id = new.id;
        end if;
        return null;
      end $$;
    create trigger order_begins_review after insert on exchange_order for each row when (new.state = 'in-review') execute function keep_review();
    create trigger order_leaves_review after update of state on exchange_order for each row
      when (old.state = 'in-review' and new.state <> 'in-review') execute function keep_review();

    alter table link_order add column is_over boolean not null default false;
    update link_order l set is_over = true from exchange_order o where o.id = l.id and o.state in ('completed', 'refused', 'reversed');
    create index link_order_open on link_order (id) where not is_over;
    drop index exchange_order_open_link;

    create function end_link_order() returns trigger language plpgsql as $$
      begin
        update link_order set is_over = new.state in ('completed', 'refused', 'reversed') where id = new.id;
        return null;
      end $$;
    create trigger link_order_ends after update of state on exchange_order for each row
      when (new.channel = 'link' and (old.state in ('completed', 'refused', 'reversed')) <> (new.state in ('completed', 'refused', 'reversed')))
      execute function end_link_order();

    select set_config('app.tenant', '', true);
    -- A page has room for the second version of each of its rows: orders that are placed together end together.
    alter table exchange_order set (fillfactor = 50);`,
};
