import { parseInstant, type LocalDate } from '@points/kernel';
import { matchCredits, notCredited, type ListedCredit, type OwnCredit } from './match-credits.js';

const own = (changes: Partial<OwnCredit> = {}): OwnCredit => ({
  ...{ creditId: 'p:1', points: 100, receipt: 'R-1', creditedAt: parseInstant('2018-01-20T23:30:00+09:00') },
  ...changes,
});
const listed = (changes: Partial<ListedCredit> = {}): ListedCredit => ({
  ...{ line: 2, creditId: 'p:1', points: 100, receipt: 'R-1', date: '2018-01-20' as LocalDate },
  ...changes,
});

describe('a line of the scheme’s file', () => {
  it.each([
    [{}, 0, []],
    [{ receipt: null, date: null }, 0, []],
    [{ date: '2018-01-21' as LocalDate }, 1, []],
    [{ date: '2018-01-21' as LocalDate }, 0, ['date: there 2018-01-21, here 2018-01-20']],
    [{ points: 99, receipt: 'R-2' }, 0, ['points: there 99, here 100', 'receipt: there R-2, here R-1']],
  ])('with %j and a tolerance of %i days differs by %j', (changes, toleranceDays, reasons) => {
    const line = listed(changes);

    const { matched, different } = matchCredits([line], [own()], new Map(), toleranceDays);

    expect(different).toEqual(reasons.length ? [{ listed: line, own: own(), reasons }] : []);
    expect(matched).toEqual(reasons.length ? { lines: 0, points: 0 } : { lines: 1, points: 100 });
  });

  it('that comes again is a credit too many, and what no line names is missing there', () => {
    const found = matchCredits([listed(), listed({ line: 3 })], [own(), own({ creditId: 'p:2', points: 7 })], new Map(), 0);

    expect(found.missingHere).toEqual([{ listed: listed({ line: 3 }), reason: 'repeats line 2' }]);
    expect(found.missingThere).toEqual([own({ creditId: 'p:2', points: 7 })]);
    expect([found.there, found.here]).toEqual([
      { lines: 2, points: 200 },
      { lines: 2, points: 107 },
    ]);
  });

  it('that is credited outside of the days, not acknowledged or not known is found with its reason', () => {
    const elsewhere = new Map([
      ['p:1', { own: own() }],
      ['p:2', { state: notCredited('refused') }],
    ]);

    const found = matchCredits([listed(), listed({ line: 3, creditId: 'p:2' }), listed({ line: 4, creditId: 'p:3' })], [], elsewhere, 0);

    expect(found.different.map((one) => one.reasons)).toEqual([['outside: it is booked outside of the days compared']]);
    expect(found.missingHere.map((one) => one.reason)).toEqual([notCredited('refused'), 'there is no conversion with this id']);
  });
});

describe('a conversion that is no credit', () => {
  it.each([
    ['requested', null, 'was not asked'],
    ['at-scheme', null, 'has not acknowledged'],
    ['releasing', 'scheme-refused', 'refused it to us'],
    ['releasing', 'scheme-unanswered', 'did not answer within its days'],
    ['in-dispute', 'scheme-unanswered', 'did not answer within its days'],
    ['refused', 'insufficient-points', 'nothing was spent'],
    ['refused', 'scheme-unanswered', 'did not answer within its days, points that were held are back'],
  ] as const)('because it is %s (%s) says so', (state, code, reason) => {
    expect(notCredited(state, code)).toContain(reason);
  });
});
