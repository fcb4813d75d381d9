import type { Migration } from '@points/database';

/** What refuses to move is counted, told and tried again on somebody's word. */
export const watchReserve: Migration = {
  name: 'WatchReserve1763800002711',
  up: `
    alter table reserve_arrival
      -- When the move to the base programme was refused last.
      add column refused_at timestamptz,
      -- How often since a base programme was named or an operator asked.
      add column refusals integer not null default 0;
    create index reserve_arrival_refused on reserve_arrival (programme, refused_at) where refused_at is not null and remaining > 0;

    -- What the ledger said last of a capture or release that it refused.
    alter table reserve_part add column dispute jsonb;
    create index reserve_part_open on reserve_part (programme, state, updated_at) where state not in ('completed', 'refused');`,
};
