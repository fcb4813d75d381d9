import fc from 'fast-check';
import { addMonths, expiresAt, expiresAtAfterUse, fiscalYearEnd, type Expiry } from './expiry.js';
import { parseInstant, type LocalDate } from './jst.js';

const at = parseInstant;
const day = (text: string) => text as LocalDate;

describe('the end of a lot', () => {
  it.each<[string, Expiry, string, string | null]>([
    [
      '100 days after the grant, through the last millisecond',
      { kind: 'days-after-grant', days: 100 },
      '2017-11-20T00:00:00+09:00',
      '2018-03-01T00:00:00+09:00',
    ],
    [
      'the same for a grant in the last millisecond of the day',
      { kind: 'days-after-grant', days: 100 },
      '2017-11-20T23:59:59.999+09:00',
      '2018-03-01T00:00:00+09:00',
    ],
    ['days of Tokyo, not of the sender', { kind: 'days-after-grant', days: 0 }, '2018-02-27T15:00:00Z', '2018-03-01T00:00:00+09:00'],
    ['the end of the month of the grant', { kind: 'end-of-month', months: 0 }, '2018-02-28T23:00:00+09:00', '2018-03-01T00:00:00+09:00'],
    [
      'the end of a later month, over a leap day',
      { kind: 'end-of-month', months: 2 },
      '2019-12-31T12:00:00+09:00',
      '2020-03-01T00:00:00+09:00',
    ],
    [
      'the fiscal year that ends today',
      { kind: 'fiscal-year-end', years: 0 },
      '2018-03-31T23:59:59.999+09:00',
      '2018-04-01T00:00:00+09:00',
    ],
    ['the fiscal year that begins today', { kind: 'fiscal-year-end', years: 0 }, '2018-04-01T00:00:00+09:00', '2019-04-01T00:00:00+09:00'],
    ['the fiscal year after the next', { kind: 'fiscal-year-end', years: 2 }, '2018-12-31T12:00:00+09:00', '2021-04-01T00:00:00+09:00'],
    ['a fixed day', { kind: 'fixed-day', day: day('2024-02-29') }, '2024-01-01T00:00:00+09:00', '2024-03-01T00:00:00+09:00'],
    [
      'six months after the last use, of which the grant is one',
      { kind: 'months-after-last-use', months: 6 },
      '2018-08-31T10:00:00+09:00',
      '2019-03-01T00:00:00+09:00',
    ],
    ['never', { kind: 'none' }, '2018-08-31T10:00:00+09:00', null],
  ])('%s', (_, rule, granted, end) => {
    expect(expiresAt(rule, at(granted))).toBe(end === null ? null : at(end));
  });

  it('moves with a use only where uses matter', () => {
    expect(expiresAtAfterUse({ kind: 'months-after-last-use', months: 1 }, at('2018-01-31T10:00:00+09:00'))).toBe(
      at('2018-03-01T00:00:00+09:00'),
    );
    expect(expiresAtAfterUse({ kind: 'none' }, at('2018-01-31T10:00:00+09:00'))).toBeUndefined();
  });

  it('adds months as a calendar does', () => {
    expect(addMonths(day('2020-01-31'), 1)).toBe('2020-02-29');
    expect(addMonths(day('2020-01-30'), 1)).toBe('2020-02-29');
    expect(addMonths(day('2020-12-15'), 1)).toBe('2021-01-15');
    expect(addMonths(day('2020-03-31'), 0)).toBe('2020-03-31');
    expect(fiscalYearEnd(day('2020-03-31'))).toBe('2020-03-31');
  });

  it('comes after the grant, whatever the rule of days, months or years', () => {
    const rules = fc.oneof(
      fc.record({ kind: fc.constant('days-after-grant' as const), days: fc.nat(1000) }),
      fc.record({ kind: fc.constant('end-of-month' as const), months: fc.nat(100) }),
      fc.record({ kind: fc.constant('fiscal-year-end' as const), years: fc.nat(10) }),
      fc.record({ kind: fc.constant('months-after-last-use' as const), months: fc.integer({ min: 1, max: 100 }) }),
    );
    fc.assert(
      fc.property(rules, fc.integer({ min: 1_400_000_000, max: 2_000_000_000 }), (rule, seconds) => {
        const granted = at(new Date(seconds * 1000).toISOString());
        const end = expiresAt(rule, granted);
        expect(end !== null && end > granted && end.endsWith('T15:00:00.000Z')).toBe(true);
      }),
    );
  });
});
