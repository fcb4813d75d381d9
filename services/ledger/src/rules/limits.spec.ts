import { parseInstant, points } from '@points/kernel';
import type { AnyInstruction } from './instruction.js';
import { countersOf, passesCap, passesVelocity, type Counter, type Limit, type Tally } from './limits.js';

const at = parseInstant('2020-03-31T14:59:59.999Z');
const issue: AnyInstruction = { kind: 'issue', amount: points(100), source: 'activity:radio', funding: 'free' };
const spend: AnyInstruction = { kind: 'spend', amount: points(100), to: 'merchant:m', places: [] };
const asked = (instruction: AnyInstruction, when = at) => ({ account: 'holder:h', instruction, at: when });
const used = (times: number, sum: number) => (): Tally => ({ times, points: sum });
const granted = (per: 'day' | 'month' | 'fiscal-year' | 'lifetime', source?: string): Limit => ({
  kind: 'granted',
  per,
  points: points(500),
  ...(source && { source }),
});
const places = ({ account, key, period }: Counter) => `${account} ${key} ${period}`;

describe('limits', () => {
  it.each<[Limit, string]>([
    [granted('day'), 'holder:h granted/day 2020-03-31'],
    [granted('month'), 'holder:h granted/month 2020-03'],
    [granted('fiscal-year'), 'holder:h granted/fiscal-year FY2019'],
    [granted('lifetime', 'activity:radio'), 'holder:h granted/lifetime/activity:radio ever'],
    [granted('day', 'activity:*'), 'holder:h granted/day/activity:* 2020-03-31'],
    [{ kind: 'budget', per: 'lifetime', points: points(1), source: 'activity:radio' }, 'budget budget/lifetime/activity:radio ever'],
  ])('count a grant in the calendar of Tokyo: %j', (limit, counter) => {
    expect(countersOf([limit], asked(issue)).map(places)).toEqual([counter]);
  });

  it('begin a new period at midnight in Tokyo, and a new fiscal year on 1 April', () => {
    const next = parseInstant('2020-03-31T15:00:00Z');

    expect(countersOf([granted('day'), granted('month'), granted('fiscal-year')], asked(issue, next)).map((one) => one.period)).toEqual([
      '2020-04-01',
      '2020-04',
      'FY2020',
    ]);
    expect(
      (['minute', 'hour', 'day'] as const).map((per) => countersOf([{ kind: 'uses', per, times: 1 }], asked(spend, next))[0]?.period),
    ).toEqual(['2020-04-01T00:00', '2020-04-01T00', '2020-04-01']);
  });

  it.each([
    ['2020-03-31T00:05:00Z', '2020-03-31T09:05', '2020-03-31T09'],
    ['2020-03-31T14:59:59.999Z', '2020-03-31T23:59', '2020-03-31T23'],
    ['2020-03-31T15:00:00Z', '2020-04-01T00:00', '2020-04-01T00'],
    ['2020-03-31T23:30:00Z', '2020-04-01T08:30', '2020-04-01T08'],
  ])('name the minute and the hour in Tokyo: %s', (when, minute, hour) => {
    const per = (period: 'minute' | 'hour') => countersOf([{ kind: 'uses', per: period, times: 1 }], asked(spend, parseInstant(when)));

    expect(per('minute')).toEqual([{ account: 'holder:h', key: 'uses/minute', period: minute }]);
    expect(per('hour')).toEqual([{ account: 'holder:h', key: 'uses/hour', period: hour }]);
  });

  it.each<[AnyInstruction['kind'], AnyInstruction, string[]]>([
    ['issue', issue, ['granted', 'budget', 'balance']],
    ['hold', { kind: 'hold', hold: 'h', amount: points(1), places: [] }, ['uses']],
    ['spend', spend, ['uses']],
    ['convert', { ...spend, kind: 'convert' }, ['uses']],
    ['donate', { ...spend, kind: 'donate' }, ['uses']],
    ['transfer', { kind: 'transfer', amount: points(1), to: 'holder:x' }, ['balance', 'uses']],
    ['capture', { kind: 'capture', hold: 'h', amount: points(1), final: true, to: 'merchant:m' }, []],
    ['release', { kind: 'release', hold: 'h' }, []],
    ['refund', { kind: 'refund', of: 'r', amount: points(1) }, []],
    ['adjust', { kind: 'adjust', direction: 'add', amount: points(1), funding: 'free' }, []],
    ['reverse', { kind: 'reverse', of: 'r' }, []],
    ['extend', { kind: 'extend', extension: 'e', meant: { grantedBy: at }, later: { days: 1 } }, []],
  ])('of every kind concern what they are meant for: %s', (_, instruction, kinds) => {
    const none: Limit[] = [
      { kind: 'granted', per: 'day', points: points(0) },
      { kind: 'budget', per: 'day', points: points(0) },
      { kind: 'balance', points: points(0) },
      { kind: 'uses', per: 'day', points: points(0) },
    ];
    const stopped = none.filter(
      (limit) =>
        passesCap([limit], asked(instruction), points(1), points(0), used(0, 0)) ??
        passesVelocity([limit], asked(instruction), points(1), used(0, 0)),
    );

    expect(stopped.map((limit) => limit.kind)).toEqual(kinds);
    expect(countersOf(none, asked(instruction)).map(({ key }) => key)).toEqual(
      kinds.filter((kind) => kind !== 'balance').map((kind) => `${kind}/day`),
    );
  });

  it.each([
    ['activity:radio', true],
    ['activity:*', true],
    ['activity:radio:*', false],
    ['activity:rad', false],
    ['activity', false],
    ['radio', false],
    ['act:*', false],
    ['activity*', false],
    ['*', false],
  ])('are for a source by its name or for a kind of source: %s', (source, concerned) => {
    expect(countersOf([granted('day', source)], asked(issue))).toHaveLength(concerned ? 1 : 0);
  });

  it.each<[string, Limit, string, number]>([
    ['a number alone', { kind: 'uses', per: 'day', times: 3 }, 'uses/day/times', 3],
    ['a sum alone', { kind: 'uses', per: 'day', points: points(500) }, 'uses/day/points', 401],
  ])('of use may be %s', (_, limit, cap, over) => {
    const usedBefore = cap.endsWith('times') ? used(over, 9_999) : used(9_999, over);
    const usedLess = cap.endsWith('times') ? used(over - 1, 9_999) : used(9_999, over - 1);

    expect(passesVelocity([limit], asked(spend), points(100), usedBefore)).toMatchObject({ facts: { cap, used: over } });
    expect(passesVelocity([limit], asked(spend), points(100), usedLess)).toBeUndefined();
  });

  it('are passed over where they do not concern the instruction, and the next ones count', () => {
    const [uses, cap]: Limit[] = [{ kind: 'uses', per: 'day', times: 0 }, granted('day', 'partner:*')];
    const rules = [cap!, uses!, granted('day')];

    expect(passesCap(rules, asked(issue), points(501), points(0), used(0, 0))).toMatchObject({ facts: { cap: 'granted/day' } });
    expect(passesVelocity(rules, asked(spend), points(1), used(0, 0))).toMatchObject({ facts: { cap: 'uses/day/times' } });
    expect(passesVelocity([granted('day')], asked(issue), points(501), used(9, 9_999))).toBeUndefined();
    expect(passesCap([uses!], asked(spend), points(501), points(9_999), used(9, 9_999))).toBeUndefined();
  });

  it.each<[string, Limit, AnyInstruction]>([
    ['a grant of another source', granted('day', 'activity:walk'), issue],
    ['a grant of another kind of source', granted('day', 'partner:*'), issue],
    ['a spend as a grant', granted('day'), spend],
    ['a grant as a use', { kind: 'uses', per: 'day', times: 1 }, issue],
    [
      'a capture, whose hold was counted',
      { kind: 'uses', per: 'day', times: 1 },
      { kind: 'capture', hold: 'h', amount: points(1), final: true, to: 'merchant:m' },
    ],
  ])('do not count %s', (_, limit, instruction) => {
    expect(countersOf([limit], asked(instruction))).toEqual([]);
  });

  it.each([
    [400, undefined],
    [401, { code: 'cap-exceeded', facts: { cap: 'granted/day', limit: 500, used: 401, asked: 100 } }],
  ])('let a grant reach the cap and not pass it: %i used', (sum, rejection) => {
    expect(passesCap([granted('day')], asked(issue), points(100), points(0), used(1, sum))).toEqual(rejection);
  });

  it.each([
    [400, undefined],
    [401, { code: 'cap-exceeded', facts: { cap: 'balance', limit: 500, used: 401, asked: 100 } }],
  ])('let a balance reach its cap and not pass it: %i there', (balance, rejection) => {
    expect(passesCap([{ kind: 'balance', points: points(500) }], asked(issue), points(100), points(balance), used(9, 9_999))).toEqual(
      rejection,
    );
  });

  it.each([
    [2, 400, undefined],
    [3, 0, { code: 'velocity-exceeded', facts: { cap: 'uses/hour/times', limit: 3, used: 3, asked: 1 } }],
    [2, 401, { code: 'velocity-exceeded', facts: { cap: 'uses/hour/points', limit: 500, used: 401, asked: 100 } }],
  ])('stop the use that passes the number or the sum: %i uses of %i points before', (times, sum, rejection) => {
    expect(
      passesVelocity([{ kind: 'uses', per: 'hour', times: 3, points: points(500) }], asked(spend), points(100), used(times, sum)),
    ).toEqual(rejection);
  });

  it('name the first limit in the order of the rules', () => {
    expect(passesCap([granted('lifetime'), granted('day')], asked(issue), points(501), points(0), used(0, 0))).toMatchObject({
      facts: { cap: 'granted/lifetime' },
    });
  });
});
