import { randomUUID } from 'node:crypto';
import { serveOrders, type LoadOrder } from '@points/infrastructure';

/** What the parent sends to have one level run. */
export interface PaymentOrder extends LoadOrder {
  readonly shops: readonly string[];
  readonly myKeyIds: readonly string[];
}

serveOrders<PaymentOrder>(({ shops, myKeyIds }) => {
  const run = randomUUID();
  return (n) => {
    // Spread, so that no holder pays twice at once more often than chance has it.
    const myKeyId = myKeyIds[Math.floor(Math.random() * myKeyIds.length)];
    return {
      key: `${run}-${n}`,
      body: `{"shop":"${shops[n % shops.length]}","myKeyId":"${myKeyId}","amount":1,"terminal":"T1","receipt":"R${n}"}`,
    };
  };
});
