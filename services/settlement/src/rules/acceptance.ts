import { refuse, done, type Refusal, type Result } from '@points/kernel';

/** What a payment needs to know of a shop. */
export interface Shop {
  readonly id: string;
  readonly status: 'active' | 'suspended';
  readonly group?: string;
  /** Programmes whose points the shop takes. */
  readonly programmes: readonly string[];
  readonly tags: readonly string[];
}

export type AcceptanceRefusal = Refusal<'unknown-shop' | 'shop-suspended' | 'programme-not-taken' | 'unknown-my-key-id'>;

/** Before anything is booked, in a fixed order: the shop, its programmes, the holder. */
export function decideAcceptance(asked: {
  readonly programme: string;
  readonly shop: Shop | undefined;
  readonly holder: string | undefined;
}): Result<{ readonly shop: Shop; readonly holder: string }, AcceptanceRefusal> {
  const { programme, shop, holder } = asked;
  if (!shop) return refuse({ code: 'unknown-shop', detail: 'this municipality has no such shop' });
  if (shop.status !== 'active') return refuse({ code: 'shop-suspended', detail: 'the shop takes no points now' });
  if (!shop.programmes.includes(programme))
    return refuse({ code: 'programme-not-taken', detail: 'the shop does not take points of this programme' });
  if (!holder) return refuse({ code: 'unknown-my-key-id', detail: 'nobody holds this My Key ID' });
  return done({ shop, holder });
}

/** The tags by which the ledger finds the lots that are usable at this shop. */
export function placesOf(shop: Shop): string[] {
  return [...new Set([`shop:${shop.id}`, ...(shop.group ? [`group:${shop.group}`] : []), ...shop.tags])];
}
