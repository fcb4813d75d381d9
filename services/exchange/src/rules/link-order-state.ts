import type { OrderState } from './order-state.js';

/**
 * What moves an order of a linked account: reserved at the partner, issued in the ledger, committed at the partner. The states are those
 * of every order (`order-state.ts`); the ways between them are its own.
 */
export const linkOrderEvents = [
  'review-approved',
  'review-refused',
  'partner-reserved',
  'partner-refused',
  'reserve-given-up',
  'issue-posted',
  'issue-refused',
  'partner-committed',
  'commit-refused',
  'partner-cancelled',
  'cancel-refused',
  'commit-asked-again',
  'cancel-asked-again',
  'reversal-asked',
  'reversal-ended',
  'reversal-refused',
  'cancel-asked',
] as const;
export type LinkOrderEvent = (typeof linkOrderEvents)[number];

/** As `orderAfter`: undefined is a contradiction, the same state again is a fact heard before. */
export function linkOrderAfter(state: OrderState, event: LinkOrderEvent): OrderState | undefined {
  return transitions[state][event];
}

/** States in which the partner is to be asked something, with what. */
export const partnerSteps = { reserving: 'reserve', committing: 'commit', cancelling: 'cancel' } as const satisfies Partial<
  Record<OrderState, string>
>;
export type PartnerStep = (typeof partnerSteps)[keyof typeof partnerSteps];

export function partnerStepOf(state: OrderState): PartnerStep | undefined {
  return state === 'reserving' || state === 'committing' || state === 'cancelling' ? partnerSteps[state] : undefined;
}

/**
 * Points are asked of the ledger only once the partner has reserved, and the partner is asked to take them only once they are issued. An
 * order that the partner may have reserved ends by a commit or by a cancel, never by silence. Issued points whose commit the partner has
 * refused for good (the reservation lapsed) are in dispute until they are reversed, or until the partner commits after all.
 */
const transitions: Readonly<Record<OrderState, Readonly<Partial<Record<LinkOrderEvent, OrderState>>>>> = {
  'in-review': { 'review-approved': 'reserving', 'review-refused': 'refused', 'cancel-asked': 'refused' },
  reserving: {
    'partner-reserved': 'pending',
    'partner-refused': 'refused',
    'reserve-given-up': 'cancelling',
    'cancel-asked': 'cancelling',
  },
  pending: { 'issue-posted': 'committing', 'issue-refused': 'cancelling' },
  committing: { 'issue-posted': 'committing', 'partner-committed': 'completed', 'commit-refused': 'in-dispute' },
  cancelling: {
    'issue-refused': 'cancelling',
    'cancel-asked': 'cancelling',
    'partner-cancelled': 'refused',
    'cancel-refused': 'in-dispute',
  },
  // Committed, it is an order like any other: what can happen to it then is written in `order-state.ts`.
  completed: { 'issue-posted': 'completed' },
  refused: { 'issue-refused': 'refused', 'cancel-asked': 'refused' },
  reversing: { 'issue-posted': 'reversing', 'reversal-ended': 'reversed', 'reversal-refused': 'in-dispute' },
  reversed: { 'issue-posted': 'reversed', 'reversal-ended': 'reversed' },
  'in-dispute': {
    'issue-posted': 'in-dispute',
    'issue-refused': 'in-dispute',
    'reversal-refused': 'in-dispute',
    'commit-asked-again': 'committing',
    'cancel-asked-again': 'cancelling',
    'reversal-asked': 'reversing',
  },
};
