import { tenantTable, type Migration } from '@points/database';

/**
 * How a scheme is asked, and the files of those that take files. A conversion keeps the delivery under which it was asked for, and the
 * day of the file that it is in: once, or never. Its points go back at `give_back_at` where nobody has answered; those that wait at the
 * time of this migration get the whole time from then on.
 */
export const createSchemeFiles: Migration = {
  name: 'CreateSchemeFiles1763800002801',
  up: `
    alter table scheme
      alter column endpoint drop not null,
      add column delivery text not null default 'api',
      add column cut_off_hour smallint,
      add column give_back_after_days smallint not null default 14,
      add column clients text[] not null default '{}',
      add constraint scheme_delivery_known check (delivery in ('api', 'file')),
      add constraint scheme_delivery_whole check (
        (delivery = 'api' and endpoint is not null and cut_off_hour is null)
        or (delivery = 'file' and endpoint is null and secret is null and cut_off_hour between 0 and 23)),
      add constraint scheme_give_back_days check (give_back_after_days between 1 and 90);

    -- The next file of each scheme that takes or took files. Apart from the scheme, whose row every conversion reads under a lock.
    create table scheme_file_plan (
      tenant text not null,
      programme text not null,
      scheme text not null,
      next_day date not null,
      -- Null while the scheme is asked by its API. While a file is being made: the end of the lease.
      due_at timestamptz,
      constraint scheme_file_plan_pk primary key (programme, scheme),
      constraint scheme_file_plan_scheme_fk foreign key (programme, scheme) references scheme (programme, scheme)
    );
    create index scheme_file_plan_due on scheme_file_plan (due_at) where due_at is not null;
    ${tenantTable('scheme_file_plan')}
    grant select, insert, update on scheme_file_plan to {app};

    -- Append only: a file is the same bytes for ever.
    create table scheme_file (
      tenant text not null,
      programme text not null,
      scheme text not null,
      day date not null,
      cut_off timestamptz not null,
      made_at timestamptz not null,
      lines integer not null,
      points bigint not null,
      sha256 bytea not null,
      content bytea not null,
      constraint scheme_file_pk primary key (programme, scheme, day),
      constraint scheme_file_scheme_fk foreign key (programme, scheme) references scheme (programme, scheme),
      constraint scheme_file_after_cut_off check (made_at >= cut_off),
      constraint scheme_file_sums check (lines >= 0 and points >= lines)
    );
    ${tenantTable('scheme_file')}
    grant select, insert on scheme_file to {app};

    -- Append only: what a scheme answered, and what of it could not be believed.
    create table scheme_result (
      id uuid not null,
      tenant text not null,
      programme text not null,
      scheme text not null,
      client text not null,
      received_at timestamptz not null,
      sha256 bytea not null,
      lines integer not null,
      accepted integer not null,
      refused integer not null,
      unchanged integer not null,
      contradictions jsonb not null,
      constraint scheme_result_pk primary key (id),
      constraint scheme_result_scheme_fk foreign key (programme, scheme) references scheme (programme, scheme)
    );
    create index scheme_result_by_scheme on scheme_result (programme, scheme, id);
    ${tenantTable('scheme_result')}
    grant select, insert on scheme_result to {app};

    alter table conversion
      add column delivery text not null default 'api',
      add column held_at timestamptz,
      add column give_back_at timestamptz,
      add column file_day date,
      add constraint conversion_file_fk foreign key (programme, scheme, file_day) references scheme_file (programme, scheme, day),
      add constraint conversion_in_file check (file_day is null or delivery = 'file'),
      -- The worker that calls schemes takes what has a time for its next attempt.
      add constraint conversion_file_not_called check (delivery = 'api' or (next_attempt_at is null and (state <> 'at-scheme' or held_at is not null)));
    -- Of every municipality.
    select set_config('app.tenant', '*', true);
    update conversion
    set held_at = now(), give_back_at = ((now() at time zone 'Asia/Tokyo')::date + 15)::timestamp at time zone 'Asia/Tokyo'
    where state = 'at-scheme';
    select set_config('app.tenant', '', true);
    create index conversion_for_file on conversion (programme, scheme, held_at)
      where delivery = 'file' and state = 'at-scheme' and file_day is null;
    create index conversion_of_file on conversion (programme, scheme, file_day) where file_day is not null;
    create index conversion_to_give_back on conversion (give_back_at) where state = 'at-scheme' and next_attempt_at is null;`,
};
