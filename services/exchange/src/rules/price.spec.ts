import fc from 'fast-check';
import { parseInstant, points, ratio } from '@points/kernel';
import { bestBonus, bonusOf, budgetCounter, holderCounter, type Campaign } from './campaign.js';
import { counterOf, passesCap, type Cap, type Count, type Counter } from './caps.js';
import { hoursText, isOpenAt, type OpeningHours } from './opening-hours.js';
import { countersFor, price } from './price.js';
import type { Terms } from './quote.js';

const at = parseInstant('2026-11-24T10:00:00+09:00');
const holder = '01890a5d-ac96-774b-bcce-b302099a8057';
const asked = { partner: 'card-a', holder, at };
const terms = (changes: Partial<Terms> = {}): Terms => ({ rate: ratio(1, 1), lotPartnerPoints: points(1), ...changes });
const campaign = (changes: Partial<Campaign> = {}): Campaign => ({
  campaign: 'autumn',
  partners: [],
  bonus: { kind: 'rate', rate: ratio(1, 10) },
  from: parseInstant('2026-11-01T00:00:00+09:00'),
  to: parseInstant('2026-12-01T00:00:00+09:00'),
  budget: points(1_000),
  borneBy: 'municipality',
  ...changes,
});
const order = (partnerPoints: number) => ({ partner: 'card-a', holder, partnerPoints: points(partnerPoints), acceptedAt: at });

/** Counters in memory, as the table keeps them. */
class Sums {
  private readonly used = new Map<string, number>();
  readonly of = ({ key, period }: Counter) => this.used.get(`${key} ${period}`) ?? 0;
  add(counts: readonly Count[]): void {
    for (const one of counts) this.used.set(`${one.key} ${one.period}`, this.of(one) + one.amount);
  }
}

describe('opening hours', () => {
  const office: readonly OpeningHours[] = [
    { days: ['mon', 'tue'], from: '09:00', to: '17:00' },
    { days: ['sat'], from: '00:00', to: '24:00' },
  ];

  it.each([
    ['2026-11-23T09:00:00+09:00', true], // Monday
    ['2026-11-23T08:59:59.999+09:00', false],
    ['2026-11-23T16:59:59.999+09:00', true],
    ['2026-11-23T17:00:00+09:00', false],
    ['2026-11-25T12:00:00+09:00', false],
    ['2026-11-28T00:00:00+09:00', true],
    ['2026-11-28T23:59:59.999+09:00', true],
    ['2026-11-29T00:00:00+09:00', false],
  ])('at %s: open %s', (time, isOpen) => {
    expect(isOpenAt(office, parseInstant(time))).toBe(isOpen);
  });

  it('are always when none are given', () => {
    expect([isOpenAt(undefined, at), isOpenAt([], at)]).toEqual([true, true]);
  });

  it('are told to whoever comes outside of them', () => {
    expect(hoursText(office)).toBe('mon tue 09:00–17:00, sat 00:00–24:00');
    expect(price(terms({ openingHours: [{ days: ['sun'], from: '09:00', to: '10:00' }] }), [], order(1), () => 0)).toMatchObject({
      refusal: { code: 'outside-opening-hours', facts: { openingHours: 'sun 09:00–10:00' } },
    });
  });
});

describe('a cap', () => {
  it.each([
    ['day', '2026-11-24'],
    ['month', '2026-11'],
    ['year', '2026'],
    ['fiscal-year', 'FY2026'],
  ] as const)('per %s counts in %s', (per, period) => {
    const cap: Cap = { of: 'holder', per, points: points(1) };

    expect(counterOf(cap, asked)).toEqual({ key: `partner:card-a/holder:${holder}/${per}`, period });
  });

  it.each([
    ['2026-03-31T23:59:59.999+09:00', 'FY2025'],
    ['2026-04-01T00:00:00+09:00', 'FY2026'],
  ])('of a fiscal year changes on 1 April in Tokyo: %s is %s', (time, period) => {
    expect(counterOf({ of: 'partner', per: 'fiscal-year', points: points(1) }, { ...asked, at: parseInstant(time) })).toEqual({
      key: 'partner:card-a/fiscal-year',
      period,
    });
  });

  it.each([
    [0, 1_000, undefined],
    [400, 600, undefined],
    [400, 601, { code: 'cap-exceeded', facts: { of: 'holder', per: 'day', limit: 1_000, used: 400, asked: 601 } }],
    [1_200, 1, { code: 'cap-exceeded', facts: { used: 1_200 } }],
  ])('of 1,000 with %i used lets %i more pass, or says why not', (used, given, refusal) => {
    const refused = passesCap([{ of: 'holder', per: 'day', points: points(1_000) }], asked, points(given), () => used);

    if (refusal) expect(refused).toMatchObject({ ok: false, refusal });
    else expect(refused).toBeUndefined();
  });
});

describe('a campaign', () => {
  const full = { ...asked, municipalPoints: points(500) };

  it.each([
    ['a rate', campaign(), {}, 50],
    ['a rate, rounded down', campaign({ bonus: { kind: 'rate', rate: ratio(1, 3) } }), {}, 166],
    ['a fixed number', campaign({ bonus: { kind: 'fixed', points: points(30) } }), {}, 30],
    ['what is left of the budget', campaign(), { budget: 970 }, 30],
    ['nothing when the budget is used up', campaign(), { budget: 1_000 }, 0],
    ['what is left of the person’s share', campaign({ perHolder: points(60) }), { person: 45 }, 15],
  ])('adds %s', (_, one, used: { budget?: number; person?: number }, given) => {
    const tallyOf = ({ key }: Counter) => (key === budgetCounter(one.campaign).key ? used.budget : used.person) ?? 0;

    expect(bonusOf(one, full, tallyOf)).toBe(given);
  });

  it.each([
    ['2026-10-31T23:59:59.999+09:00', 0],
    ['2026-11-01T00:00:00+09:00', 50],
    ['2026-11-30T23:59:59.999+09:00', 50],
    ['2026-12-01T00:00:00+09:00', 0],
  ])('runs from its first to its last instant: at %s it gives %i', (time, given) => {
    expect(bestBonus([campaign()], { ...full, at: parseInstant(time) }, () => 0)?.points ?? 0).toBe(given);
  });

  it('is that of the order’s partner which gives most, and of equal ones the first by id', () => {
    const others = [
      campaign({ campaign: 'z', bonus: { kind: 'fixed', points: points(70) } }),
      campaign({ campaign: 'b', bonus: { kind: 'fixed', points: points(70) }, partners: ['card-a'] }),
      campaign({ campaign: 'a', bonus: { kind: 'fixed', points: points(99) }, partners: ['card-b'] }),
    ];

    expect(bestBonus(others, full, () => 0)).toEqual({ campaign: 'b', points: 70, borneBy: 'municipality' });
  });
});

describe('the price of an order', () => {
  it('counts what caps and the campaign have to know, in one order', () => {
    const limited = terms({ caps: [{ of: 'partner', per: 'day', points: points(9_999) }] });
    const running = [campaign({ perHolder: points(500) })];

    const decided = price(limited, running, order(500), () => 0);

    expect(decided).toMatchObject({
      ok: true,
      value: {
        municipalPoints: 500,
        rest: 0,
        bonus: { campaign: 'autumn', points: 50 },
        counts: [
          { ...budgetCounter('autumn'), amount: 50 },
          { ...holderCounter('autumn', holder), amount: 50 },
          { key: 'partner:card-a/day', period: '2026-11-24', amount: 500 },
        ],
      },
    });
    const locked = new Set(countersFor(limited, running, order(500)).map(({ key }) => key));
    expect(decided.ok && decided.value.counts.every(({ key }) => locked.has(key))).toBe(true);
  });

  it('leaves to rounding what no point can hold: at 3/10 seven give 2 and a rest of 1/10', () => {
    expect(price(terms({ rate: ratio(3, 10) }), [], order(7), () => 0)).toMatchObject({ value: { municipalPoints: 2, rest: 1 } });
  });

  it('keeps a quoted bonus, or refuses', () => {
    const quoted = { ...order(500), isQuoted: true, promisedBonus: { campaign: 'autumn', points: points(50) } };

    expect(price(terms(), [campaign({ bonus: { kind: 'fixed', points: points(80) } })], quoted, () => 0)).toMatchObject({
      value: { bonus: { points: 50 } },
    });
    expect(price(terms(), [campaign()], quoted, () => 960)).toMatchObject({
      refusal: { code: 'bonus-gone', facts: { quoted: 50, now: 40 } },
    });
    expect(price(terms(), [], quoted, () => 0)).toMatchObject({ refusal: { code: 'bonus-gone', facts: { now: 0 } } });
    const plain = price(terms(), [campaign()], { ...order(500), isQuoted: true }, () => 0);
    expect(plain.ok && plain.value.bonus).toBeUndefined();
  });

  const part = fc.integer({ min: 1, max: 1_000_000_000 });

  it('adds up for every rate and lot, over any batch: taken × numerator = given × denominator + rests', () => {
    fc.assert(
      fc.property(part, part, fc.integer({ min: 1, max: 1_000 }), fc.array(fc.integer({ min: 1, max: 10_000 })), (n, d, lot, lots) => {
        const priced = lots.map((count) => ({
          taken: count * lot,
          decided: price(terms({ rate: ratio(n, d), lotPartnerPoints: points(lot) }), [], order(count * lot), () => 0),
        }));
        const done = priced.flatMap(({ taken, decided }) => (decided.ok ? [{ taken, ...decided.value }] : []));
        const sum = (of: (one: (typeof done)[number]) => number) => done.reduce((all, one) => all + BigInt(of(one)), 0n);
        return (
          sum((one) => one.taken) * BigInt(n) === sum((one) => one.municipalPoints) * BigInt(d) + sum((one) => one.rest) &&
          done.every((one) => one.rest >= 0 && one.rest < d)
        );
      }),
    );
  });

  it('never passes a cap or a budget, and stops a budget exactly, whatever orders come in whatever sequence', () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 5_000 }), (orders, budget, cap) => {
        const [sums, running] = [new Sums(), [campaign({ budget: points(budget) })]];
        const limited = terms({ caps: [{ of: 'holder', per: 'day', points: points(cap) }] });
        let wanted = 0;
        for (const amount of orders) {
          const decided = price(limited, running, order(amount), sums.of);
          if (!decided.ok) continue;
          wanted += Math.floor(amount / 10);
          sums.add(decided.value.counts);
        }
        return (
          sums.of(budgetCounter('autumn')) === Math.min(wanted, budget) &&
          sums.of(counterOf({ of: 'holder', per: 'day', points: points(cap) }, asked)) <= cap
        );
      }),
    );
  });
});
