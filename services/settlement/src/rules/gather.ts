/** 256 rows are written in 3 ms; more would make those who come next wait longer than it saves. */
export const flushPaymentsMax = 256;
/** One while nobody waits for company to arrive; with a second one the disk is not waited for. */
export const flushesMax = 2;
/** A second flush starts beside one that runs only for so many: smaller parts would cost more commits than they save time. */
const secondFlushPaymentsMin = 64;
/** Steps that a payment goes through, each for a batch at a time: flush, relay, ledger, its relay, update, and the ways between. */
const stepsUnderWay = 6;

/**
 * How many payments make a flush worth its while. A batch costs some 10 ms of CPU on its way through both services, database and
 * broker, whatever is in it: 256 callers whose payments left as they came got 1,320/s in batches of 14. So the more payments are
 * under way, the more of them are to go together; a payment alone goes at once.
 */
export function paymentsWorthAFlush(payments: { readonly underWay: number; readonly flushes: number }): number {
  const share = Math.min(flushPaymentsMax, Math.max(1, Math.ceil(payments.underWay / stepsUnderWay)));
  return payments.flushes === 0 ? share : Math.max(share, secondFlushPaymentsMin);
}
