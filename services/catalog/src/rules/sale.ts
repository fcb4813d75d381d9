import { done, points, refuse, type Points, type Result } from '@points/kernel';

/** What the catalogue knows of a product when somebody wants it. */
export interface Offer {
  readonly status: 'on-sale' | 'withdrawn';
  /** Points for one piece by programme. */
  readonly prices: Readonly<Record<string, Points>>;
  /** All pieces ever offered; null = without limit. */
  readonly stock: number | null;
  /** Pieces that orders have taken. */
  readonly taken: number;
}

export type SaleRefusal = {
  readonly code: 'unknown-product' | 'product-withdrawn' | 'not-sold-for-programme' | 'out-of-stock';
  readonly detail: string;
  readonly facts?: Readonly<Record<string, string | number>>;
};

/** Checks in this order, so that the same wish always hears the same reason. The answer is what the whole order costs. */
export function decideSale(
  offer: Offer | undefined,
  wish: { readonly programme: string; readonly quantity: number },
): Result<Points, SaleRefusal> {
  if (!offer) return refuse({ code: 'unknown-product', detail: 'the catalogue of this municipality has no such product' });
  if (offer.status === 'withdrawn') return refuse({ code: 'product-withdrawn', detail: 'this product is no longer sold' });
  const price = Object.hasOwn(offer.prices, wish.programme) ? offer.prices[wish.programme] : undefined;
  if (price === undefined)
    return refuse({ code: 'not-sold-for-programme', detail: 'this product has no price in points of this programme' });
  const remaining = remainingOf(offer);
  if (remaining !== null && remaining < wish.quantity)
    return refuse({
      code: 'out-of-stock',
      detail: `${remaining} left, ${wish.quantity} wanted`,
      facts: { remaining, wanted: wish.quantity },
    });
  return done(points(price * wish.quantity));
}

export function remainingOf({ stock, taken }: Pick<Offer, 'stock' | 'taken'>): number | null {
  return stock === null ? null : stock - taken;
}
