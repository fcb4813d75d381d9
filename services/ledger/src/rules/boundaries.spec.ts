import { points, type LocalDate } from '@points/kernel';
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
import { effectiveTime, type Facts } from './decide.js';
import type { AnyInstruction } from './instruction.js';
import type { Programme, Rules } from './programme.js';
import type { Rejection } from './rejection.js';

const day = (text: string) => text as LocalDate;
const capture = (amount: number, of: object = {}): AnyInstruction => ({
  kind: 'capture',
  hold: 'h1',
  amount: points(amount),
  final: false,
  to: 'merchant:m',
  ...of,
});
const release: AnyInstruction = { kind: 'release', hold: 'h1' };
const refund = (amount: number): AnyInstruction => ({ kind: 'refund', of: 'test:0', amount: points(amount) });
const transfer = (amount: number, to = 'holder:x'): AnyInstruction => ({ kind: 'transfer', amount: points(amount), to });
const adjust = (direction: 'add' | 'take', amount: number): AnyInstruction => ({
  kind: 'adjust',
  direction,
  amount: points(amount),
  funding: 'free',
});
const extend = (days: number): AnyInstruction => ({ kind: 'extend', extension: 'e1', meant: { grantedBy: now }, later: { days } });
const reverse: AnyInstruction = { kind: 'reverse', of: 'test:0' };
const hold = (amount: number, of: object = {}): AnyInstruction => ({ kind: 'hold', hold: 'h1', amount: points(amount), places: [], ...of });
const use = (kind: 'spend' | 'convert' | 'donate', to: string): AnyInstruction => ({ kind, amount: points(1), to, places: [] });

const lots = [aLot('a', 200, { held: points(100) }), aLot('b', 100, { held: points(100) }), aLot('c', 1000)];
const all: Partial<Facts> = {
  hold: aHold(),
  refundable: aRefundable(),
  reversible: { ...aGrant, lot: 'c' },
  receiver: holdingOf([]),
  holding: holdingOf(lots),
  programme: aProgramme({}, { transferAllowed: true }),
};
const inProgramme = (of: Partial<Programme>, rules: Partial<Rules> = {}): Partial<Facts> => ({
  ...all,
  programme: aProgramme(of, { transferAllowed: true, ...rules }),
});
const most = Number.MAX_SAFE_INTEGER;
const refused = (instruction: AnyInstruction, facts: Partial<Facts>, effectiveAt?: ReturnType<typeof at>) => {
  const decision = decided(instruction, facts, effectiveAt);
  return decision.ok ? 'posted' : decision.rejection;
};

describe('a freeze', () => {
  const kinds: [string, AnyInstruction, string, string][] = [
    ['issue', issue, 'posted', 'programme-frozen'],
    ['hold', hold(1, { hold: 'h2' }), 'account-frozen', 'programme-frozen'],
    ['spend', spend(1), 'account-frozen', 'programme-frozen'],
    ['convert', use('convert', 'scheme:s'), 'account-frozen', 'programme-frozen'],
    ['donate', use('donate', 'fund:f'), 'account-frozen', 'programme-frozen'],
    ['transfer', transfer(1), 'account-frozen', 'programme-frozen'],
    ['capture', capture(1), 'posted', 'posted'],
    ['release', release, 'posted', 'posted'],
    ['refund', refund(1), 'posted', 'programme-frozen'],
    ['adjust', adjust('take', 1), 'posted', 'programme-frozen'],
    ['reverse', reverse, 'posted', 'programme-frozen'],
    ['extend', extend(30), 'posted', 'programme-frozen'],
  ];

  it.each(kinds)('of the account or of the programme: %s', (kind, instruction, ofAccount, ofProgramme) => {
    const facts = { ...all, ...(kind === 'hold' && { hold: undefined }) };

    expect(codeOf(decided(instruction, facts))).toBe('posted');
    expect(codeOf(decided(instruction, { ...facts, holding: holdingOf(lots, { frozen: true }) }))).toBe(ofAccount);
    expect(codeOf(decided(instruction, { ...facts, programme: aProgramme({ frozen: true }, { transferAllowed: true }) }))).toBe(
      ofProgramme,
    );
  });

  it('holds for the ledger’s own jobs too, which no period stops', () => {
    const own = { ...all, internal: true };

    expect(codeOf(decided(spend(1), { ...own, holding: holdingOf(lots, { frozen: true }) }))).toBe('account-frozen');
    expect(codeOf(decided(release, { ...own, programme: aProgramme({ historyOpen: false }) }, at('2018-06-02T00:00:00Z')))).toBe('posted');
    expect(codeOf(decided(issue, own, at('2018-06-02T00:00:00Z')))).toBe('posted');
  });
});

describe('the time of a posting', () => {
  const [before, after] = [at('2018-05-31T23:00:00Z'), at('2018-06-01T01:00:00Z')];
  const request = (effectiveAt?: typeof now) => ({ effectiveAt }) as Parameters<typeof effectiveTime>[0];

  it.each([
    [undefined, null, now],
    [undefined, before, now],
    [undefined, now, now],
    [undefined, after, after],
    [before, after, before],
    [after, null, after],
  ])('is the one that is named (%s), or now, or that of the account’s latest movement (%s): %s', (named, latest, time) => {
    expect(effectiveTime(request(named), now, latest)).toBe(time);
  });

  it('may be that of the account’s latest movement where the clock is behind it', () => {
    expect(refused(issue, { ...all, holding: holdingOf(lots, { latestAt: after }) }, after)).toBe('posted');
    expect(refused(issue, { ...all, holding: holdingOf(lots, { latestAt: before }) }, after)).toEqual({
      code: 'effective-in-future',
      facts: { effectiveAt: after, now },
    });
  });

  it('may not be named where history is closed', () => {
    expect(refused(issue, inProgramme({ historyOpen: false }), before)).toEqual({ code: 'history-closed', facts: { effectiveAt: before } });
    expect(refused(issue, inProgramme({ historyOpen: false }))).toBe('posted');
  });
});

describe('the period of a programme', () => {
  const firstDay = day('2018-06-01');
  const outside = (of: object): Rejection => ({ code: 'outside-period', facts: { day: firstDay, firstDay, ...of } });

  it.each<[string, AnyInstruction, Partial<Programme>, Rejection | 'posted']>([
    ['first day', issue, { firstDay }, 'posted'],
    ['eve of the first day', issue, { firstDay: day('2018-06-02') }, outside({ firstDay: '2018-06-02', lastDay: '2018-11-30' })],
    ['eve without an end', issue, { firstDay: day('2018-06-02'), lastDay: null }, outside({ firstDay: '2018-06-02' })],
    ['last day', spend(1), { firstDay, lastDay: firstDay }, 'posted'],
    ['day after the last', spend(1), { lastDay: day('2018-05-31') }, outside({ firstDay: '2017-11-20', lastDay: '2018-05-31' })],
    ['no end', spend(1), { lastDay: null }, 'posted'],
    ['no end, no end of grants', issue, { lastDay: null, lastGrantDay: null }, 'posted'],
    ['last day of grants', issue, { lastDay: null, lastGrantDay: firstDay }, 'posted'],
    [
      'day after the last of grants',
      issue,
      { lastDay: null, lastGrantDay: day('2018-05-31') },
      outside({ firstDay: '2017-11-20', lastDay: '2018-05-31' }),
    ],
    [
      'day after the last of grants, the earlier of two',
      issue,
      { lastGrantDay: day('2018-05-31') },
      outside({ firstDay: '2017-11-20', lastDay: '2018-05-31' }),
    ],
    [
      'day after the last, the earlier of two',
      issue,
      { lastDay: day('2018-05-30'), lastGrantDay: day('2018-07-31') },
      outside({ firstDay: '2017-11-20', lastDay: '2018-05-30' }),
    ],
    ['refund after the last day of grants', refund(1), { lastGrantDay: day('2018-05-31') }, 'posted'],
    ['adjustment after the last day of grants', adjust('add', 1), { lastGrantDay: day('2018-05-31') }, 'posted'],
    ['release after the last day', release, { lastDay: day('2018-05-31') }, 'posted'],
    ['capture whose hold was made on the last day', capture(1), { lastDay: day('2018-05-10') }, 'posted'],
    [
      'capture whose hold was made after it',
      capture(1),
      { lastDay: day('2018-05-09') },
      outside({ day: '2018-05-10', firstDay: '2017-11-20', lastDay: '2018-05-09' }),
    ],
  ])('on its %s', (_, instruction, of, answer) => {
    expect(refused(instruction, inProgramme(of))).toEqual(answer);
  });

  it.each<[string, string, Rejection | 'posted']>([
    ['2018-04-30T14:59:59.999Z', '2018-06-01T00:00:00.000Z', 'posted'],
    [
      '2018-04-30T15:00:00.000Z',
      '2018-06-01T00:00:00.000Z',
      { code: 'period-closed', facts: { day: day('2018-05-01'), fiscalYear: 2017 } },
    ],
    [
      '2018-05-19T14:59:59.999Z',
      '2018-06-01T00:00:00.000Z',
      { code: 'period-closed', facts: { day: day('2018-05-19'), fiscalYear: 2017 } },
    ],
    ['2018-05-19T15:00:00.000Z', '2018-06-01T00:00:00.000Z', 'posted'],
    ['2018-05-19T14:59:59.999Z', '2018-06-01T00:00:00.001Z', 'posted'],
  ])('has years whose books are closed: what takes effect at %s, closed from %s', (effectiveAt, closedFrom, answer) => {
    const year = { fiscalYear: 2017, from: at('2018-04-30T15:00:00Z'), to: at('2018-05-19T15:00:00Z'), closedFrom: at(closedFrom) };

    expect(refused(issue, inProgramme({ closedYears: [year] }), at(effectiveAt))).toEqual(answer);
  });
});

describe('the receiver', () => {
  it.each<['spend' | 'convert' | 'donate', string, boolean]>([
    ['spend', 'merchant:m', true],
    ['spend', 'facility:f', true],
    ['spend', 'holder:x', false],
    ['spend', 'issued:partner:a', false],
    ['spend', 'transfers:between-holders', false],
    ['spend', 'expired', false],
    ['spend', 'merchant', false],
    ['spend', ':m', false],
    ['spend', 'Merchant:m', false],
    ['spend', ' merchant:m', false],
    ['convert', 'scheme:s', true],
    ['convert', 'merchant:m', false],
    ['convert', 'other-scheme:s', false],
    ['donate', 'fund:f', true],
    ['donate', 'holder:x', false],
    ['donate', 'issued:partner:a', false],
    ['donate', 'transfers:between-holders', false],
    ['donate', 'municipality', false],
    ['donate', ':f', false],
    ['donate', ' fund:f', false],
  ])('of a %s may be %s: %s', (kind, to, may) => {
    const answer = may ? 'posted' : { code: 'wrong-account', facts: { account: to } };

    expect(refused(use(kind, to), all)).toEqual(answer);
    expect(refused(capture(1, { to, use: kind }), all)).toEqual(answer);
  });

  it.each(['holder:h', 'merchant:m', 'x-holder:x'])('of a transfer may not be %s', (to) => {
    expect(refused(transfer(1, to), all)).toEqual({ code: 'wrong-account', facts: { account: to } });
  });
});

describe('a refusal names the numbers', () => {
  const earlier = at('2018-05-09T23:59:59.999Z');
  const causeAt = at('2018-05-10T00:00:00Z');
  const ended = { code: 'hold-ended' } as const;

  it.each<[string, AnyInstruction, Partial<Facts>, Rejection | 'posted']>([
    ['capture of all that is left', capture(100), { ...all, hold: aHold({ captured: points(200) }) }, 'posted'],
    [
      'capture of more than is left',
      capture(101),
      { ...all, hold: aHold({ captured: points(200) }) },
      { code: 'hold-exceeded', facts: { needed: points(101), available: points(100) } },
    ],
    ['capture of a hold that was released', capture(1), { ...all, hold: aHold({ ended: true }) }, ended],
    ['capture in the last moment of a hold', capture(1), { ...all, hold: aHold({ expiresAt: at('2018-06-01T00:00:00.001Z') }) }, 'posted'],
    ['capture at its end', capture(1), { ...all, hold: aHold({ expiresAt: now }) }, ended],
    ['release after its end', release, { ...all, hold: aHold({ expiresAt: causeAt }) }, 'posted'],
    ['release of a hold that was released', release, { ...all, hold: aHold({ ended: true }) }, ended],
    ['release of nothing known', release, { ...all, hold: undefined }, { code: 'unknown-hold' }],
    ['extension of lots by no day', extend(0), all, { code: 'nothing-to-extend' }],
    ['hold that ends now', hold(1, { expiresAt: now }), { ...all, hold: undefined }, ended],
    ['hold of a moment', hold(1, { expiresAt: at('2018-06-01T00:00:00.001Z') }), { ...all, hold: undefined }, 'posted'],
    ['hold whose number is taken', hold(1), all, { code: 'hold-exists' }],
    [
      'hold of too much',
      hold(1101),
      { ...all, hold: undefined },
      { code: 'insufficient-points', facts: { needed: points(1101), available: points(1100) } },
    ],
    ['refund of all that is left', refund(299), { ...all, refundable: aRefundable({ refunded: points(1) }) }, 'posted'],
    [
      'refund of more than is left',
      refund(300),
      { ...all, refundable: aRefundable({ refunded: points(1) }) },
      { code: 'refund-exceeds', facts: { needed: points(300), available: points(299) } },
    ],
    ['refund to a full account', refund(1), { ...all, holding: holdingOf(lots, { balance: points(most) }) }, { code: 'balance-too-large' }],
    ['refund to an account that is full then', refund(1), { ...all, holding: holdingOf(lots, { balance: points(most - 1) }) }, 'posted'],
    ['grant to a full account', issue, { holding: holdingOf([], { balance: points(most - 99) }) }, { code: 'balance-too-large' }],
    ['grant to an account that is full then', issue, { holding: holdingOf([], { balance: points(most - 100) }) }, 'posted'],
    [
      'adjustment of a full account',
      adjust('add', 1),
      { holding: holdingOf([], { balance: points(most) }) },
      { code: 'balance-too-large' },
    ],
    ['adjustment of one that is full then', adjust('add', 1), { holding: holdingOf([], { balance: points(most - 1) }) }, 'posted'],
    [
      'adjustment that takes too much',
      adjust('take', 1101),
      all,
      { code: 'insufficient-points', facts: { needed: points(1101), available: points(1100) } },
    ],
    [
      'transfer to a full account',
      transfer(1),
      { ...all, receiver: holdingOf([], { balance: points(most) }) },
      { code: 'balance-too-large' },
    ],
    ['transfer to one that is full then', transfer(1), { ...all, receiver: holdingOf([], { balance: points(most - 1) }) }, 'posted'],
    ['transfer to an account that is not known yet', transfer(1), { ...all, receiver: undefined }, 'posted'],
    [
      'transfer of too much',
      transfer(1101),
      all,
      { code: 'insufficient-points', facts: { needed: points(1101), available: points(1100) } },
    ],
    [
      'reversal whose debt no number can hold',
      reverse,
      {
        ...inProgramme({}, { reverseOfSpent: 'debt' }),
        holding: holdingOf([aLot('c', 0)], { debt: points(most - 999) }),
      },
      { code: 'balance-too-large' },
    ],
    [
      'reversal whose debt it just can',
      reverse,
      { ...inProgramme({}, { reverseOfSpent: 'debt' }), holding: holdingOf([aLot('c', 0)], { debt: points(most - 1000) }) },
      'posted',
    ],
    [
      'reversal of what is used, refused in so many words',
      reverse,
      { ...inProgramme({}, { reverseOfSpent: 'refuse' }), holding: holdingOf([aLot('c', 900, { held: points(100) })]) },
      { code: 'reverse-exceeds', facts: { needed: points(1000), available: points(800) } },
    ],
    [
      'reversal of what is over, for what was used of it',
      reverse,
      { ...all, holding: holdingOf([aLot('c', 300, { ...over, expired: points(500) })]) },
      { code: 'reverse-exceeds', facts: { needed: points(200), available: points(0) } },
    ],
    [
      'reversal a second time, where debts are made',
      reverse,
      {
        ...inProgramme({}, { reverseOfSpent: 'debt' }),
        reversible: { ...aGrant, lot: 'c', reversed: true },
        holding: holdingOf([aLot('c', 300)]),
      },
      { code: 'reverse-exceeds', facts: { needed: points(1000), available: points(0) } },
    ],
    [
      'reversal of what has expired, where debts are made',
      reverse,
      { ...inProgramme({}, { reverseOfSpent: 'debt' }), holding: holdingOf([aLot('c', 0, { ...over, expired: points(1000) })]) },
      { code: 'reverse-exceeds', facts: { needed: points(0), available: points(0) } },
    ],
  ])('%s', (_, instruction, facts, answer) => {
    expect(refused(instruction, facts)).toEqual(answer);
  });

  it.each([
    ['capture', capture(1)],
    ['release', release],
    ['refund', refund(1)],
    ['reversal', reverse],
  ])('%s: not before its cause, and at the same instant', (_, instruction) => {
    const facts = { ...all, reversible: { ...aGrant, lot: 'c', effectiveAt: causeAt }, holding: holdingOf(lots) };

    expect(refused(instruction, facts, earlier)).toEqual({ code: 'before-its-cause', facts: { effectiveAt: earlier, causeAt } });
    expect(refused(instruction, facts, causeAt)).toBe('posted');
  });

  it.each(['2018-05-31', '2018-06-01'])('a lot that ends with the fixed day %s', (fixed) => {
    const facts = inProgramme({}, { expiry: { kind: 'fixed-day', day: day(fixed) } });
    const answer = fixed === '2018-06-01' ? 'posted' : { code: 'lot-already-over', facts: { expiresAt: '2018-05-31T15:00:00.000Z' } };

    expect(refused(issue, facts)).toEqual(answer);
    expect(refused(adjust('add', 1), facts)).toEqual(answer);
  });

  it('a lot that would end in the instant in which it begins', () => {
    const facts = inProgramme({}, { expiry: { kind: 'fixed-day', day: day('2018-05-31') } });
    const [end, before] = [at('2018-05-31T15:00:00Z'), at('2018-05-31T14:59:59.999Z')];

    for (const instruction of [issue, adjust('add', 1)]) {
      expect(refused(instruction, facts, end)).toEqual({ code: 'lot-already-over', facts: { expiresAt: end } });
      expect(refused(instruction, facts, before)).toBe('posted');
    }
  });

  it('a lot without an end is never over', () => {
    const facts = inProgramme({}, { expiry: { kind: 'none' } });

    expect([refused(issue, facts), refused(adjust('add', 1), facts)]).toEqual(['posted', 'posted']);
  });
});

describe('what is missing', () => {
  const [expired, elsewhere] = [aLot('x', 50, over), aLot('y', 30, { usableAt: ['shop:y'] })];

  it.each<[number, AnyInstruction['kind'][] | ReturnType<typeof aLot>[], Rejection]>([
    [150, [aLot('a', 100), expired], { code: 'lot-expired', facts: { needed: points(150), available: points(100), expired: points(50) } }],
    [151, [aLot('a', 100), expired], { code: 'insufficient-points', facts: { needed: points(151), available: points(100) } }],
    [
      130,
      [aLot('a', 100), elsewhere],
      { code: 'not-usable-here', facts: { needed: points(130), available: points(100), elsewhere: points(30) } },
    ],
    [131, [aLot('a', 100), elsewhere], { code: 'insufficient-points', facts: { needed: points(131), available: points(100) } }],
    [
      150,
      [aLot('a', 100), expired, elsewhere],
      { code: 'lot-expired', facts: { needed: points(150), available: points(100), expired: points(50) } },
    ],
    [151, [aLot('a', 100), expired, elsewhere], { code: 'insufficient-points', facts: { needed: points(151), available: points(100) } }],
    [101, [aLot('a', 100)], { code: 'insufficient-points', facts: { needed: points(101), available: points(100) } }],
  ])('for %i points is said by its first reason', (amount, some, answer) => {
    const holding = holdingOf(some as ReturnType<typeof aLot>[]);

    expect(refused(spend(amount), { holding })).toEqual(answer);
    expect(refused(hold(amount), { holding })).toEqual(answer);
  });
});

describe('a limit', () => {
  const uses = inProgramme({}, { limits: [{ kind: 'uses', per: 'day', times: 1, points: points(10) }] });
  const counted = [{ account: 'holder:h', key: 'uses/day', period: '2018-06-01', amount: 10 }];

  it.each<[string, AnyInstruction, Partial<Facts>]>([
    ['hold', hold(10), { ...uses, hold: undefined }],
    ['spend', spend(10), uses],
    ['transfer', transfer(10), uses],
  ])('counts a %s, and refuses one above it or after it', (_, instruction, facts) => {
    expect(decided(instruction, facts)).toMatchObject({ counts: counted });
    expect(codeOf(decided(instruction, { ...facts, tallyOf: () => ({ times: 0, points: 1 }) }))).toBe('velocity-exceeded');
    expect(codeOf(decided(instruction, { ...facts, tallyOf: () => ({ times: 1, points: 0 }) }))).toBe('velocity-exceeded');
  });

  it('of the balance looks at the receiver, who may be new', () => {
    const facts = inProgramme({}, { limits: [{ kind: 'balance', points: points(10) }] });

    expect(refused(transfer(10), { ...facts, receiver: undefined })).toBe('posted');
    expect(refused(transfer(11), { ...facts, receiver: undefined })).toEqual({
      code: 'cap-exceeded',
      facts: { cap: 'balance', limit: 10, used: 0, asked: 11 },
    });
    expect(refused(issue, { ...facts, holding: holdingOf([], { balance: points(7) }) })).toEqual({
      code: 'cap-exceeded',
      facts: { cap: 'balance', limit: 10, used: 7, asked: 100 },
    });
  });

  it('counts nothing where there is none', () => {
    expect(decided(spend(1), inProgramme({}, { limits: [] }))).toMatchObject({ ok: true, counts: [] });
  });
});
