import { parseInstant, type LocalDate } from '@points/kernel';
import { lotOfQuote, type ProgrammeFacts } from './lot-of-quote.js';

const day = (text: string) => text as LocalDate;
const owariasahi: ProgrammeFacts = {
  name: 'あいち尾張旭市ポイント',
  versions: [
    { validFrom: day('2017-09-25'), expiry: { kind: 'days-after-grant', days: 300 }, usableAt: ['mailorder:232262'] },
    { validFrom: day('2019-04-01'), expiry: { kind: 'none' }, usableAt: [] },
  ],
};

describe('points of a quote', () => {
  it.each([
    ['2018-01-01T00:00:00+09:00', '2018-10-28', ['mailorder:232262']],
    ['2019-03-31T23:59:59.999+09:00', '2020-01-25', ['mailorder:232262']],
    ['2019-04-01T00:00:00+09:00', undefined, []],
    ['2017-01-01T00:00:00+09:00', '2017-10-28', ['mailorder:232262']],
  ])('of %s can be used through %s, at %j', (at, lastDay, usableAt) => {
    expect(lotOfQuote(owariasahi, parseInstant(at))).toEqual({ ...(lastDay && { lastDay }), isRenewedByUse: false, usableAt });
  });

  it('never outlive the programme', () => {
    const kani = { ...owariasahi, lastUseDay: day('2018-09-30') };

    expect(lotOfQuote(kani, parseInstant('2018-01-01T00:00:00+09:00')).lastDay).toBe('2018-09-30');
    expect(lotOfQuote(kani, parseInstant('2019-04-01T00:00:00+09:00')).lastDay).toBe('2018-09-30');
  });

  it('are renewed by use where the rules say so', () => {
    const itami = {
      name: 'x',
      versions: [{ validFrom: day('2017-01-01'), expiry: { kind: 'months-after-last-use' as const, months: 6 }, usableAt: [] }],
    };

    expect(lotOfQuote(itami, parseInstant('2018-08-31T10:00:00+09:00'))).toEqual({
      lastDay: '2019-02-28',
      isRenewedByUse: true,
      usableAt: [],
    });
  });
});
