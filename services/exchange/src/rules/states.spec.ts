import {
  conversionAfter,
  conversionEvents,
  conversionStates,
  isOver,
  type ConversionEvent,
  type ConversionState,
} from './conversion-state.js';
import { orderAfter, orderEvents, orderStates, type OrderEvent, type OrderState } from './order-state.js';

describe('an order', () => {
  const allowed: readonly (readonly [OrderState, OrderEvent, OrderState])[] = [
    ['pending', 'issue-posted', 'completed'],
    ['pending', 'issue-refused', 'refused'],
    ['completed', 'reversal-asked', 'reversing'],
    ['reversing', 'reversal-refused', 'completed'],
    ['reversing', 'reversal-ended', 'reversed'],
    ['in-review', 'cancel-asked', 'refused'],
    // Asked again: nothing changes.
    ['reversing', 'reversal-asked', 'reversing'],
    ['reversed', 'reversal-asked', 'reversed'],
    ['refused', 'cancel-asked', 'refused'],
    ['completed', 'issue-posted', 'completed'],
    ['refused', 'issue-refused', 'refused'],
    // Heard again: nothing changes.
    ['committing', 'issue-posted', 'committing'],
    ['cancelling', 'issue-refused', 'cancelling'],
    ['reversing', 'issue-posted', 'reversing'],
    ['reversed', 'issue-posted', 'reversed'],
    ['in-dispute', 'issue-posted', 'in-dispute'],
    ['in-dispute', 'issue-refused', 'in-dispute'],
  ];

  it.each(orderStates.flatMap((state) => orderEvents.map((event) => ({ state, event, after: found(allowed, state, event) }))))(
    '$state, after $event: $after',
    ({ state, event, after }) => {
      expect(orderAfter(state, event)).toBe(after);
    },
  );
});

describe('a conversion', () => {
  const allowed: readonly (readonly [ConversionState, ConversionEvent, ConversionState])[] = [
    ['requested', 'hold-posted', 'at-scheme'],
    ['requested', 'hold-refused', 'refused'],
    ['at-scheme', 'scheme-acknowledged', 'capturing'],
    ['at-scheme', 'scheme-refused', 'releasing'],
    ['at-scheme', 'scheme-unanswered', 'releasing'],
    ['capturing', 'capture-posted', 'completed'],
    ['capturing', 'capture-refused', 'in-dispute'],
    ['releasing', 'release-posted', 'refused'],
    ['releasing', 'release-refused', 'in-dispute'],
    ['in-dispute', 'capture-asked-again', 'capturing'],
    ['in-dispute', 'release-asked-again', 'releasing'],
    // Heard again: nothing changes.
    ['at-scheme', 'hold-posted', 'at-scheme'],
    ['capturing', 'hold-posted', 'capturing'],
    ['releasing', 'hold-posted', 'releasing'],
    ['completed', 'hold-posted', 'completed'],
    ['completed', 'capture-posted', 'completed'],
    ['refused', 'hold-posted', 'refused'],
    ['refused', 'hold-refused', 'refused'],
    ['refused', 'release-posted', 'refused'],
    ['in-dispute', 'hold-posted', 'in-dispute'],
    ['in-dispute', 'capture-refused', 'in-dispute'],
    ['in-dispute', 'release-refused', 'in-dispute'],
  ];

  it.each(conversionStates.flatMap((state) => conversionEvents.map((event) => ({ state, event, after: found(allowed, state, event) }))))(
    '$state, after $event: $after',
    ({ state, event, after }) => {
      expect(conversionAfter(state, event)).toBe(after);
    },
  );

  it('that is over stays over', () => {
    for (const state of conversionStates.filter(isOver))
      for (const event of conversionEvents) expect([undefined, state]).toContain(conversionAfter(state, event));
  });

  it('is completed only by a capture, and its held points come back only by a release', () => {
    const reached = allowed.filter(([from, , to]) => from !== to && isOver(to)).map(([from, event, to]) => `${from} ${event} ${to}`);

    expect(reached).toEqual(['requested hold-refused refused', 'capturing capture-posted completed', 'releasing release-posted refused']);
  });
});

function found<S, E>(rows: readonly (readonly [S, E, S])[], state: S, event: E): S | undefined {
  return rows.find((row) => row[0] === state && row[1] === event)?.[2];
}
