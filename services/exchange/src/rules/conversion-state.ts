/**
 * requested: the ledger is asked to hold the points. at-scheme: held, the card scheme is to credit them. capturing: the scheme has
 * acknowledged, the held points are being spent. releasing: the scheme has refused or not answered, the points are going back. in-dispute: the
 * ledger refused a capture or a release of a hold that it had confirmed (a frozen programme); a person has to look, and to ask again.
 */
export const conversionStates = ['requested', 'at-scheme', 'capturing', 'releasing', 'completed', 'refused', 'in-dispute'] as const;
export type ConversionState = (typeof conversionStates)[number];

export const conversionEvents = [
  'hold-posted',
  'hold-refused',
  'scheme-acknowledged',
  'scheme-refused',
  'scheme-unanswered',
  'capture-posted',
  'capture-refused',
  'release-posted',
  'release-refused',
  'capture-asked-again',
  'release-asked-again',
] as const;
export type ConversionEvent = (typeof conversionEvents)[number];

/** As `orderAfter`: undefined is a contradiction, the same state again is a fact heard before. */
export function conversionAfter(state: ConversionState, event: ConversionEvent): ConversionState | undefined {
  return transitions[state][event];
}

export function isOver(state: ConversionState): boolean {
  return state === 'completed' || state === 'refused';
}

/**
 * Every way from a posted hold ends in a capture or in a release. `scheme-unanswered` is for the end of the scheme's days alone: when
 * the attempts are used up the conversion stays, held, until then or until an operator has it tried again.
 */
const transitions: Readonly<Record<ConversionState, Readonly<Partial<Record<ConversionEvent, ConversionState>>>>> = {
  requested: { 'hold-posted': 'at-scheme', 'hold-refused': 'refused' },
  'at-scheme': {
    'hold-posted': 'at-scheme',
    'scheme-acknowledged': 'capturing',
    'scheme-refused': 'releasing',
    'scheme-unanswered': 'releasing',
  },
  capturing: { 'hold-posted': 'capturing', 'capture-posted': 'completed', 'capture-refused': 'in-dispute' },
  releasing: { 'hold-posted': 'releasing', 'release-posted': 'refused', 'release-refused': 'in-dispute' },
  completed: { 'hold-posted': 'completed', 'capture-posted': 'completed' },
  refused: { 'hold-posted': 'refused', 'hold-refused': 'refused', 'release-posted': 'refused' },
  'in-dispute': {
    'hold-posted': 'in-dispute',
    'capture-refused': 'in-dispute',
    'release-refused': 'in-dispute',
    'capture-asked-again': 'capturing',
    'release-asked-again': 'releasing',
  },
};
