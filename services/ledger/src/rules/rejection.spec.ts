import { parseInstant, points, type LocalDate } from '@points/kernel';
import { explain, rejectionCodes, type Rejection } from './rejection.js';

const [may, june] = [parseInstant('2018-05-01T00:00:00Z'), parseInstant('2018-06-01T00:00:00Z')];
const [firstDay, lastDay, day] = ['2017-11-20', '2018-11-30', '2018-12-01'] as LocalDate[] as [LocalDate, LocalDate, LocalDate];
const some = { needed: points(70), available: points(30) };
const measured = { limit: points(500), used: points(401), asked: points(100) };

/** Every code once, in the order in which they are checked. */
const explained: [Rejection, string][] = [
  [{ code: 'reference-reused' }, 'this reference was used before with other content; send a new reference, or the same content'],
  [{ code: 'unknown-programme' }, 'there is no such programme'],
  [
    { code: 'programme-frozen' },
    'the programme is frozen: nothing but captures and releases of holds is taken until its municipality lifts the freeze',
  ],
  [
    { code: 'account-frozen' },
    'the account is frozen: its points cannot be held, used or transferred until its municipality lifts the freeze',
  ],
  [{ code: 'effective-in-future', facts: { effectiveAt: june, now: may } }, 'the effective time 2018-06-01T00:00:00.000Z has not come yet'],
  [
    { code: 'history-closed', facts: { effectiveAt: may } },
    'the effective time 2018-05-01T00:00:00.000Z is past, and the programme does not take history in',
  ],
  [
    { code: 'outside-period', facts: { day, firstDay, lastDay } },
    'the day 2018-12-01 is outside the programme’s period, 2017-11-20 to 2018-11-30',
  ],
  [
    { code: 'period-closed', facts: { day: lastDay, fiscalYear: 2018 } },
    'the day 2018-11-30 lies in fiscal year 2018, whose books are closed',
  ],
  [{ code: 'wrong-account', facts: { account: 'expired' } }, 'the account expired cannot take this kind of posting'],
  [{ code: 'not-allowed' }, 'the programme does not allow transfers between holders'],
  [{ code: 'hold-exists' }, 'a hold with this id exists already'],
  [{ code: 'unknown-hold' }, 'the account has no such hold'],
  [{ code: 'unknown-posting' }, 'the account has no posting with this reference that can be taken back so'],
  [
    { code: 'before-its-cause', facts: { effectiveAt: may, causeAt: june } },
    'the effective time 2018-05-01T00:00:00.000Z lies before what it follows from, 2018-06-01T00:00:00.000Z',
  ],
  [{ code: 'hold-ended' }, 'the hold has been captured in full, released, or its time is over'],
  [{ code: 'hold-exceeded', facts: some }, 'the hold has 30 points left, 70 were to be captured'],
  [{ code: 'refund-exceeds', facts: some }, '30 points can still be refunded, 70 were asked for'],
  [{ code: 'reverse-exceeds', facts: some }, '30 of 70 points of the grant can still be taken back'],
  [{ code: 'nothing-to-extend' }, 'no open lot that is meant would end later than it does'],
  [{ code: 'lot-already-over', facts: { expiresAt: may } }, 'points granted now would have ended at 2018-05-01T00:00:00.000Z'],
  [{ code: 'balance-too-large' }, 'the account would hold more than 9,007,199,254,740,991 points'],
  [
    { code: 'cap-exceeded', facts: { cap: 'granted/day', ...measured } },
    'the limit granted/day is 500 points: 401 are used, 100 were asked for',
  ],
  [
    { code: 'velocity-exceeded', facts: { cap: 'uses/hour/times', ...measured } },
    'the limit uses/hour/times is 500: 401 are used, 100 more were asked for',
  ],
  [{ code: 'lot-expired', facts: { ...some, expired: points(50) } }, '30 points are left, 70 are needed; 50 points have expired'],
  [
    { code: 'not-usable-here', facts: { ...some, elsewhere: points(50) } },
    '30 points can be used here, 70 are needed; 50 more can be used elsewhere',
  ],
  [{ code: 'insufficient-points', facts: some }, '30 points can be used, 70 are needed'],
  [{ code: 'not-carried-out' }, 'another posting of the atomic batch was refused, so none of it was carried out'],
];

describe('refusals', () => {
  it('have stable codes, in the order in which they are checked', () => {
    expect(rejectionCodes).toEqual(explained.map(([rejection]) => rejection.code));
  });

  it.each(explained)('say in one sentence what is wrong: %j', (rejection, sentence) => {
    expect(explain(rejection)).toBe(sentence);
  });

  it('of a day outside the period say when no last day is set', () => {
    expect(explain({ code: 'outside-period', facts: { day: '2017-11-19' as LocalDate, firstDay } })).toBe(
      'the day 2017-11-19 is outside the programme’s period, 2017-11-20 to open',
    );
  });
});
