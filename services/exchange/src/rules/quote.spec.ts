import fc from 'fast-check';
import { parseInstant, points, ratio, type LocalDate } from '@points/kernel';
import { quote, sameRate, wholeLots, type Terms } from './quote.js';

const acceptedAt = parseInstant('2017-11-28T09:47:06+09:00');
const terms = (changes: Partial<Terms> = {}): Terms => ({ rate: ratio(1, 1), lotPartnerPoints: points(1), ...changes });
const day = (text: string) => text as LocalDate;

describe('the points an order gives', () => {
  it.each([
    { rate: ratio(1, 1), lot: 1, ordered: 8700, given: 8700 },
    { rate: ratio(5, 1), lot: 200, ordered: 1200, given: 6000 },
    { rate: ratio(1, 100), lot: 1, ordered: 199, given: 1 },
    { rate: ratio(3, 10), lot: 5, ordered: 15, given: 4 },
    { rate: ratio(2, 3), lot: 1, ordered: 2, given: 1 },
    { rate: ratio(1, 3), lot: 1, ordered: Number.MAX_SAFE_INTEGER, given: 3002399751580330 },
  ])('$ordered partner points at $rate are $given', ({ rate, lot, ordered, given }) => {
    expect(quote(terms({ rate, lotPartnerPoints: points(lot) }), { partnerPoints: points(ordered), acceptedAt })).toEqual({
      ok: true,
      value: given,
    });
  });

  it('are rounded down once for the whole order: at 3/10 two lots of 5 give 3, not 2', () => {
    const thirty = terms({ rate: ratio(3, 10), lotPartnerPoints: points(5) });

    expect(quote(thirty, { partnerPoints: points(5), acceptedAt })).toEqual({ ok: true, value: 1 });
    expect(quote(thirty, { partnerPoints: points(10), acceptedAt })).toEqual({ ok: true, value: 3 });
  });

  it('never exceed the exact value and miss it by less than one point', () => {
    const part = fc.integer({ min: 1, max: 1_000_000_000 });
    fc.assert(
      fc.property(part, part, fc.integer({ min: 1, max: 1_000_000 }), (n, d, ordered) => {
        const result = quote(terms({ rate: ratio(n, d) }), { partnerPoints: points(ordered), acceptedAt });
        const given = result.ok ? BigInt(result.value) : 0n;
        const rest = BigInt(ordered) * BigInt(n) - given * BigInt(d);
        return rest >= 0n && rest < BigInt(d);
      }),
    );
  });

  it('never grow by splitting an order in two', () => {
    const part = fc.integer({ min: 1, max: 1_000 });
    const amount = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(part, part, amount, amount, (n, d, a, b) => {
        const of = (ordered: number) => {
          const result = quote(terms({ rate: ratio(n, d) }), { partnerPoints: points(ordered), acceptedAt });
          return result.ok ? result.value : 0;
        };
        return of(a) + of(b) <= of(a + b);
      }),
    );
  });
});

describe('an order is refused', () => {
  it.each([
    { code: 'not-whole-lots', facts: { lot: 500 }, with: terms({ lotPartnerPoints: points(500) }), ordered: 750 },
    { code: 'not-whole-lots', facts: { lot: 500 }, with: terms({ lotPartnerPoints: points(500) }), ordered: 499 },
    { code: 'below-minimum', facts: { minimum: 1000 }, with: terms({ minPartnerPoints: points(1000) }), ordered: 999 },
    { code: 'above-maximum', facts: { maximum: 1000 }, with: terms({ maxPartnerPoints: points(1000) }), ordered: 1001 },
    { code: 'amount-too-small', facts: { rate: '1/100' }, with: terms({ rate: ratio(1, 100) }), ordered: 99 },
    { code: 'amount-too-large', facts: { rate: '2/1' }, with: terms({ rate: ratio(2, 1) }), ordered: Number.MAX_SAFE_INTEGER },
    { code: 'ratio-mismatch', facts: { expected: 6000, rate: '5/1' }, with: terms({ rate: ratio(5, 1) }), ordered: 1200, expected: 1200 },
    {
      code: 'partner-not-open',
      facts: { day: '2017-11-28', validFrom: '2017-11-29' },
      with: terms({ validFrom: day('2017-11-29') }),
      ordered: 1,
    },
    {
      code: 'partner-not-open',
      facts: { day: '2017-11-28', validTo: '2017-11-27' },
      with: terms({ validTo: day('2017-11-27') }),
      ordered: 1,
    },
  ])('$code with $facts', ({ code, facts, with: partner, ordered, expected }) => {
    const order = { partnerPoints: points(ordered), acceptedAt, ...(expected !== undefined && { municipalPoints: points(expected) }) };

    expect(quote(partner, order)).toMatchObject({ ok: false, refusal: { code, facts } });
  });

  it('with the same code whatever else is wrong too: the first of the fixed order', () => {
    const strict = terms({ lotPartnerPoints: points(500), minPartnerPoints: points(1000), validTo: day('2017-11-27') });

    expect(quote(strict, { partnerPoints: points(7), municipalPoints: points(1), acceptedAt })).toMatchObject({
      refusal: { code: 'partner-not-open' },
    });
    expect(
      quote({ ...strict, validTo: day('2017-11-28') }, { partnerPoints: points(7), municipalPoints: points(1), acceptedAt }),
    ).toMatchObject({
      refusal: { code: 'below-minimum' },
    });
  });
});

describe('a partner is open', () => {
  it.each([
    ['2017-11-27T15:00:00.000Z', true],
    ['2017-11-27T14:59:59.999Z', false],
    ['2017-11-30T14:59:59.999Z', true],
    ['2017-11-30T15:00:00.000Z', false],
  ])('by the day in Tokyo: at %s %s', (at, isOpen) => {
    const partner = terms({ validFrom: day('2017-11-28'), validTo: day('2017-11-30') });

    expect(quote(partner, { partnerPoints: points(1), acceptedAt: parseInstant(at) }).ok).toBe(isOpen);
  });
});

it.each([
  [{ numerator: 1, denominator: 1 }, { numerator: 2, denominator: 2 }, true],
  [{ numerator: 1, denominator: 3 }, { numerator: 333_333_333, denominator: 1_000_000_000 }, false],
])('tells whether %o and %o are one rate', (a, b, same) => {
  expect(sameRate(a, b)).toBe(same);
});

it.each([
  [500, 1_050, 1_000, 50],
  [500, 499, 0, 499],
  [500, 500, 500, 0],
  [1, 7, 7, 0],
])('in lots of %i, of %i offered %i are taken and %i stay', (lot, offered, taken, left) => {
  expect(wholeLots({ lotPartnerPoints: points(lot) }, points(offered))).toEqual({ taken, left });
});
