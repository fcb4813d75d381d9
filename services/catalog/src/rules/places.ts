export type ProductKind = 'mail-order' | 'facility-ticket' | 'goods';

/**
 * Where a holder's points are spent when the product is ordered, as the ledger's tags: a lot that is bound to places is used here
 * only if it names one of these. Without doubles, in a fixed order.
 */
export function placesOfProduct(product: {
  readonly id: string;
  readonly municipality: string;
  readonly kind: ProductKind;
  readonly tags: readonly string[];
  readonly facility?: { readonly id: string; readonly tags: readonly string[] } | undefined;
}): string[] {
  const { id, kind, municipality, facility, tags } = product;
  return [
    ...new Set([
      `product:${id}`,
      ...(kind === 'mail-order' ? [`mailorder:${municipality}`] : []),
      ...(facility ? [`facility:${facility.id}`, ...facility.tags] : []),
      ...tags,
    ]),
  ];
}
