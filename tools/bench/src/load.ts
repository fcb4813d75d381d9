import { randomUUID } from 'node:crypto';
import { serveOrders, type LoadOrder } from '@points/infrastructure';

/** What the parent sends to have one level run. */
export interface CallOrder extends LoadOrder {
  readonly call:
    { readonly kind: 'payment'; readonly shops: readonly string[] } | { readonly kind: 'exchange-order'; readonly partner: string };
  readonly myKeyIds: readonly string[];
}

serveOrders<CallOrder>(({ call, myKeyIds }) => {
  const run = randomUUID();
  return (n) => {
    // Spread, so that no holder is called for twice at once more often than chance has it.
    const myKeyId = myKeyIds[Math.floor(Math.random() * myKeyIds.length)];
    const body =
      call.kind === 'payment'
        ? `{"shop":"${call.shops[n % call.shops.length]}","myKeyId":"${myKeyId}","amount":1,"terminal":"T1","receipt":"R${n}"}`
        : `{"orderId":"${run}-${n}","myKeyId":"${myKeyId}","partner":"${call.partner}","partnerPoints":1}`;
    return { key: `${run}-${n}`, body };
  };
});
