import { points } from '@points/kernel';
import fc from 'fast-check';
import { capturesMax } from './limits.js';
import {
  afterMovement,
  decideCancellation,
  decideCapture,
  decideRefund,
  nextStates,
  opening,
  paymentStates,
  restingState,
  type Movement,
  type Payment,
} from './payment.js';

const openingReference = 'settlement:payment:p';
const captured: Payment = {
  state: 'captured',
  capture: 'now',
  amount: points(100),
  captured: points(100),
  refunded: points(0),
  isHoldOpen: false,
};
const authorised: Payment = {
  state: 'authorised',
  capture: 'later',
  amount: points(100),
  captured: points(0),
  refunded: points(0),
  isHoldOpen: true,
};
const capture = (n: number, amount: number, more: Partial<Movement> = {}): Movement => ({
  kind: 'capture',
  amount: points(amount),
  isFinal: false,
  reference: `c${n}`,
  state: 'posted',
  ...more,
});
const refund = (of: string, amount: number, state: Movement['state'] = 'posted'): Movement => ({
  kind: 'refund',
  amount: points(amount),
  isFinal: false,
  of,
  reference: `r-${of}-${amount}`,
  state,
});
const codeOf = (result: { ok: boolean; refusal?: { code: string } }) => (result.ok ? 'ok' : result.refusal?.code);

describe('the first answer of the ledger', () => {
  it.each([
    ['now', true, 'captured'],
    ['later', true, 'authorised'],
    ['now', false, 'refused'],
    ['later', false, 'refused'],
  ] as const)('to a payment captured %s, posted: %s, makes it %s', (when, isPosted, state) => {
    expect(opening(when, isPosted)).toBe(state);
    expect(nextStates.pending).toContain(state);
  });
});

describe('states', () => {
  it.each(['refunded', 'cancelled', 'lapsed', 'refused'] as const)('%s is the end', (state) => {
    expect(nextStates[state]).toEqual([]);
  });

  it('every other state leads on, and every state but the first can be reached', () => {
    const reached = new Set(Object.values(nextStates).flat());
    expect(paymentStates.filter((one) => one !== 'pending' && !reached.has(one))).toEqual([]);
    expect(paymentStates.filter((one) => nextStates[one].length === 0)).toEqual(['refunded', 'cancelled', 'lapsed', 'refused']);
  });
});

/** What may be asked in which state: the whole table. */
describe('in each state', () => {
  it.each([
    ['pending', 'payment-not-authorised', 'payment-not-captured', 'ok'],
    ['cancelling', 'payment-being-cancelled', 'payment-being-cancelled', 'payment-being-cancelled'],
    ['authorised', 'ok', 'refund-exceeds', 'ok'],
    ['captured', 'payment-not-authorised', 'ok', 'ok'],
    ['refunded', 'payment-not-authorised', 'refund-exceeds', 'payment-ended'],
    ['cancelled', 'payment-not-authorised', 'payment-ended', 'payment-ended'],
    ['lapsed', 'payment-not-authorised', 'payment-ended', 'payment-ended'],
    ['refused', 'payment-not-authorised', 'payment-ended', 'payment-ended'],
  ] as const)('%s: capture %s, refund %s, cancellation %s', (state, onCapture, onRefund, onCancellation) => {
    const payment: Payment =
      state === 'authorised'
        ? authorised
        : { ...captured, state, captured: points(state === 'captured' || state === 'refunded' ? 100 : 0) };
    const movements = state === 'refunded' ? [refund(openingReference, 100)] : [];

    expect(codeOf(decideCapture(payment, movements, {}))).toBe(onCapture);
    expect(codeOf(decideRefund(payment, movements, { amount: points(1), openingReference }))).toBe(onRefund);
    expect(codeOf(decideCancellation(payment, movements, openingReference))).toBe(onCancellation);
  });
});

describe('decideCapture', () => {
  it.each([
    ['everything when no amount is named', authorised, [], {}, { amount: 100, isFinal: true, n: 1 }],
    ['a part, and gives the rest back', authorised, [], { amount: points(40) }, { amount: 40, isFinal: true, n: 1 }],
    ['a part, and keeps the hold', authorised, [], { amount: points(40), final: false }, { amount: 40, isFinal: false, n: 1 }],
    [
      'the last part, which ends the hold whatever is said',
      { ...authorised, captured: points(40) },
      [capture(1, 40)],
      { amount: points(60), final: false },
      { amount: 60, isFinal: true, n: 2 },
    ],
    ['what a capture on its way leaves', authorised, [capture(1, 30, { state: 'pending' })], {}, { amount: 70, isFinal: true, n: 2 }],
  ] as const)('takes %s', (_, payment, movements, asked, expected) => {
    expect(decideCapture(payment, movements, asked)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ['capture-exceeds', [capture(1, 30, { state: 'pending' })], { amount: points(71) }],
    ['payment-busy', [capture(1, 30, { state: 'pending', isFinal: true })], {}],
    ['payment-busy', [{ kind: 'release', amount: points(0), isFinal: true, reference: 'x', state: 'pending' }], {}],
    ['too-many-captures', Array.from({ length: capturesMax }, (_, n) => capture(n, 1)), {}],
  ] as [string, Movement[], object][])('refuses with %s', (code, movements, asked) => {
    expect(codeOf(decideCapture(authorised, movements, asked))).toBe(code);
  });
});

describe('decideRefund', () => {
  it('takes the latest capture first and reaches over several', () => {
    const payment: Payment = { ...authorised, state: 'captured', captured: points(100), isHoldOpen: false };

    expect(decideRefund(payment, [capture(1, 60), capture(2, 40)], { amount: points(50), openingReference })).toEqual({
      ok: true,
      value: [
        { of: 'c2', amount: 40 },
        { of: 'c1', amount: 10 },
      ],
    });
  });

  it('counts a refund that is not answered yet, and not one that was refused', () => {
    const movements = [refund(openingReference, 60, 'pending'), refund(openingReference, 70, 'refused')];

    expect(decideRefund(captured, movements, { amount: points(40), openingReference })).toMatchObject({ ok: true });
    expect(decideRefund(captured, movements, { amount: points(41), openingReference })).toMatchObject({
      ok: false,
      refusal: { code: 'refund-exceeds', facts: { asked: 41, left: 40 } },
    });
  });

  it('never gives more than was captured, whatever is asked in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.constantFrom('posted', 'pending', 'refused')), { maxLength: 20 }),
        (asks) => {
          const payment: Payment = { ...authorised, state: 'captured', captured: points(100), isHoldOpen: false };
          const movements: Movement[] = [capture(1, 30), capture(2, 70)];
          for (const [amount, state] of asks) {
            const decided = decideRefund(payment, movements, { amount: points(amount), openingReference });
            if (decided.ok) movements.push(...decided.value.map((part) => refund(part.of, part.amount, state)));
          }
          for (const one of [capture(1, 30), capture(2, 70)]) {
            const given = movements
              .filter((two) => two.of === one.reference && two.state !== 'refused')
              .reduce((sum, two) => sum + two.amount, 0);
            expect(given).toBeLessThanOrEqual(one.amount);
          }
        },
      ),
    );
  });
});

describe('decideCancellation', () => {
  it('waits for the ledger while the payment is pending', () => {
    expect(decideCancellation({ ...captured, state: 'pending', captured: points(0) }, [], openingReference)).toEqual({
      ok: true,
      value: { when: 'answered' },
    });
  });

  it('releases what is held and refunds what was captured of it', () => {
    expect(decideCancellation({ ...authorised, captured: points(40) }, [capture(1, 40)], openingReference)).toEqual({
      ok: true,
      value: { when: 'now', release: true, refunds: [{ of: 'c1', amount: 40 }] },
    });
  });

  it('refunds what earlier refunds left', () => {
    expect(decideCancellation(captured, [refund(openingReference, 30)], openingReference)).toEqual({
      ok: true,
      value: { when: 'now', release: false, refunds: [{ of: openingReference, amount: 70 }] },
    });
  });

  it('does not run into a movement that is not answered yet', () => {
    expect(codeOf(decideCancellation(captured, [refund(openingReference, 30, 'pending')], openingReference))).toBe('payment-busy');
  });
});

describe('afterMovement', () => {
  const release: Movement = { kind: 'release', amount: points(0), isFinal: true, reference: 'x', state: 'pending' };
  const posted = { posted: true } as const;

  it.each([
    ['a capture', authorised, capture(1, 40), posted, { captured: 40, isHoldOpen: true }],
    ['a final capture', authorised, capture(1, 40, { isFinal: true }), posted, { captured: 40, isHoldOpen: false }],
    ['a refund', captured, refund(openingReference, 40), posted, { refunded: 40 }],
    ['a release', authorised, release, posted, { captured: 0, isHoldOpen: false }],
    ['a refused capture', authorised, capture(1, 40), { posted: false, code: 'programme-frozen' }, { captured: 0, isHoldOpen: true }],
    [
      'a capture of a hold that is over',
      authorised,
      capture(1, 40),
      { posted: false, code: 'hold-ended' },
      { captured: 0, isHoldOpen: false },
    ],
    ['a release of a hold that is over', authorised, release, { posted: false, code: 'hold-ended' }, { isHoldOpen: false }],
    ['a refused refund', captured, refund(openingReference, 40), { posted: false, code: 'refund-exceeds' }, { refunded: 0 }],
  ] as const)('counts %s', (_, payment, movement, answer, expected) => {
    expect(afterMovement(payment, movement, answer)).toMatchObject(expected);
  });

  it('takes more than was authorised, or gives more than was captured, for a bug', () => {
    expect(() => afterMovement(authorised, capture(1, 101), posted)).toThrow('assertion failed');
    expect(() => afterMovement(captured, refund(openingReference, 101), posted)).toThrow('assertion failed');
  });
});

describe('restingState', () => {
  it.each([
    ['authorised', 'capture', { isHoldOpen: true, captured: 40, refunded: 0 }],
    ['captured', 'capture', { isHoldOpen: false, captured: 40, refunded: 0 }],
    ['captured', 'refund', { isHoldOpen: false, captured: 40, refunded: 39 }],
    ['refunded', 'refund', { isHoldOpen: false, captured: 40, refunded: 40 }],
    ['cancelled', 'cancellation', { isHoldOpen: false, captured: 0, refunded: 0 }],
    ['cancelled', 'cancellation', { isHoldOpen: false, captured: 40, refunded: 40 }],
    ['captured', 'cancellation', { isHoldOpen: false, captured: 40, refunded: 0 }],
    ['authorised', 'cancellation', { isHoldOpen: true, captured: 0, refunded: 0 }],
    ['lapsed', 'lapse', { isHoldOpen: false, captured: 0, refunded: 0 }],
    ['captured', 'lapse', { isHoldOpen: false, captured: 40, refunded: 0 }],
    ['lapsed', 'capture', { isHoldOpen: false, captured: 0, refunded: 0 }],
  ] as const)('is %s after a %s that left %j', (state, cause, totals) => {
    expect(restingState({ ...authorised, ...totals, captured: points(totals.captured), refunded: points(totals.refunded) }, cause)).toBe(
      state,
    );
  });
});
