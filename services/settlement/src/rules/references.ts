/** Names under which the ledger books what happens to a payment: unique for ever, and read back from its answers. */
export type Reference =
  | { readonly kind: 'opening'; readonly payment: string }
  | { readonly kind: 'capture'; readonly payment: string; readonly n: number }
  | { readonly kind: 'refund'; readonly payment: string; readonly refund: string }
  | { readonly kind: 'release'; readonly payment: string; readonly n: number };

export function referenceText(reference: Reference): string {
  const payment = `settlement:payment:${reference.payment}`;
  switch (reference.kind) {
    case 'opening':
      return payment;
    case 'capture':
      return `${payment}:capture:${reference.n}`;
    case 'refund':
      return `${payment}:refund:${reference.refund}`;
    case 'release':
      // The first is the plain one; a further one exists only where the ledger refused the one before.
      return reference.n === 1 ? `${payment}:release` : `${payment}:release:${reference.n}`;
  }
}

/** The payment that a reference of this service is about; undefined for any other text. */
export function paymentOfReference(reference: string): { readonly payment: string; readonly isOpening: boolean } | undefined {
  const match = /^settlement:payment:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(:\S+)?$/.exec(reference);
  return match?.[1] === undefined ? undefined : { payment: match[1], isOpening: match[2] === undefined };
}
