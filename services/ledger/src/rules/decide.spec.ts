import { parseInstant, points, programmeId, sumPoints, type Instant, type LocalDate } from '@points/kernel';
import fc from 'fast-check';
import { decide, type Facts } from './decide.js';
import { expire } from './expire.js';
import type { AnyInstruction, Instruction } from './instruction.js';
import { byDrawOrder, type Lot, type Part } from './lots.js';
import type { Decision, Hold, Holding, Posting, Refundable, Reversible } from './movement.js';
import type { Programme, Rules } from './programme.js';
import { rejectionCodes } from './rejection.js';

const at = parseInstant;
const now = at('2018-06-01T00:00:00Z');
const rules: Rules = {
  expiry: { kind: 'days-after-grant', days: 100 },
  usableAt: [],
  refundOfExpired: { kind: 'restore-and-expire' },
  priority: 0,
  transferAllowed: false,
};

const aProgramme = (of: Partial<Programme> = {}, changed: Partial<Rules> = {}): Programme => ({
  programme: programmeId('141305-trial'),
  firstDay: '2017-11-20' as LocalDate,
  lastDay: '2018-11-30' as LocalDate,
  historyOpen: true,
  frozen: false,
  versions: [{ version: 1, validFrom: '2017-11-20' as LocalDate, rules: { ...rules, ...changed } }],
  ...of,
});
const aLot = (id: string, remaining: number, of: Partial<Lot> = {}): Lot => ({
  lot: id,
  priority: 0,
  grantedAt: at('2018-05-01T00:00:00Z'),
  expiresAt: at('2018-08-09T15:00:00Z'),
  usableAt: [],
  source: 'partner:a',
  funding: 'paid',
  ruleVersion: 1,
  amount: points(1000),
  remaining: points(remaining),
  held: points(0),
  expired: points(0),
  ...of,
});
const holdingOf = (lots: Lot[], of: Partial<Holding> = {}): Holding => ({
  balance: sumPoints(lots.map((lot) => lot.remaining)),
  held: sumPoints(lots.map((lot) => lot.held)),
  latestAt: null,
  frozen: false,
  debt: points(0),
  lots: [...lots].sort(byDrawOrder),
  lotOf: (id) => lots.find((lot) => lot.lot === id),
  ...of,
});
const ids = () => {
  let next = 0;
  return () => `id-${++next}`;
};
const decided = (instruction: AnyInstruction, facts: Partial<Facts> = {}, effectiveAt?: Instant): Decision =>
  decide(
    { reference: 'test:1', programme: programmeId('141305-trial'), account: 'holder:h', instruction, ...(effectiveAt && { effectiveAt }) },
    {
      programme: aProgramme(),
      now,
      holding: holdingOf([]),
      receiver: undefined,
      hold: undefined,
      refundable: undefined,
      newId: ids(),
      ...facts,
    },
  );
const posted = (decision: Decision): Posting => {
  if (!decision.ok) throw new Error(`refused: ${decision.rejection.code}`);
  return decision;
};
const codeOf = (decision: Decision) => (decision.ok ? 'posted' : decision.rejection.code);

const issue: Instruction = { kind: 'issue', amount: points(100), source: 'partner:a', funding: 'paid' };
const spend = (amount: number, places: string[] = []): Instruction => ({ kind: 'spend', amount: points(amount), to: 'merchant:m', places });
const aHold = (of: Partial<Hold> = {}): Hold => ({
  hold: 'h1',
  heldAt: at('2018-05-10T00:00:00Z'),
  expiresAt: null,
  amount: points(300),
  captured: points(0),
  ended: false,
  places: [],
  parts: [
    { lot: 'a', amount: points(200) },
    { lot: 'b', amount: points(100) },
  ],
  ...of,
});
const aRefundable = (of: Partial<Refundable> = {}): Refundable => ({
  transfer: 't1',
  to: 'merchant:m',
  effectiveAt: at('2018-05-10T00:00:00Z'),
  amount: points(300),
  refunded: points(0),
  parts: [
    { lot: 'a', amount: points(200) },
    { lot: 'b', amount: points(100) },
  ],
  ...of,
});
const aGrant: Reversible = { transfer: 't1', effectiveAt: at('2018-05-01T00:00:00Z'), source: 'partner:a', lot: 'a', reversed: false };
const over = { grantedAt: at('2018-01-01T00:00:00Z'), expiresAt: at('2018-05-20T15:00:00Z') };
const summary = (decision: Decision) =>
  posted(decision).movements.map(({ kind, counter, signed, draws, reserves }) => ({
    kind,
    counter,
    signed,
    draws: brief(draws),
    reserves: brief(reserves),
  }));
const brief = (parts: readonly Part[]) => parts.map(({ lot, amount }) => `${lot}:${amount}`).join(' ');

describe('decisions', () => {
  it('grant a lot under the version that holds on the day', () => {
    const versions = [
      ...aProgramme().versions,
      { version: 2, validFrom: '2018-06-02' as LocalDate, rules: { ...rules, usableAt: ['shop:a'], expiry: { kind: 'none' as const } } },
    ];

    const before = posted(decided(issue, { programme: aProgramme({ versions }), now: at('2018-06-01T14:59:59.999Z') }));
    const after = posted(decided(issue, { programme: aProgramme({ versions }), now: at('2018-06-01T15:00:00Z') }));

    expect(before.movements[0]?.grants).toMatchObject([
      { ruleVersion: 1, expiresAt: '2018-09-09T15:00:00.000Z', amount: 100, remaining: 100 },
    ]);
    expect(after.movements[0]?.grants).toMatchObject([{ ruleVersion: 2, expiresAt: null, usableAt: ['shop:a'] }]);
  });

  it.each<[string, Decision, string]>([
    ['an unknown programme', decided(issue, { programme: undefined }), 'unknown-programme'],
    [
      'a frozen one before anything else',
      decided(issue, { programme: aProgramme({ frozen: true }) }, at('2030-01-01T00:00:00Z')),
      'programme-frozen',
    ],
    [
      'anything but what follows a hold in a frozen one',
      decided({ kind: 'refund', of: 'test:0', amount: points(1) }, { programme: aProgramme({ frozen: true }), refundable: aRefundable() }),
      'programme-frozen',
    ],
    ['a spend from a frozen account', decided(spend(1), { holding: holdingOf([aLot('a', 100)], { frozen: true }) }), 'account-frozen'],
    [
      'a hold on a frozen account',
      decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [] }, { holding: holdingOf([aLot('a', 100)], { frozen: true }) }),
      'account-frozen',
    ],
    ['a grant to a frozen account', decided(issue, { holding: holdingOf([], { frozen: true }) }), 'posted'],
    ['a time to come', decided(issue, {}, at('2018-06-01T00:00:00.001Z')), 'effective-in-future'],
    [
      'a past time where history is closed',
      decided(issue, { programme: aProgramme({ historyOpen: false }) }, at('2018-05-31T00:00:00Z')),
      'history-closed',
    ],
    [
      'even now, if it is named, where history is closed',
      decided(issue, { programme: aProgramme({ historyOpen: false }) }, now),
      'history-closed',
    ],
    ['the day before the first', decided(issue, {}, at('2017-11-19T14:59:59.999Z')), 'outside-period'],
    ['the day after the last', decided(issue, { now: at('2018-11-30T15:00:00Z') }), 'outside-period'],
    ['the last moment of the last day', decided(issue, { now: at('2018-11-30T14:59:59.999Z') }), 'posted'],
    [
      'a grant after the last day of grants',
      decided(issue, { programme: aProgramme({ lastGrantDay: '2018-05-31' as LocalDate }) }),
      'outside-period',
    ],
    ['a grant on the last day of grants', decided(issue, { programme: aProgramme({ lastGrantDay: '2018-06-01' as LocalDate }) }), 'posted'],
    [
      'a spend after the last day of grants',
      decided(spend(1), { programme: aProgramme({ lastGrantDay: '2018-05-31' as LocalDate }), holding: holdingOf([aLot('a', 100)]) }),
      'posted',
    ],
    [
      'a capture after the last day of a hold before it',
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
      decided(
        { kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' },
        { hold: aHold({ heldAt: at('2018-05-10T00:00:00Z') }), programme: aProgramme({ lastDay: '2018-05-09' as LocalDate }) },
      ),
      'outside-period',
    ],
    [
      'a capture without hold after the last day',
      decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }, { now: at('2018-12-24T00:00:00Z') }),
      'unknown-hold',
    ],
    ...(['2018-05-31T23:59:59.999Z', '2018-06-01T00:00:00.000Z'] as const).map((closedFrom, index): [string, Decision, string] => {
      const closedYears = [
        { fiscalYear: 2017, from: at('2017-03-31T15:00:00Z'), to: at('2018-03-31T15:00:00Z'), closedFrom: at(closedFrom) },
      ];
      return [
        `the last moment of a year whose books are closed (${index})`,
        decided(issue, { programme: aProgramme({ closedYears }) }, at('2018-03-31T14:59:59.999Z')),
        'period-closed',
      ];
    }),
    [
      'the same moment while the close does not hold yet',
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
    ['a spend to a holder', decided({ kind: 'spend', amount: points(1), to: 'holder:x', places: [] }), 'wrong-account'],
    ['a conversion to a merchant', decided({ kind: 'convert', amount: points(1), to: 'merchant:x', places: [] }), 'wrong-account'],
    ['a transfer to oneself', decided({ kind: 'transfer', amount: points(1), to: 'holder:h' }), 'wrong-account'],
    ['a transfer that the programme does not allow', decided({ kind: 'transfer', amount: points(1), to: 'holder:x' }), 'not-allowed'],
    ['a hold whose id is taken', decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [] }, { hold: aHold() }), 'hold-exists'],
    [
      'a hold that has ended before it begins',
      decided({ kind: 'hold', hold: 'h1', amount: points(1), places: [], expiresAt: now }),
      'hold-ended',
    ],
    ['a capture without hold', decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }), 'unknown-hold'],
    [
      'a capture before its hold',
      decided(
        { kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' },
        { hold: aHold() },
        at('2018-05-09T00:00:00Z'),
      ),
      'before-its-cause',
    ],
    [
      'a capture at the end of the hold',
      decided({ kind: 'capture', hold: 'h1', amount: points(1), final: true, to: 'merchant:m' }, { hold: aHold({ expiresAt: now }) }),
      'hold-ended',
    ],
    [
      'a capture above what is left',
      decided(
        { kind: 'capture', hold: 'h1', amount: points(101), final: true, to: 'merchant:m' },
        { hold: aHold({ captured: points(200) }) },
      ),
      'hold-exceeded',
    ],
    ['a release of what was released', decided({ kind: 'release', hold: 'h1' }, { hold: aHold({ ended: true }) }), 'hold-ended'],
    ['a refund of nothing known', decided({ kind: 'refund', of: 'test:0', amount: points(1) }), 'unknown-posting'],
    [
      'a refund above what is left',
      decided({ kind: 'refund', of: 'test:0', amount: points(2) }, { refundable: aRefundable({ refunded: points(299) }) }),
      'refund-exceeds',
    ],
    [
      'a refund before its spend',
      decided({ kind: 'refund', of: 'test:0', amount: points(2) }, { refundable: aRefundable() }, at('2018-05-01T00:00:00Z')),
      'before-its-cause',
    ],
    [
      'a grant after the fixed day',
      decided(issue, { programme: aProgramme({}, { expiry: { kind: 'fixed-day', day: '2018-05-31' as LocalDate } }) }),
      'lot-already-over',
    ],
    [
      'a balance that no number can hold',
      decided(issue, { holding: holdingOf([], { balance: points(Number.MAX_SAFE_INTEGER) }) }),
      'balance-too-large',
    ],
    [
      'a grant above a cap',
      decided(issue, { programme: aProgramme({}, { limits: [{ kind: 'granted', per: 'day', points: points(99) }] }) }),
      'cap-exceeded',
    ],
    [
      'a transfer above what its receiver may have',
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
      decided(spend(500), {
        programme: aProgramme({}, { limits: [{ kind: 'uses', per: 'day', times: 2 }] }),
        holding: holdingOf([aLot('a', 100)]),
        tallyOf: () => ({ times: 2, points: 2 }),
      }),
      'velocity-exceeded',
    ],
    ['points that have expired', decided(spend(150), { holding: holdingOf([aLot('a', 100), aLot('b', 100, over)]) }), 'lot-expired'],
    [
      'points whose expiry has been posted',
      decided(spend(150), { holding: holdingOf([aLot('a', 100), aLot('b', 0, { ...over, expired: points(100) })]) }),
      'lot-expired',
    ],
    [
      'points that are good elsewhere',
      decided(spend(150, ['shop:b']), { holding: holdingOf([aLot('a', 100), aLot('b', 100, { usableAt: ['shop:a'] })]) }),
      'not-usable-here',
    ],
    [
      'too few points',
      decided(spend(301), { holding: holdingOf([aLot('a', 100), aLot('b', 100, { usableAt: ['shop:a'] }), aLot('c', 100, over)]) }),
      'insufficient-points',
    ],
    ['points that are held', decided(spend(1), { holding: holdingOf([aLot('a', 100, { held: points(100) })]) }), 'insufficient-points'],
    [
      'points of a later grant',
      decided(
        spend(1),
        { holding: holdingOf([aLot('a', 100, { grantedAt: at('2018-05-31T00:00:00Z') })]) },
        at('2018-05-30T23:59:59.999Z'),
      ),
      'insufficient-points',
    ],
  ])('%s', (_, decision, code) => {
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

  it('add to the counters of the limits that they concern', () => {
    const programme = aProgramme(
      {},
      {
        limits: [
          { kind: 'granted', per: 'month', points: points(100) },
          { kind: 'balance', points: points(900) },
        ],
      },
    );

    expect(posted(decided(issue, { programme })).counts).toEqual([
      { account: 'holder:h', key: 'granted/month', period: '2018-06', amount: 100 },
    ]);
    expect(posted(decided(spend(1), { programme, holding: holdingOf([aLot('a', 100)]) })).counts).toEqual([]);
  });

  it.each<[string, Partial<Lot>, Partial<Rules>, object[]]>([
    [
      'take it all back while it is there',
      {},
      {},
      [{ kind: 'reverse', counter: 'issued:partner:a', signed: -1000, draws: 'a:-1000', reserves: '' }],
    ],
    [
      'make a debt of what is gone',
      { remaining: points(400), held: points(100) },
      { reverseOfSpent: 'debt' },
      [
        { kind: 'reverse', counter: 'issued:partner:a', signed: -300, draws: 'a:-300', reserves: '' },
        { kind: 'owe', counter: null, signed: 0, draws: '', reserves: '' },
      ],
    ],
    [
      'make a debt of all when nothing is left',
      { remaining: points(0) },
      { reverseOfSpent: 'debt' },
      [{ kind: 'owe', counter: null, signed: 0, draws: '', reserves: '' }],
    ],
    [
      'do not ask for what has expired',
      { ...over, remaining: points(300), expired: points(600) },
      { reverseOfSpent: 'debt' },
      [{ kind: 'owe', counter: null, signed: 0, draws: '', reserves: '' }],
    ],
  ])('of a reversal %s', (_, lot, changed, movements) => {
    const decision = decided(
      { kind: 'reverse', of: 'test:0' },
      { programme: aProgramme({}, changed), reversible: aGrant, holding: holdingOf([aLot('a', 1000, lot)]) },
    );

    expect(summary(decision)).toEqual(movements);
  });

  it.each<[string, Decision, object]>([
    ['of nothing known', decided({ kind: 'reverse', of: 'test:0' }), { code: 'unknown-posting' }],
    [
      'of a grant that is used, where the programme refuses that',
      decided({ kind: 'reverse', of: 'test:0' }, { reversible: aGrant, holding: holdingOf([aLot('a', 999)]) }),
      { code: 'reverse-exceeds', facts: { needed: 1000, available: 999 } },
    ],
    [
      'a second time',
      decided({ kind: 'reverse', of: 'test:0' }, { reversible: { ...aGrant, reversed: true }, holding: holdingOf([aLot('a', 1000)]) }),
      { code: 'reverse-exceeds', facts: { needed: 1000, available: 0 } },
    ],
    [
      'of what has expired altogether',
      decided(
        { kind: 'reverse', of: 'test:0' },
        { reversible: aGrant, holding: holdingOf([aLot('a', 0, { ...over, expired: points(1000) })]) },
      ),
      { code: 'reverse-exceeds', facts: { needed: 0, available: 0 } },
    ],
    [
      'before the grant',
      decided({ kind: 'reverse', of: 'test:0' }, { reversible: aGrant, holding: holdingOf([aLot('a', 1000)]) }, at('2018-04-30T00:00:00Z')),
      { code: 'before-its-cause' },
    ],
  ])('refuse a reversal %s', (_, decision, rejection) => {
    expect(decision).toMatchObject({ ok: false, rejection });
  });

  it.each([
    [30, [100, -30]],
    [100, [100, -100]],
    [130, [100, -100]],
    [0, [100]],
  ])('pay a debt of %i with the next grant before its holder can', (debt, signed) => {
    const decision = posted(decided(issue, { holding: holdingOf([], { debt: points(debt) }) }));

    expect(decision.movements.map((one) => one.signed)).toEqual(signed);
    expect(decision.amount).toBe(100);
  });

  it('adjust both ways: a lot of staff is added, and points are taken in draw order wherever they are usable', () => {
    const holding = holdingOf([aLot('a', 50, { usableAt: ['shop:a'] }), aLot('b', 100, { usableAt: ['shop:b'] })]);
    const added = decided({ kind: 'adjust', direction: 'add', amount: points(70), funding: 'free' });

    expect(summary(added)).toEqual([{ kind: 'adjust', counter: 'adjusted', signed: 70, draws: 'id-1:70', reserves: '' }]);
    expect(posted(added).movements[0]?.grants).toMatchObject([
      { source: 'staff:adjustment', funding: 'free', ruleVersion: 1, expiresAt: '2018-09-09T15:00:00.000Z' },
    ]);
    expect(summary(decided({ kind: 'adjust', direction: 'take', amount: points(70), funding: 'free' }, { holding }))).toEqual([
      { kind: 'adjust', counter: 'adjusted', signed: -70, draws: 'a:-50 b:-20', reserves: '' },
    ]);
    expect(codeOf(decided({ kind: 'adjust', direction: 'take', amount: points(151), funding: 'free' }, { holding }))).toBe(
      'insufficient-points',
    );
  });

  it('do not go back in time when the clock does', () => {
    const decision = posted(decided(issue, { holding: holdingOf([], { latestAt: at('2018-06-01T01:00:00Z') }) }));

    expect(decision.effectiveAt).toBe('2018-06-01T01:00:00.000Z');
  });

  it('capture a hold from the front and free the rest when final', () => {
    const holding = holdingOf([aLot('a', 200, { held: points(50) }), aLot('b', 100, { held: points(100) })]);
    const decision = decided(
      { kind: 'capture', hold: 'h1', amount: points(80), final: true, to: 'scheme:s', use: 'convert' },
      { hold: aHold({ captured: points(150) }), holding },
    );

    expect(summary(decision)).toEqual([
      { kind: 'convert', counter: 'scheme:s', signed: -80, draws: 'a:-50 b:-30', reserves: 'a:-50 b:-30' },
      { kind: 'release', counter: null, signed: 0, draws: '', reserves: 'b:-70' },
    ]);
    expect(posted(decision).hold).toMatchObject({ captured: 230, ended: true });
  });

  it('capture points whose lot has ended while they were held', () => {
    const holding = holdingOf([aLot('a', 200, { ...over, held: points(200) }), aLot('b', 100, { held: points(100) })]);

    expect(
      summary(decided({ kind: 'capture', hold: 'h1', amount: points(300), final: false, to: 'merchant:m' }, { hold: aHold(), holding })),
    ).toEqual([{ kind: 'spend', counter: 'merchant:m', signed: -300, draws: 'a:-200 b:-100', reserves: 'a:-200 b:-100' }]);
  });

  it.each<[string, Partial<Rules>, object]>([
    ['expire', {}, { kind: 'expire', counter: 'expired', signed: -200, draws: 'a:-200', reserves: '' }],
    [
      'fall to the municipality',
      { refundOfExpired: { kind: 'to-municipality' } },
      { kind: 'revert', counter: 'municipality', signed: -200, draws: 'a:-200', reserves: '' },
    ],
    [
      'live on in a new lot',
      { refundOfExpired: { kind: 'new-lot', days: 30 } },
      { kind: 'renew', counter: null, signed: 0, draws: 'a:-200 id-3:200', reserves: '' },
    ],
  ])('let points that are freed after their time %s, as the programme says', (_, changed, then) => {
    const holding = holdingOf([aLot('a', 200, { ...over, held: points(200) }), aLot('b', 100, { held: points(100) })]);
    const decision = decided({ kind: 'release', hold: 'h1' }, { programme: aProgramme({}, changed), hold: aHold(), holding });

    expect(summary(decision)).toEqual([{ kind: 'release', counter: null, signed: 0, draws: '', reserves: 'a:-200 b:-100' }, then]);
    for (const lot of posted(decision).movements.flatMap((one) => one.grants))
      expect(lot).toMatchObject({ remaining: 200, expiresAt: '2018-07-01T15:00:00.000Z', grantedAt: now });
  });

  it('refund to the lots that were drawn, last drawn first, and let what is over go its way', () => {
    const holding = holdingOf([aLot('a', 0, over), aLot('b', 20)]);

    expect(
      summary(
        decided({ kind: 'refund', of: 'test:0', amount: points(150) }, { refundable: aRefundable({ refunded: points(30) }), holding }),
      ),
    ).toEqual([
      { kind: 'refund', counter: 'merchant:m', signed: 150, draws: 'b:70 a:80', reserves: '' },
      { kind: 'expire', counter: 'expired', signed: -80, draws: 'a:-80', reserves: '' },
    ]);
  });

  it('transfer points that keep their end, places and funding', () => {
    const programme = aProgramme({}, { transferAllowed: true });
    const holding = holdingOf([aLot('a', 50, { usableAt: ['shop:a'], funding: 'free' }), aLot('b', 100)]);
    const decision = posted(
      decided({ kind: 'transfer', amount: points(80), to: 'holder:x' }, { programme, holding, receiver: holdingOf([]) }),
    );

    expect(decision.movements.map(({ kind, account, signed }) => [kind, account, signed])).toEqual([
      ['transfer-out', 'holder:h', -80],
      ['transfer-in', 'holder:x', 80],
    ]);
    expect(decision.movements[1]?.grants).toMatchObject([
      { remaining: 50, usableAt: ['shop:a'], funding: 'free', grantedAt: now, expiresAt: '2018-08-09T15:00:00.000Z' },
      { remaining: 30, usableAt: [] },
    ]);
  });

  it('lengthen living lots with a use where the rule is months after the last use', () => {
    const programme = aProgramme({}, { expiry: { kind: 'months-after-last-use', months: 6 } });
    const holding = holdingOf([aLot('a', 50), aLot('b', 50, over), aLot('c', 0)]);

    expect(posted(decided(spend(10), { programme, holding })).extensions).toEqual([{ lot: 'a', expiresAt: '2018-12-01T15:00:00.000Z' }]);
  });

  it('expire what nobody holds, lot by lot, at the lot’s own end', () => {
    const lots = [
      aLot('a', 100, over),
      aLot('b', 100, { ...over, held: points(40) }),
      aLot('c', 100),
      aLot('d', 0, over),
      aLot('e', 30, { expiresAt: null }),
    ];

    const movements = expire('holder:h', lots, at('2018-05-20T15:00:00Z'), ids());

    expect(movements.map(({ signed, effectiveAt, draws }) => ({ signed, effectiveAt, draws: brief(draws) }))).toEqual([
      { signed: -100, effectiveAt: over.expiresAt, draws: 'a:-100' },
      { signed: -60, effectiveAt: over.expiresAt, draws: 'b:-60' },
    ]);
    expect(expire('holder:h', lots, at('2018-05-20T14:59:59.999Z'), ids())).toEqual([]);
  });

  it('conserve: draws add up to the entry, and no lot is drawn below zero or freed below nothing', () => {
    const amounts = fc.array(fc.tuple(fc.nat(100), fc.nat(100), fc.boolean()), { minLength: 1, maxLength: 5 });
    const instructions = fc.oneof<fc.Arbitrary<Instruction>[]>(
      fc.integer({ min: 1, max: 300 }).map((amount) => spend(amount)),
      fc.integer({ min: 1, max: 300 }).map((amount) => ({ kind: 'hold', hold: 'h9', amount: points(amount), places: [] })),
      fc.integer({ min: 1, max: 300 }).map((amount) => ({ kind: 'transfer', amount: points(amount), to: 'holder:x' })),
      fc.constant(issue),
    );
    fc.assert(
      fc.property(amounts, instructions, (some, instruction) => {
        const lots = some.map(([remaining, held, isOver], index) =>
          aLot(`lot-${index}`, remaining, { held: points(Math.min(held, remaining)), ...(isOver && over) }),
        );
        const decision = decided(instruction, {
          programme: aProgramme({}, { transferAllowed: true }),
          holding: holdingOf(lots),
          receiver: holdingOf([]),
        });
        if (!decision.ok) return;
        for (const movement of decision.movements) {
          expect(sumPoints(movement.draws.map((part) => part.amount))).toBe(movement.signed);
          expect(Math.abs(movement.signed) === movement.amount || movement.counter === null).toBe(true);
          for (const part of [...movement.draws, ...movement.reserves]) {
            const lot = lots.find((one) => one.lot === part.lot);
            if (lot) expect(Math.abs(part.amount)).toBeLessThanOrEqual(lot.remaining - lot.held);
          }
        }
        const moved = sumPoints(decision.movements.map((movement) => movement.signed));
        expect(moved).toBe(instruction.kind === 'issue' ? 100 : instruction.kind === 'spend' ? 0 - instruction.amount : 0);
      }),
    );
  });

  it('never refund more than was spent, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 10 }), (amounts) => {
        let refundable = aRefundable();
        const back = new Map<string, number>();
        for (const amount of amounts) {
          const decision = decided(
            { kind: 'refund', of: 'test:0', amount: points(amount) },
            { refundable, holding: holdingOf([aLot('a', 0), aLot('b', 0)]) },
          );
          expect(decision.ok).toBe(refundable.refunded + amount <= 300);
          if (!decision.ok) continue;
          refundable = { ...refundable, refunded: points(refundable.refunded + amount) };
          for (const part of decision.movements[0]?.draws ?? []) back.set(part.lot, (back.get(part.lot) ?? 0) + part.amount);
        }
        expect(back.get('a') ?? 0).toBeLessThanOrEqual(200);
        expect(back.get('b') ?? 0).toBeLessThanOrEqual(100);
      }),
    );
  });
});
