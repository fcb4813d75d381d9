import { linkOrderAfter, linkOrderEvents, partnerStepOf, type LinkOrderEvent } from './link-order-state.js';
import { isSettled, orderStates, type OrderState } from './order-state.js';
import { readPartnerAnswer } from './partner-answer.js';
import { partnerAttemptsMax, retryDelayMs } from './retry.js';

describe('an order of a linked account', () => {
  const moves: readonly (readonly [OrderState, LinkOrderEvent, OrderState])[] = [
    ['in-review', 'review-approved', 'reserving'],
    ['in-review', 'review-refused', 'refused'],
    ['in-review', 'cancel-asked', 'refused'],
    ['reserving', 'cancel-asked', 'cancelling'],
    ['reserving', 'partner-reserved', 'pending'],
    ['reserving', 'partner-refused', 'refused'],
    ['reserving', 'reserve-given-up', 'cancelling'],
    ['pending', 'issue-posted', 'committing'],
    ['pending', 'issue-refused', 'cancelling'],
    ['committing', 'partner-committed', 'completed'],
    ['committing', 'commit-refused', 'in-dispute'],
    ['cancelling', 'partner-cancelled', 'refused'],
    ['cancelling', 'cancel-refused', 'in-dispute'],
    ['in-dispute', 'commit-asked-again', 'committing'],
    ['in-dispute', 'cancel-asked-again', 'cancelling'],
    ['in-dispute', 'reversal-asked', 'reversing'],
    ['reversing', 'reversal-ended', 'reversed'],
    ['reversing', 'reversal-refused', 'in-dispute'],
  ];
  /** Heard again: nothing changes. */
  const repeats: readonly (readonly [OrderState, LinkOrderEvent])[] = [
    ['committing', 'issue-posted'],
    ['completed', 'issue-posted'],
    ['reversing', 'issue-posted'],
    ['reversed', 'issue-posted'],
    ['in-dispute', 'issue-posted'],
    ['cancelling', 'issue-refused'],
    ['refused', 'issue-refused'],
    ['cancelling', 'cancel-asked'],
    ['refused', 'cancel-asked'],
    ['in-dispute', 'issue-refused'],
    ['in-dispute', 'reversal-refused'],
    ['reversed', 'reversal-ended'],
  ];
  const expected = (state: OrderState, event: LinkOrderEvent) =>
    moves.find(([from, heard]) => from === state && heard === event)?.[2] ??
    (repeats.some(([from, heard]) => from === state && heard === event) ? state : undefined);

  it.each(orderStates.flatMap((state) => linkOrderEvents.map((event) => ({ state, event, after: expected(state, event) }))))(
    '$state, after $event: $after',
    ({ state, event, after }) => {
      expect(linkOrderAfter(state, event)).toBe(after);
    },
  );

  it('is completed by a commit only, and refused only when the partner has nothing reserved', () => {
    const into = (end: OrderState) => moves.filter(([from, , to]) => from !== to && to === end).map(([from, event]) => `${from} ${event}`);

    expect(into('completed')).toEqual(['committing partner-committed']);
    expect(into('refused')).toEqual([
      'in-review review-refused',
      'in-review cancel-asked',
      'reserving partner-refused',
      'cancelling partner-cancelled',
    ]);
  });

  it('has an end to reach from every state that it can be in', () => {
    const reach = (state: OrderState, seen: readonly OrderState[] = []): boolean =>
      isSettled(state) || moves.some(([from, , to]) => from === state && !seen.includes(to) && reach(to, [...seen, state]));

    expect(orderStates.filter((state) => !reach(state))).toEqual([]);
  });

  it('asks its partner in three states', () => {
    expect(orderStates.flatMap((state) => partnerStepOf(state) ?? [])).toEqual(['reserve', 'commit', 'cancel']);
  });
});

describe('the answer of a partner', () => {
  const lapsesAt = '2026-04-01T10:30:00+09:00';

  it.each([
    ['reserve', 201, { state: 'reserved', lapsesAt }, { kind: 'reserved', lapsesAt: '2026-04-01T01:30:00.000Z' }],
    ['reserve', 200, { state: 'reserved', lapsesAt }, { kind: 'reserved', lapsesAt: '2026-04-01T01:30:00.000Z' }],
    [
      'reserve',
      422,
      { code: 'insufficient-points', detail: 'too few' },
      { kind: 'refused', code: 'insufficient-points', detail: 'too few' },
    ],
    ['reserve', 409, { code: 'lapsed' }, { kind: 'refused', code: 'lapsed', detail: 'the partner gave no reason' }],
    [
      'reserve',
      409,
      { code: 'already-cancelled', detail: 'x'.repeat(400) },
      { kind: 'refused', code: 'already-cancelled', detail: 'x'.repeat(300) },
    ],
    ['reserve', 409, { code: 'reservation-exists', detail: 'd' }, { kind: 'contradicted', code: 'reservation-exists', detail: 'd' }],
    ['commit', 200, { state: 'committed', receipt: 'R-1' }, { kind: 'committed', receipt: 'R-1' }],
    ['commit', 409, { code: 'lapsed', detail: 'd' }, { kind: 'refused', code: 'lapsed', detail: 'd' }],
    ['commit', 409, { code: 'already-cancelled', detail: 'd' }, { kind: 'refused', code: 'already-cancelled', detail: 'd' }],
    ['commit', 404, { code: 'unknown-reservation', detail: 'd' }, { kind: 'refused', code: 'unknown-reservation', detail: 'd' }],
    ['cancel', 200, { state: 'cancelled' }, { kind: 'cancelled' }],
    ['cancel', 200, { state: 'lapsed' }, { kind: 'cancelled' }],
    ['cancel', 409, { code: 'already-committed', detail: 'd' }, { kind: 'refused', code: 'already-committed', detail: 'd' }],
    ['reserve', 401, {}, { kind: 'token-refused' }],
  ] as const)('to %s, %d %j is understood', (step, status, body, meaning) => {
    expect(readPartnerAnswer(step, status, body)).toEqual(meaning);
  });

  it.each([
    ['reserve', 200, { state: 'committed' }],
    ['reserve', 201, { state: 'reserved' }],
    ['reserve', 201, { state: 'reserved', lapsesAt: 'tomorrow' }],
    ['reserve', 201, { state: 'reserved', lapsesAt: '2026-02-30T00:00:00Z' }],
    ['reserve', 422, {}],
    ['reserve', 404, { code: 'unknown-reservation' }],
    ['reserve', 500, undefined],
    ['commit', 200, { state: 'committed' }],
    ['commit', 200, { state: 'committed', receipt: 'R\u0000' }],
    ['commit', 200, { state: 'committed', receipt: 'R\ud83d' }],
    ['commit', 200, { state: 'reserved', receipt: 'R-1' }],
    ['commit', 404, 'not found'],
    ['commit', 422, { code: 'lapsed' }],
    ['cancel', 404, { code: 'unknown-reservation' }],
    ['cancel', 200, { state: 'committed' }],
    ['cancel', 403, { code: 'scope-missing' }],
    ['cancel', 302, null],
  ] as const)('to %s, %d %j leaves all open', (step, status, body) => {
    expect(readPartnerAnswer(step, status, body).kind).toBe('failed');
  });

  it.each([
    ['not\u0000\u001b[31m today\n', 'not [31m today'],
    [`${'x'.repeat(299)}😀`, `${'x'.repeat(299)}\ufffd`],
    ['\ud83d', '\ufffd'],
    ['\u0000', 'the partner gave no reason'],
  ])('has words that can be kept: %j', (detail, kept) => {
    expect(readPartnerAnswer('reserve', 422, { code: 'not-today', detail })).toEqual({ kind: 'refused', code: 'not-today', detail: kept });
  });
});

it('asks a partner for about a day, then a person', () => {
  const delays = Array.from({ length: partnerAttemptsMax - 1 }, (_, index) => retryDelayMs(index + 1, 0, partnerAttemptsMax) ?? 0);
  const hours = delays.reduce((sum, one) => sum + one, 0) / 3_600_000;

  expect(retryDelayMs(partnerAttemptsMax, 0, partnerAttemptsMax)).toBeUndefined();
  expect(Math.max(...delays)).toBe(300_000);
  expect(Math.round(hours)).toBe(26);
});
