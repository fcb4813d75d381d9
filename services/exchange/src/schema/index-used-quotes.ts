import type { Migration } from '@points/database';

/** A unique constraint has an entry for every order, and only those that a resident confirmed have a quote: the others need none. */
export const indexUsedQuotes: Migration = {
  name: 'IndexUsedQuotes1763800002951',
  up: `
    alter table exchange_order drop constraint exchange_order_quote_once;
    create unique index exchange_order_quote_once on exchange_order (quote) where quote is not null;`,
};
