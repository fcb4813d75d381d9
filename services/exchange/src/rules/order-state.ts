/**
 * in-review: waits for a person. reserving: a linked partner is to set the partner points aside. pending: asked of the ledger.
 * committing: issued, a linked partner is to take the partner points for good. cancelling: not issued, a linked partner is to give them
 * back. completed: the points are issued. refused: they are not. reversing, reversed: taken back from the holder. in-dispute: two parties
 * say what cannot both be; a person looks. An order that the rules of this service refuse is never stored, so it has no state.
 */
export const orderStates = [
  'in-review',
  'reserving',
  'pending',
  'committing',
  'cancelling',
  'completed',
  'refused',
  'reversing',
  'reversed',
  'in-dispute',
] as const;
export type OrderState = (typeof orderStates)[number];

export const orderEvents = [
  'issue-posted',
  'issue-refused',
  'reversal-asked',
  'reversal-refused',
  'reversal-ended',
  'cancel-asked',
] as const;
export type OrderEvent = (typeof orderEvents)[number];

/**
 * The state after a fact; undefined when the fact contradicts the state, which only a broken book can cause. A fact that was
 * heard before leaves the state as it is: the ledger answers a repeated request with the first outcome again.
 */
export function orderAfter(state: OrderState, event: OrderEvent): OrderState | undefined {
  return transitions[state][event];
}

/** Nothing more happens to it by itself: whoever waits for its end may be told. */
export function isSettled(state: OrderState): boolean {
  return state === 'completed' || state === 'refused' || state === 'reversed';
}

const transitions: Readonly<Record<OrderState, Readonly<Partial<Record<OrderEvent, OrderState>>>>> = {
  'in-review': { 'cancel-asked': 'refused' },
  reserving: {},
  pending: { 'issue-posted': 'completed', 'issue-refused': 'refused' },
  committing: { 'issue-posted': 'committing' },
  cancelling: { 'issue-refused': 'cancelling' },
  completed: { 'issue-posted': 'completed', 'reversal-asked': 'reversing' },
  refused: { 'issue-refused': 'refused', 'cancel-asked': 'refused' },
  // Back to completed: the ledger took nothing. Ended: the order's own points are taken back, and its bonus is or has been asked for.
  reversing: { 'issue-posted': 'reversing', 'reversal-asked': 'reversing', 'reversal-refused': 'completed', 'reversal-ended': 'reversed' },
  reversed: { 'issue-posted': 'reversed', 'reversal-asked': 'reversed' },
  'in-dispute': { 'issue-posted': 'in-dispute', 'issue-refused': 'in-dispute' },
};
