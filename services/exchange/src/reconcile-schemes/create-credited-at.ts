import type { Migration } from '@points/database';

/**
 * When the scheme acknowledged. For conversions of the time before the column it is their last move, which was the capture; for
 * history it is the time that they were brought in with, as in the ledger.
 */
export const creditedAt = 'case when is_history then requested_at else coalesce(credited_at, updated_at) end';

export const createCreditedAt: Migration = {
  name: 'CreateCreditedAt1763800002601',
  up: `
    alter table conversion add column credited_at timestamptz;
    create index conversion_credited on conversion (programme, scheme, (${creditedAt})) where receipt is not null;`,
};
