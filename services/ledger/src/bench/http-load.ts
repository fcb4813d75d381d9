import { randomUUID } from 'node:crypto';
import { serveOrders, type LoadOrder } from '@points/infrastructure';
import { holderAccount } from './fill-books.js';

export interface PostingOrder extends LoadOrder {
  readonly holders: number;
}

/** Spends of one point, of any holder at any of 1,000 merchants. */
serveOrders<PostingOrder>(({ holders }) => {
  const run = randomUUID();
  return (n) => ({
    key: `${run}-${n}`,
    body: JSON.stringify({
      holder: holderAccount(Math.floor(Math.random() * holders)).slice('holder:'.length),
      instruction: { kind: 'spend', amount: 1, to: `merchant:m${n % 1_000}`, places: ['shop:a'] },
    }),
  });
});
