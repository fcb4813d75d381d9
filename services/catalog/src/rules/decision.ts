/** What becomes of something that the ledger decides in one posting: a donation, a grant, the refund of a cancellation. */
export type Decision =
  | { readonly state: 'pending' }
  | { readonly state: 'confirmed'; readonly posting: string }
  | { readonly state: 'refused'; readonly refusal: LedgerRefusal };

/** The ledger's reason, passed on as it is: its codes are part of this API too. */
export interface LedgerRefusal {
  readonly code: string;
  readonly detail: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** What the ledger said. */
export type Outcome = { readonly posted: string } | { readonly refused: LedgerRefusal };

/** The ledger decides once: whatever comes after its first word changes nothing. */
export function decided(decision: Decision, outcome: Outcome): Decision {
  if (decision.state !== 'pending') return decision;
  return 'posted' in outcome ? { state: 'confirmed', posting: outcome.posted } : { state: 'refused', refusal: outcome.refused };
}
