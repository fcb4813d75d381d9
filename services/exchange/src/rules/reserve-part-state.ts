/**
 * One part of an allocation. holding: the ledger is asked to hold the points in the reserve programme. issuing: held, the target is
 * asked to issue as many. capturing: issued, the held points are being taken out of the reserve. releasing: the target has refused,
 * the held points are going back to the same lots. in-dispute: the ledger refused a capture or a release of a hold that it had
 * confirmed; a person has to look, and to ask again.
 */
export const reservePartStates = ['holding', 'issuing', 'capturing', 'releasing', 'completed', 'refused', 'in-dispute'] as const;
export type ReservePartState = (typeof reservePartStates)[number];

export const reservePartEvents = [
  'hold-posted',
  'hold-refused',
  'issue-posted',
  'issue-refused',
  'capture-posted',
  'capture-refused',
  'release-posted',
  'release-refused',
  'capture-asked-again',
  'release-asked-again',
] as const;
export type ReservePartEvent = (typeof reservePartEvents)[number];

/** As `conversionAfter`: undefined is a contradiction, the same state again is a fact heard before. */
export function reservePartAfter(state: ReservePartState, event: ReservePartEvent): ReservePartState | undefined {
  return transitions[state][event];
}

/** What the ledger is asked for when a part has come into this state. */
export function stepOfPart(state: ReservePartState): 'hold' | 'issue' | 'capture' | 'release' | undefined {
  return steps[state];
}

const steps: Readonly<Partial<Record<ReservePartState, 'hold' | 'issue' | 'capture' | 'release'>>> = {
  holding: 'hold',
  issuing: 'issue',
  capturing: 'capture',
  releasing: 'release',
};

/**
 * The target issues only after the reserve holds, and the hold is released only when the target has refused: the holder can never
 * spend a point in both programmes.
 */
const transitions: Readonly<Record<ReservePartState, Readonly<Partial<Record<ReservePartEvent, ReservePartState>>>>> = {
  holding: { 'hold-posted': 'issuing', 'hold-refused': 'refused' },
  issuing: { 'hold-posted': 'issuing', 'issue-posted': 'capturing', 'issue-refused': 'releasing' },
  capturing: { 'hold-posted': 'capturing', 'issue-posted': 'capturing', 'capture-posted': 'completed', 'capture-refused': 'in-dispute' },
  releasing: { 'hold-posted': 'releasing', 'issue-refused': 'releasing', 'release-posted': 'refused', 'release-refused': 'in-dispute' },
  completed: { 'hold-posted': 'completed', 'issue-posted': 'completed', 'capture-posted': 'completed' },
  refused: { 'hold-posted': 'refused', 'hold-refused': 'refused', 'issue-refused': 'refused', 'release-posted': 'refused' },
  'in-dispute': {
    'hold-posted': 'in-dispute',
    'issue-posted': 'in-dispute',
    'issue-refused': 'in-dispute',
    'capture-refused': 'in-dispute',
    'release-refused': 'in-dispute',
    'capture-asked-again': 'capturing',
    'release-asked-again': 'releasing',
  },
};
