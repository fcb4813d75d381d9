/** What reads and reports need beyond the books themselves. */
export const createReports = (tenantTable: (table: string) => string): string => `
  -- Everything of a programme in the order in which it took effect: a month is one range, a page of lines begins where the last one ended,
  -- and the entry of a system account finds its transfer.
  create index transfer_by_time on transfer (programme, effective_at, transfer);

  -- The close of a fiscal year's books (出納閉鎖), as data: the last change of a year says whether it is closed. Reopening is a change too, with its reason.
  create table period_close (
    tenant text not null,
    programme text not null,
    fiscal_year smallint not null,
    change smallint not null,
    closed boolean not null,
    -- Nothing recorded at or after this instant may take effect in a closed year. It lies a little after the change, so that whoever
    -- decided before the change was there has a time of recording before it.
    holds_from timestamptz not null,
    changed_at timestamptz not null,
    actor text not null,
    reason text not null,
    constraint period_close_pk primary key (programme, fiscal_year, change),
    constraint period_close_year check (fiscal_year between 1900 and 9999),
    constraint period_close_holds_after_change check (holds_from >= changed_at)
  );
  ${tenantTable('period_close')}
  grant select, insert on period_close to {app};
  create trigger period_close_append_only before update or delete or truncate on period_close for each statement execute function refuse_change();

  -- For the door: an effective time t is in a closed period where from_at <= t < to_at and the clock has reached closed_from.
  create view closed_period with (security_invoker = true) as
    select tenant, programme, fiscal_year, closed_from,
      make_timestamptz(fiscal_year, 4, 1, 0, 0, 0, 'Asia/Tokyo') as from_at, make_timestamptz(fiscal_year + 1, 4, 1, 0, 0, 0, 'Asia/Tokyo') as to_at
    from (
      select distinct on (programme, fiscal_year) tenant, programme, fiscal_year, closed, holds_from as closed_from
      from period_close order by programme, fiscal_year, change desc
    ) last_change
    where closed;
  grant select on closed_period to {app};
`;
