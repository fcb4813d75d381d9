import fc from 'fast-check';
import {
  reservePartAfter,
  reservePartEvents,
  reservePartStates,
  type ReservePartEvent,
  type ReservePartState,
} from './reserve-part-state.js';

const outcomes = fc.record({ isHeld: fc.boolean(), isIssued: fc.boolean() });

/** What a ledger that answers each reference once would tell of one part, in the order in which it books. */
function storyOf({ isHeld, isIssued }: { readonly isHeld: boolean; readonly isIssued: boolean }): readonly ReservePartEvent[] {
  if (!isHeld) return ['hold-refused'];
  return isIssued ? ['hold-posted', 'issue-posted', 'capture-posted'] : ['hold-posted', 'issue-refused', 'release-posted'];
}

describe('a part of an allocation', () => {
  it('ends with the points in the target, or back in the reserve, however often each answer is heard', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const story = storyOf(outcome);
        let state: ReservePartState = 'holding';
        for (const [index, event] of story.entries()) {
          state = mustFollow(state, event);
          // Everything heard so far may be heard again, any number of times: it changes nothing.
          for (const again of story.slice(0, index + 1)) expect(reservePartAfter(state, again)).toBe(state);
        }
        expect(state).toBe(outcome.isHeld && outcome.isIssued ? 'completed' : 'refused');
      }),
    );
  });

  it('is completed only by a capture, and its held points come back only by a release', () => {
    const ends = changes().filter(([, , to]) => to === 'completed' || to === 'refused');

    expect(ends).toEqual([
      ['holding', 'hold-refused', 'refused'],
      ['capturing', 'capture-posted', 'completed'],
      ['releasing', 'release-posted', 'refused'],
    ]);
  });

  it('issues only after a hold, and gives back only after a refusal', () => {
    expect(changes().filter(([, , to]) => to === 'issuing')).toEqual([['holding', 'hold-posted', 'issuing']]);
    expect(changes().filter(([, , to]) => to === 'releasing')).toEqual([
      ['issuing', 'issue-refused', 'releasing'],
      ['in-dispute', 'release-asked-again', 'releasing'],
    ]);
  });

  it('calls it a contradiction when the ledger tells of a step that was never asked', () => {
    expect(reservePartAfter('holding', 'issue-posted')).toBeUndefined();
    expect(reservePartAfter('issuing', 'capture-posted')).toBeUndefined();
    expect(reservePartAfter('capturing', 'release-posted')).toBeUndefined();
    expect(reservePartAfter('completed', 'issue-refused')).toBeUndefined();
  });
});

function mustFollow(state: ReservePartState, event: ReservePartEvent): ReservePartState {
  const after = reservePartAfter(state, event);
  if (after === undefined) throw new Error(`${event} contradicts ${state}`);
  return after;
}

function changes(): (readonly [ReservePartState, ReservePartEvent, ReservePartState])[] {
  return reservePartStates.flatMap((from) =>
    reservePartEvents.flatMap((event) => {
      const to = reservePartAfter(from, event);
      return to === undefined || to === from ? [] : [[from, event, to] as const];
    }),
  );
}
