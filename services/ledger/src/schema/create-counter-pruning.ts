/** Counters of minutes, hours and days are of no use once their period is over for everybody. */
export const createCounterPruning = `
  create index counter_of_uses on counter (period) where key like 'uses/%';
  grant delete on counter to {app};
`;
