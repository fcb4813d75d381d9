/** A hold that nobody captures gives the points back after a week: the longest time between an order and its delivery seen at 商店街 shops. */
export const holdDaysMax = 7;
/** Deliveries of one order. */
export const capturesMax = 20;
/** Everything that may be asked of one payment; each is a row that later decisions must read under the payment's lock. */
export const actionsMax = 100;
/** The ledger takes 20 tags for a place, and two are the shop's own: `shop:<id>` and `group:<id>`. */
export const shopTagsMax = 18;
export const shopProgrammesMax = 50;
