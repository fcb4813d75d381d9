import { points, type LocalDate } from '@points/kernel';
import type { Decision } from './movement.js';
import { rejectionCodes } from './rejection.js';
import {
  aGrant,
  aHold,
  aLot,
  aProgramme,
  aRefundable,
  at,
  codeOf,
  decided,
  holdingOf,
  issue,
  now,
  over,
  spend,
} from '../testing/decision-builders.js';

describe('decisions refuse or take', () => {
  it.each<[string, () => Decision, string]>([
    ['an unknown programme', () => decided(issue, { programme: undefined }), 'unknown-programme'],
    [
      'a frozen one before anything else',
      () => decided(issue, { programme: aProgramme({ frozen: true }) }, at('2030-01-01T00:00:00Z')),
      'programme-frozen',
    ],
    [
      'anything but what follows a hold in a frozen one',
      () =>
        decided(
          { kind: 'refund', of: 'test:0', amount: points(1) },
          { programme: aProgramme({ frozen: true }), refundable: aRefundable() },
        ),
      'programme-frozen',
    ],
    [
      'a spend from a frozen account',
      () => decided(spend(1), { holding: holdingOf([aLot('a', 100)], { frozen: true }) }),
      'account-frozen',
    ],
    [
      'a hold on a frozen account',
      () =>
        decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [] }, { holding: holdingOf([aLot('a', 100)], { frozen: true }) }),
      'account-frozen',
    ],
    ['a grant to a frozen account', () => decided(issue, { holding: holdingOf([], { frozen: true }) }), 'posted'],
    ['a time to come', () => decided(issue, {}, at('2018-06-01T00:00:00.001Z')), 'effective-in-future'],
    [
      'a past time where history is closed',
      () => decided(issue, { programme: aProgramme({ historyOpen: false }) }, at('2018-05-31T00:00:00Z')),
      'history-closed',
    ],
    [
      'even now, if it is named, where history is closed',
      () => decided(issue, { programme: aProgramme({ historyOpen: false }) }, now),
      'history-closed',
    ],
    ['the day before the first', () => decided(issue, {}, at('2017-11-19T14:59:59.999Z')), 'outside-period'],
    ['the day after the last', () => decided(issue, { now: at('2018-11-30T15:00:00Z') }), 'outside-period'],
    ['the last moment of the last day', () => decided(issue, { now: at('2018-11-30T14:59:59.999Z') }), 'posted'],
    [
      'a grant after the last day of grants',
      () => decided(issue, { programme: aProgramme({ lastGrantDay: '2018-05-31' as LocalDate }) }),
      'outside-period',
    ],
    [
      'a grant on the last day of grants',
      () => decided(issue, { programme: aProgramme({ lastGrantDay: '2018-06-01' as LocalDate }) }),
      'posted',
    ],
    [
      'a spend after the last day of grants',
      () => decided(spend(1), { programme: aProgramme({ lastGrantDay: '2018-05-31' as LocalDate }), holding: holdingOf([aLot('a', 100)]) }),
      'posted',
    ],
    [
      'a capture after the last day of a hold before it',
      () =>
        decided(
          { kind: 'capture', hold: 'h1', amount: points(300), final: true, to: 'merchant:m' },
          {
            hold: aHold(),
            holding: holdingOf([aLot('a', 200, { held: points(200) }), aLot('b', 100, { held: points(100) })]),
            now: at('2018-12-24T00:00:00Z'),
          },
        ),
      'posted',
    ],
    [
      'a capture of a hold that lies outside the period',
      () =>
        decided(
          { kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' },
          { hold: aHold({ heldAt: at('2018-05-10T00:00:00Z') }), programme: aProgramme({ lastDay: '2018-05-09' as LocalDate }) },
        ),
      'outside-period',
    ],
    [
      'a capture without hold after the last day',
      () => decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }, { now: at('2018-12-24T00:00:00Z') }),
      'unknown-hold',
    ],
    ...(['2018-05-31T23:59:59.999Z', '2018-06-01T00:00:00.000Z'] as const).map((closedFrom, index): [string, () => Decision, string] => {
      const closedYears = [
        { fiscalYear: 2017, from: at('2017-03-31T15:00:00Z'), to: at('2018-03-31T15:00:00Z'), closedFrom: at(closedFrom) },
      ];
      return [
        `the last moment of a year whose books are closed (${index})`,
        () => decided(issue, { programme: aProgramme({ closedYears }) }, at('2018-03-31T14:59:59.999Z')),
        'period-closed',
      ];
    }),
    [
      'the same moment while the close does not hold yet',
      () =>
        decided(
          issue,
          {
            programme: aProgramme({
              closedYears: [
                {
                  fiscalYear: 2017,
                  from: at('2017-03-31T15:00:00Z'),
                  to: at('2018-03-31T15:00:00Z'),
                  closedFrom: at('2018-06-01T00:00:00.001Z'),
                },
              ],
            }),
          },
          at('2018-03-31T14:59:59.999Z'),
        ),
      'posted',
    ],
    [
      'the first moment after a year whose books are closed',
      () =>
        decided(
          issue,
          {
            programme: aProgramme({
              closedYears: [
                {
                  fiscalYear: 2017,
                  from: at('2017-03-31T15:00:00Z'),
                  to: at('2018-03-31T15:00:00Z'),
                  closedFrom: at('2018-05-31T00:00:00Z'),
                },
              ],
            }),
          },
          at('2018-03-31T15:00:00Z'),
        ),
      'posted',
    ],
    ['a spend to a holder', () => decided({ kind: 'spend', amount: points(1), to: 'holder:x', places: [] }), 'wrong-account'],
    ['a conversion to a merchant', () => decided({ kind: 'convert', amount: points(1), to: 'merchant:x', places: [] }), 'wrong-account'],
    ['a transfer to oneself', () => decided({ kind: 'transfer', amount: points(1), to: 'holder:h' }), 'wrong-account'],
    ['a transfer that the programme does not allow', () => decided({ kind: 'transfer', amount: points(1), to: 'holder:x' }), 'not-allowed'],
    [
      'a hold whose id is taken',
      () => decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [] }, { hold: aHold() }),
      'hold-exists',
    ],
    [
      'a hold that has ended before it begins',
      () => decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [], expiresAt: now }),
      'hold-ended',
    ],
    [
      'a capture without hold',
      () => decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }),
      'unknown-hold',
    ],
    [
      'a capture before its hold',
      () =>
        decided(
          { kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' },
          { hold: aHold() },
          at('2018-05-09T00:00:00Z'),
        ),
      'before-its-cause',
    ],
    [
      'a capture at the end of the hold',
      () => decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }, { hold: aHold({ expiresAt: now }) }),
      'hold-ended',
    ],
    [
      'a capture above what is left',
      () =>
        decided(
          { kind: 'capture', hold: 'h1', amount: points(101), final: true, to: 'merchant:m' },
          { hold: aHold({ captured: points(200) }) },
        ),
      'hold-exceeded',
    ],
    ['a release of what was released', () => decided({ kind: 'release', hold: 'h1' }, { hold: aHold({ ended: true }) }), 'hold-ended'],
    ['a refund of nothing known', () => decided({ kind: 'refund', of: 'test:0', amount: points(1) }), 'unknown-posting'],
    [
      'a refund above what is left',
      () => decided({ kind: 'refund', of: 'test:0', amount: points(2) }, { refundable: aRefundable({ refunded: points(299) }) }),
      'refund-exceeds',
    ],
    [
      'a refund before its spend',
      () => decided({ kind: 'refund', of: 'test:0', amount: points(2) }, { refundable: aRefundable() }, at('2018-05-01T00:00:00Z')),
      'before-its-cause',
    ],
    [
      'a grant after the fixed day',
      () => decided(issue, { programme: aProgramme({}, { expiry: { kind: 'fixed-day', day: '2018-05-31' as LocalDate } }) }),
      'lot-already-over',
    ],
    [
      'a balance that no number can hold',
      () => decided(issue, { holding: holdingOf([], { balance: points(Number.MAX_SAFE_INTEGER) }) }),
      'balance-too-large',
    ],
    [
      'a grant above a cap',
      () => decided(issue, { programme: aProgramme({}, { limits: [{ kind: 'granted', per: 'day', points: points(99) }] }) }),
      'cap-exceeded',
    ],
    [
      'a transfer above what its receiver may have',
      () =>
        decided(
          { kind: 'transfer', amount: points(50), to: 'holder:x' },
          {
            programme: aProgramme({}, { transferAllowed: true, limits: [{ kind: 'balance', points: points(100) }] }),
            holding: holdingOf([aLot('a', 100)]),
            receiver: holdingOf([aLot('b', 51)]),
          },
        ),
      'cap-exceeded',
    ],
    [
      'one use too many, before what there is',
      () =>
        decided(spend(500), {
          programme: aProgramme({}, { limits: [{ kind: 'uses', per: 'day', times: 2 }] }),
          holding: holdingOf([aLot('a', 100)]),
          tallyOf: () => ({ times: 2, points: 2 }),
        }),
      'velocity-exceeded',
    ],
    ['points that have expired', () => decided(spend(150), { holding: holdingOf([aLot('a', 100), aLot('b', 100, over)]) }), 'lot-expired'],
    [
      'points whose expiry has been posted',
      () => decided(spend(150), { holding: holdingOf([aLot('a', 100), aLot('b', 0, { ...over, expired: points(100) })]) }),
      'lot-expired',
    ],
    [
      'points that are good elsewhere',
      () => decided(spend(150, ['shop:b']), { holding: holdingOf([aLot('a', 100), aLot('b', 100, { usableAt: ['shop:a'] })]) }),
      'not-usable-here',
    ],
    [
      'too few points',
      () => decided(spend(301), { holding: holdingOf([aLot('a', 100), aLot('b', 100, { usableAt: ['shop:a'] }), aLot('c', 100, over)]) }),
      'insufficient-points',
    ],
    [
      'points that are held',
      () => decided(spend(1), { holding: holdingOf([aLot('a', 100, { held: points(100) })]) }),
      'insufficient-points',
    ],
    [
      'points of a later grant',
      () =>
        decided(
          spend(1),
          { holding: holdingOf([aLot('a', 100, { grantedAt: at('2018-05-31T00:00:00Z') })]) },
          at('2018-05-30T23:59:59.999Z'),
        ),
      'insufficient-points',
    ],
  ])('%s', (_, decide, code) => {
    const decision = decide();

    expect(codeOf(decision)).toBe(code);
    if (code !== 'posted') expect(rejectionCodes).toContain(code);
  });

  it('release after the last day of the programme', () => {
    expect(
      codeOf(
        decided(
          { kind: 'release', hold: 'h1' },
          { hold: aHold(), holding: holdingOf([aLot('a', 200), aLot('b', 100)]), now: at('2018-12-24T00:00:00Z') },
        ),
      ),
    ).toBe('posted');
  });

  it('capture and release in a frozen programme and on a frozen account', () => {
    const programme = aProgramme({ frozen: true });
    const holding = holdingOf([aLot('a', 200, { held: points(200) }), aLot('b', 100, { held: points(100) })], { frozen: true });

    expect(
      codeOf(
        decided({ kind: 'capture', hold: 'h1', amount: points(300), final: true, to: 'merchant:m' }, { programme, holding, hold: aHold() }),
      ),
    ).toBe('posted');
    expect(codeOf(decided({ kind: 'release', hold: 'h1' }, { programme, holding, hold: aHold() }))).toBe('posted');
  });

  it.each<[string, () => Decision, object]>([
    ['of nothing known', () => decided({ kind: 'reverse', of: 'test:0' }), { code: 'unknown-posting' }],
    [
      'of a grant that is used, where the programme refuses that',
      () => decided({ kind: 'reverse', of: 'test:0' }, { reversible: aGrant, holding: holdingOf([aLot('a', 999)]) }),
      { code: 'reverse-exceeds', facts: { needed: 1000, available: 999 } },
    ],
    [
      'a second time',
      () =>
        decided({ kind: 'reverse', of: 'test:0' }, { reversible: { ...aGrant, reversed: true }, holding: holdingOf([aLot('a', 1000)]) }),
      { code: 'reverse-exceeds', facts: { needed: 1000, available: 0 } },
    ],
    [
      'of what has expired altogether',
      () =>
        decided(
          { kind: 'reverse', of: 'test:0' },
          { reversible: aGrant, holding: holdingOf([aLot('a', 0, { ...over, expired: points(1000) })]) },
        ),
      { code: 'reverse-exceeds', facts: { needed: 0, available: 0 } },
    ],
    [
      'before the grant',
      () =>
        decided(
          { kind: 'reverse', of: 'test:0' },
          { reversible: aGrant, holding: holdingOf([aLot('a', 1000)]) },
          at('2018-04-30T00:00:00Z'),
        ),
      { code: 'before-its-cause' },
    ],
  ])('refuse a reversal %s', (_, decide, rejection) => {
    expect(decide()).toMatchObject({ ok: false, rejection });
  });
});
