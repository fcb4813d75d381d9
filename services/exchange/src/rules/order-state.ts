/**
 * pending: asked of the ledger. completed: the points are issued. refused: the ledger said no. An order that the rules of this
 * service refuse is never stored, so it has no state.
 */
export const orderStates = ['pending', 'completed', 'refused'] as const;
export type OrderState = (typeof orderStates)[number];

export const orderEvents = ['issue-posted', 'issue-refused'] as const;
export type OrderEvent = (typeof orderEvents)[number];

/**
 * The state after a fact; undefined when the fact contradicts the state, which only a broken book can cause. A fact that was
 * heard before leaves the state as it is: the ledger answers a repeated request with the first outcome again.
 */
export function orderAfter(state: OrderState, event: OrderEvent): OrderState | undefined {
  return transitions[state][event];
}

const transitions: Readonly<Record<OrderState, Readonly<Partial<Record<OrderEvent, OrderState>>>>> = {
  pending: { 'issue-posted': 'completed', 'issue-refused': 'refused' },
  completed: { 'issue-posted': 'completed' },
  refused: { 'issue-refused': 'refused' },
};
