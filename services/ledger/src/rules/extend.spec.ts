import { parseInstant, points, type LocalDate } from '@points/kernel';
import { extend, lastDayMax, lastDayOf, type Later, type LotsMeant } from './extend.js';
import type { Lot } from './lots.js';

const at = parseInstant;
const day = (text: string) => text as LocalDate;
const now = at('2018-04-01T12:00:00+09:00');
const extension = '019a0000-0000-7000-8000-000000000001';

/** Usable through 11 April. */
const aLot = (more: Partial<Lot> = {}): Lot => ({
  lot: 'a',
  priority: 0,
  grantedAt: at('2018-01-01T00:00:00+09:00'),
  expiresAt: at('2018-04-12T00:00:00+09:00'),
  usableAt: [],
  source: 'activity:radio',
  funding: 'free',
  ruleVersion: 1,
  amount: points(100),
  remaining: points(70),
  held: points(0),
  expired: points(0),
  ...more,
});
const endOf = (lot: Lot, later: Later, meant: Partial<LotsMeant> = {}, when = now) =>
  extend([lot], { kind: 'extend', extension, meant: { grantedBy: now, ...meant }, later }, when)[0]?.to;

describe('an extension', () => {
  it('says of each lot what it had left and from when to when its end moved', () => {
    const lots = [aLot({ held: points(20) }), aLot({ lot: 'b', expiresAt: at('2018-06-01T00:00:00+09:00') })];

    expect(extend(lots, { kind: 'extend', extension, meant: { grantedBy: now }, later: { lastDay: day('2018-05-10') } }, now)).toEqual([
      { extension, lot: 'a', points: 70, from: at('2018-04-12T00:00:00+09:00'), to: at('2018-05-11T00:00:00+09:00') },
    ]);
  });

  it.each<[string, Later, string | undefined]>([
    ['to a later day', { lastDay: day('2018-05-10') }, '2018-05-11T00:00:00+09:00'],
    ['to the day after its last one', { lastDay: day('2018-04-12') }, '2018-04-13T00:00:00+09:00'],
    ['not to the day it has', { lastDay: day('2018-04-11') }, undefined],
    ['not to an earlier day', { lastDay: day('2018-04-10') }, undefined],
    ['by one day', { days: 1 }, '2018-04-13T00:00:00+09:00'],
    ['by the days over a leap year', { days: 3_653 }, '2028-04-12T00:00:00+09:00'],
  ])('moves an end %s', (_, later, end) => {
    expect(endOf(aLot(), later)).toBe(end && at(end));
  });

  it('does not move an end past the last day that can be written', () => {
    const last = aLot({ expiresAt: at('9999-12-29T00:00:00+09:00') });

    expect(endOf(last, { days: 100 })).toBe(at('9999-12-31T00:00:00+09:00'));
    expect(endOf({ ...last, expiresAt: at('9999-12-31T00:00:00+09:00') }, { days: 100 })).toBeUndefined();
    expect(lastDayMax).toBe('9999-12-30');
  });

  it.each<[string, string, boolean]>([
    ['a millisecond before its end', '2018-04-11T23:59:59.999+09:00', true],
    ['at its end', '2018-04-12T00:00:00+09:00', false],
    ['a millisecond after its end', '2018-04-12T00:00:00.001+09:00', false],
  ])('reaches a lot %s: %s', (_, when, isReached) => {
    expect(endOf(aLot(), { days: 30 }, { grantedBy: at(when) }, at(when)) !== undefined).toBe(isReached);
  });

  it.each<[string, Partial<Lot>, boolean]>([
    ['open', {}, true],
    ['held in full', { held: points(70) }, true],
    ['without an end', { expiresAt: null }, false],
    ['with nothing left', { remaining: points(0) }, false],
    ['granted when the order was given', { grantedAt: now }, true],
    ['granted later', { grantedAt: at('2018-04-01T12:00:00.001+09:00') }, false],
  ])('takes a lot %s: %j', (_, lot, isMoved) => {
    expect(endOf(aLot(lot), { days: 30 }, {}, at('2018-04-02T00:00:00+09:00')) !== undefined).toBe(isMoved);
  });

  it.each<[string, Partial<LotsMeant>, boolean]>([
    ['ends after the first day', { endsAfter: at('2018-04-11T00:00:00+09:00') }, true],
    ['ends with the day before the first day', { endsAfter: at('2018-04-12T00:00:00+09:00') }, false],
    ['ends with the last day', { endsBy: at('2018-04-12T00:00:00+09:00') }, true],
    ['ends after the last day', { endsBy: at('2018-04-11T00:00:00+09:00') }, false],
    ['is of the source', { source: 'activity:radio' }, true],
    ['is of the kind of source', { source: 'activity:*' }, true],
    ['is of another source', { source: 'activity:walk' }, false],
    ['is of another kind of source', { source: 'staff:*' }, false],
    ['is of the funding', { funding: 'free' }, true],
    ['is of the other funding', { funding: 'paid' }, false],
  ])('means a lot that %s', (_, meant, isMeant) => {
    expect(endOf(aLot(), { days: 30 }, meant) !== undefined).toBe(isMeant);
  });
});

it.each([
  ['2018-04-12T00:00:00+09:00', '2018-04-11'],
  ['2018-04-12T00:00:00.001+09:00', '2018-04-12'],
  ['2018-04-12T23:59:59.999+09:00', '2018-04-12'],
])('a lot that ends at %s has the last day %s', (end, last) => {
  expect(lastDayOf(at(end))).toBe(last);
});
