import { points, type LocalDate } from '@points/kernel';
import { aGrant, aHold, aLot, aProgramme, aRefundable, decided, holdingOf, issue, now, over, spend } from '../testing/decision-builders.js';
import type { Hold, Movement, Posting } from './movement.js';

/** A movement of these specs; each says the rest itself. */
const moved = (of: Partial<Movement>): Partial<Movement> => ({
  account: 'holder:h',
  effectiveAt: now,
  draws: [],
  grants: [],
  reserves: [],
  ...of,
});
const whole = (movements: Partial<Movement>[], of: Partial<Posting> = {}) => ({
  ok: true,
  id: movements[0]?.id,
  amount: movements[0]?.amount,
  effectiveAt: now,
  movements,
  extensions: [],
  ...of,
});
const part = (lot: string, amount: number) => ({ lot, amount: points(amount) });
const granted = {
  lot: 'id-1',
  priority: 0,
  grantedAt: now,
  expiresAt: '2018-09-09T15:00:00.000Z',
  usableAt: [],
  source: 'partner:a',
  funding: 'paid',
  ruleVersion: 1,
  amount: 100,
  remaining: 100,
  held: 0,
  expired: 0,
};
const heldLots = holdingOf([aLot('a', 200, { held: points(200) }), aLot('b', 100, { held: points(100) })]);
const captureOf = (amount: number, final: boolean) => ({
  kind: 'capture' as const,
  hold: 'h1',
  amount: points(amount),
  final,
  to: 'merchant:m',
});
const stateOf = (hold: Partial<Hold>) => aHold(hold);

/** A posting is what the books keep for ever, so each kind is written out here to the last field. */
describe('a posting', () => {
  it('of a grant pays the debt from the new lot', () => {
    const decision = decided(issue, { holding: holdingOf([], { debt: points(30) }) });

    expect(decision).toEqual(
      whole(
        [
          moved({
            id: 'id-2',
            kind: 'issue',
            counter: 'issued:partner:a',
            amount: points(100),
            signed: points(100),
            draws: [part('id-1', 100)],
            grants: [granted] as never,
          }),
          moved({
            id: 'id-3',
            kind: 'repay',
            counter: 'municipality',
            amount: points(30),
            signed: points(-30),
            draws: [part('id-1', -30)],
            of: 'id-2',
          }),
        ],
        { counts: [] },
      ),
    );
  });

  it('of a spend names the receiver and the lots', () => {
    expect(decided(spend(30), { holding: holdingOf([aLot('a', 20), aLot('b', 100)]) })).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'spend',
            counter: 'merchant:m',
            amount: points(30),
            signed: points(-30),
            draws: [part('a', -20), part('b', -10)],
          }),
        ],
        { counts: [] },
      ),
    );
  });

  it.each([undefined, '2018-06-01T00:00:00.001Z' as typeof now])('of a hold reserves lots and moves nothing: until %s', (expiresAt) => {
    const instruction = { kind: 'hold' as const, hold: 'h1', amount: points(30), places: ['shop:a'], ...(expiresAt && { expiresAt }) };

    expect(decided(instruction, { holding: holdingOf([aLot('a', 20), aLot('b', 100)]) })).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'hold',
            hold: 'h1',
            counter: null,
            amount: points(30),
            signed: points(0),
            reserves: [part('a', 20), part('b', 10)],
          }),
        ],
        {
          hold: {
            hold: 'h1',
            heldAt: now,
            expiresAt: expiresAt ?? null,
            amount: points(30),
            captured: points(0),
            ended: false,
            places: ['shop:a'],
            parts: [part('a', 20), part('b', 10)],
          },
          counts: [],
        },
      ),
    );
  });

  it.each<[number, number, boolean, boolean, Partial<Movement>[]]>([
    [0, 200, false, false, []],
    [0, 300, false, true, []],
    [0, 300, true, true, []],
    [200, 100, false, true, []],
    [
      0,
      250,
      true,
      true,
      [
        moved({
          id: 'id-2',
          kind: 'release',
          hold: 'h1',
          counter: null,
          amount: points(50),
          signed: points(0),
          reserves: [part('b', -50)],
        }),
      ],
    ],
  ])('of a capture, %i captured before and %i now, final %s: ended %s', (captured, amount, final, ended, freed) => {
    const decision = decided(captureOf(amount, final), { hold: aHold({ captured: points(captured) }), holding: heldLots });
    const draws = captured === 200 ? [part('b', -100)] : [part('a', -200), ...(amount > 200 ? [part('b', 200 - amount)] : [])];

    expect(decision).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'spend',
            hold: 'h1',
            counter: 'merchant:m',
            amount: points(amount),
            signed: points(0 - amount),
            draws,
            reserves: draws,
          }),
          ...freed,
        ],
        { hold: stateOf({ captured: points(captured + amount), ended }) },
      ),
    );
  });

  it('of a release frees what was not captured and gives back what is over', () => {
    const holding = holdingOf([aLot('a', 200, { held: points(50) }), aLot('b', 100, { ...over, held: points(100) })]);

    expect(decided({ kind: 'release', hold: 'h1' }, { hold: aHold({ captured: points(150) }), holding })).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'release',
            hold: 'h1',
            counter: null,
            amount: points(150),
            signed: points(0),
            reserves: [part('a', -50), part('b', -100)],
          }),
          moved({
            id: 'id-2',
            kind: 'expire',
            of: 'id-1',
            counter: 'expired',
            amount: points(100),
            signed: points(-100),
            draws: [part('b', -100)],
          }),
        ],
        { hold: stateOf({ captured: points(150), ended: true }) },
      ),
    );
  });

  it('of a refund names what it takes back; what is over lives on in a lot that keeps all but its time', () => {
    const programme = aProgramme({}, { refundOfExpired: { kind: 'new-lot', days: 30 } });
    const lot = aLot('b', 20, { ...over, held: points(10), expired: points(5), priority: 3, usableAt: ['shop:a'] });

    expect(
      decided({ kind: 'refund', of: 'test:0', amount: points(80) }, { programme, refundable: aRefundable(), holding: holdingOf([lot]) }),
    ).toEqual(
      whole([
        moved({
          id: 'id-1',
          kind: 'refund',
          of: 't1',
          counter: 'merchant:m',
          amount: points(80),
          signed: points(80),
          draws: [part('b', 80)],
        }),
        moved({
          id: 'id-2',
          kind: 'renew',
          of: 'id-1',
          counter: null,
          amount: points(80),
          signed: points(0),
          draws: [part('b', -80), part('id-3', 80)],
          grants: [
            {
              ...lot,
              lot: 'id-3',
              grantedAt: now,
              expiresAt: '2018-07-01T15:00:00.000Z' as typeof now,
              amount: points(80),
              remaining: points(80),
              held: points(0),
              expired: points(0),
            },
          ],
        }),
      ]),
    );
  });

  it('of a refund that falls to the municipality names the refund', () => {
    const programme = aProgramme({}, { refundOfExpired: { kind: 'to-municipality' } });
    const holding = holdingOf([aLot('b', 0, over)]);

    expect(decided({ kind: 'refund', of: 'test:0', amount: points(80) }, { programme, refundable: aRefundable(), holding })).toMatchObject({
      movements: [
        {},
        moved({
          id: 'id-2',
          kind: 'revert',
          of: 'id-1',
          counter: 'municipality',
          amount: points(80),
          signed: points(-80),
          draws: [part('b', -80)],
        }),
      ],
    });
  });

  it('of a transfer gives the receiver lots of his own that keep all but their time and number', () => {
    const lots = [
      aLot('a', 50, { usableAt: ['shop:a'], funding: 'free', priority: -1, expired: points(3) }),
      aLot('b', 100, { held: points(40) }),
    ];
    const fresh = { grantedAt: now, held: points(0), expired: points(0) };

    expect(
      decided(
        { kind: 'transfer', amount: points(80), to: 'holder:x' },
        { programme: aProgramme({}, { transferAllowed: true }), holding: holdingOf(lots), receiver: holdingOf([]) },
      ),
    ).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'transfer-out',
            counter: 'transfers:between-holders',
            amount: points(80),
            signed: points(-80),
            draws: [part('a', -50), part('b', -30)],
          }),
          moved({
            id: 'id-4',
            kind: 'transfer-in',
            account: 'holder:x',
            of: 'id-1',
            counter: 'transfers:between-holders',
            amount: points(80),
            signed: points(80),
            draws: [part('id-2', 50), part('id-3', 30)],
            grants: [
              { ...lots[0], ...fresh, lot: 'id-2', amount: points(50), remaining: points(50) },
              { ...lots[1], ...fresh, lot: 'id-3', amount: points(30), remaining: points(30) },
            ] as never,
          }),
        ],
        { counts: [] },
      ),
    );
  });

  it('of a reversal takes what is left and owes the rest to the grant; its amount is what was taken', () => {
    const programme = aProgramme({}, { reverseOfSpent: 'debt' });
    const holding = holdingOf([aLot('a', 400, { held: points(100), expired: points(50) })]);

    expect(decided({ kind: 'reverse', of: 'test:0' }, { programme, reversible: aGrant, holding })).toEqual(
      whole([
        moved({
          id: 'id-1',
          kind: 'reverse',
          of: 't1',
          counter: 'issued:partner:a',
          amount: points(300),
          signed: points(-300),
          draws: [part('a', -300)],
        }),
        moved({ id: 'id-2', kind: 'owe', of: 't1', counter: null, amount: points(650), signed: points(0) }),
      ]),
    );
    expect(decided({ kind: 'reverse', of: 'test:0' }, { programme, reversible: aGrant, holding: holdingOf([aLot('a', 0)]) })).toMatchObject(
      { id: 'id-1', amount: 0, movements: [{ kind: 'owe', amount: 1000 }] },
    );
  });

  it('of an adjustment stands against one account, whichever way it goes', () => {
    const adjust = (direction: 'add' | 'take') =>
      decided({ kind: 'adjust', direction, amount: points(100), funding: 'paid' }, { holding: holdingOf([aLot('a', 100)]) });

    expect(adjust('add')).toEqual(
      whole([
        moved({
          id: 'id-2',
          kind: 'adjust',
          counter: 'adjusted',
          amount: points(100),
          signed: points(100),
          draws: [part('id-1', 100)],
          grants: [{ ...granted, source: 'staff:adjustment' }] as never,
        }),
      ]),
    );
    expect(adjust('take')).toEqual(
      whole([
        moved({
          id: 'id-1',
          kind: 'adjust',
          counter: 'adjusted',
          amount: points(100),
          signed: points(-100),
          draws: [part('a', -100)],
        }),
      ]),
    );
  });

  it('of an extension moves ends and no points, and says what each lot had left', () => {
    const lots = [aLot('a', 50, { held: points(20) }), aLot('b', 70, over), aLot('c', 30)];
    const ends = { from: '2018-08-09T15:00:00.000Z' as typeof now, to: '2018-08-10T15:00:00.000Z' as typeof now };
    const instruction = { kind: 'extend' as const, extension: 'e1', meant: { grantedBy: now }, later: { days: 1 } };

    expect(decided(instruction, { holding: holdingOf(lots) })).toEqual(
      whole(
        [
          moved({
            id: 'id-1',
            kind: 'extend',
            counter: null,
            amount: points(80),
            signed: points(0),
            extended: [
              { extension: 'e1', lot: 'a', points: points(50), ...ends },
              { extension: 'e1', lot: 'c', points: points(30), ...ends },
            ],
          }),
        ],
        {
          extensions: [
            { lot: 'a', expiresAt: ends.to },
            { lot: 'c', expiresAt: ends.to },
          ],
        },
      ),
    );
  });

  it('is never made of lots that are not known', () => {
    const refund = () => decided({ kind: 'refund', of: 'test:0', amount: points(1) }, { refundable: aRefundable() });
    const reverse = () => decided({ kind: 'reverse', of: 'test:0' }, { reversible: aGrant });

    expect(refund).toThrow('assertion failed: points come back to lot b, which is not known');
    expect(reverse).toThrow('assertion failed: lot a was drawn but is not known');
  });
});

describe('a use', () => {
  const months = (number: number) => ({ kind: 'months-after-last-use' as const, months: number });
  const programme = aProgramme({
    versions: [
      { version: 1, validFrom: '2017-11-20' as LocalDate, rules: { ...aProgramme().versions[0]!.rules, expiry: months(6) } },
      { version: 2, validFrom: '2018-06-01' as LocalDate, rules: aProgramme().versions[0]!.rules },
    ],
    transferAllowed: true,
  } as never);
  const lots = [
    aLot('a', 50),
    aLot('b', 50, over),
    aLot('c', 0),
    aLot('d', 50, { ruleVersion: 2 }),
    aLot('e', 50, { expiresAt: null }),
    aLot('f', 50, { expiresAt: '2018-12-01T15:00:00.000Z' as typeof now }),
    aLot('g', 50, { expiresAt: '2018-12-01T14:59:59.999Z' as typeof now }),
  ];
  const longer = ['a', 'g'].map((lot) => ({ lot, expiresAt: '2018-12-01T15:00:00.000Z' }));

  it('lengthens the living lots of the rule it has, and never shortens one', () => {
    expect(decided(spend(10), { programme, holding: holdingOf(lots) })).toMatchObject({ extensions: longer });
  });

  it('is a capture too', () => {
    const holding = holdingOf([aLot('a', 200, { held: points(200) }), aLot('b', 100, { held: points(100) })]);

    expect(decided(captureOf(10, false), { programme, hold: aHold(), holding })).toMatchObject({
      extensions: ['a', 'b'].map((lot) => ({ lot, expiresAt: '2018-12-01T15:00:00.000Z' })),
    });
  });
});
