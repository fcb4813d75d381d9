/**
 * Lots that end at the same instant, in the order of their accounts: a night's expiry goes on behind the account at which it stopped. By
 * the end alone, each step would pass all that ended in that night and are done already, which a million lots make a thousand times.
 * And of an account those that are over are found without a look at the ones that live.
 */
export const createEndingOrder = `
  drop index lot_ending;
  create index lot_ending on lot (programme, expires_at, account) where open;
  drop index lot_open;
  create index lot_open on lot (programme, account, expires_at) where open;
`;
