import { parseInstant } from '@points/kernel';
import type { Count } from './caps.js';
import { countsGivenBack, windowTrouble } from './reversal.js';

/** 9 o'clock of 10 November 2026 in Tokyo. */
const bookedAt = parseInstant('2026-11-10T09:00:00+09:00');

describe('a partner may take an order back', () => {
  it.each([
    { days: 0, at: '2026-11-10T23:59:59.999+09:00', code: undefined },
    { days: 0, at: '2026-11-11T00:00:00+09:00', code: 'reversal-window-over' },
    { days: 8, at: '2026-11-18T23:59:59.999+09:00', code: undefined },
    { days: 8, at: '2026-11-19T00:00:00+09:00', code: 'reversal-window-over' },
    { days: undefined, at: '2026-11-10T09:00:01+09:00', code: 'reversal-not-agreed' },
  ])('with $days days, at $at: $code', ({ days, at, code }) => {
    expect(windowTrouble(days, bookedAt, parseInstant(at))?.code).toBe(code);
  });

  it('and is told the last day when it is over', () => {
    expect(windowTrouble(8, bookedAt, parseInstant('2026-12-01T00:00:00+09:00'))?.facts).toEqual({ lastDay: '2026-11-18' });
  });
});

describe('a reversal gives back', () => {
  const counts: readonly Count[] = [
    { key: 'partner:a/holder:h/day', period: '2026-11-10', amount: 500 },
    { key: 'partner:a/month', period: '2026-11', amount: 500 },
    { key: 'partner:a/year', period: '2026', amount: 500 },
    { key: 'partner:a/fiscal-year', period: 'FY2026', amount: 500 },
    { key: 'campaign:c', period: 'ever', amount: 50 },
    { key: 'campaign:c/holder:h', period: 'ever', amount: 50 },
  ];

  it.each([
    ['2026-11-10T23:59:59.999+09:00', ['2026-11-10', '2026-11', '2026', 'FY2026', 'ever', 'ever']],
    ['2026-11-11T00:00:00+09:00', ['2026-11', '2026', 'FY2026', 'ever', 'ever']],
    ['2026-12-01T00:00:00+09:00', ['2026', 'FY2026', 'ever', 'ever']],
    ['2027-03-31T23:59:59.999+09:00', ['FY2026', 'ever', 'ever']],
    ['2027-04-01T00:00:00+09:00', ['ever', 'ever']],
  ])('at %s what was counted in %j', (at, periods) => {
    const given = countsGivenBack(counts, { at: parseInstant(at), isBonusTaken: true });

    expect(given.map((one) => one.period)).toEqual(periods);
    expect(given.every((one) => one.amount < 0)).toBe(true);
  });

  it('nothing to a campaign whose bonus stays with the holder', () => {
    const given = countsGivenBack(counts, { at: bookedAt, isBonusTaken: false });

    expect(given.map((one) => one.key)).toEqual(counts.slice(0, 4).map((one) => one.key));
  });
});
