import { points, sumPoints, type LocalDate } from '@points/kernel';
import fc from 'fast-check';
import type { Instruction } from './instruction.js';
import type { Lot } from './lots.js';
import type { Rules } from './programme.js';
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
  posted,
  someRules,
  spend,
  summary,
} from '../testing/decision-builders.js';

describe('decisions', () => {
  it('grant a lot under the version that holds on the day', () => {
    const versions = [
      ...aProgramme().versions,
      {
        version: 2,
        validFrom: '2018-06-02' as LocalDate,
        rules: { ...someRules, usableAt: ['shop:a'], expiry: { kind: 'none' as const } },
      },
    ];

    const before = posted(decided(issue, { programme: aProgramme({ versions }), now: at('2018-06-01T14:59:59.999Z') }));
    const after = posted(decided(issue, { programme: aProgramme({ versions }), now: at('2018-06-01T15:00:00Z') }));

    expect(before.movements[0]?.grants).toMatchObject([
      { ruleVersion: 1, expiresAt: '2018-09-09T15:00:00.000Z', amount: 100, remaining: 100 },
    ]);
    expect(after.movements[0]?.grants).toMatchObject([{ ruleVersion: 2, expiresAt: null, usableAt: ['shop:a'] }]);
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
