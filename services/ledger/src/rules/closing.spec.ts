import { parseInstant, type LocalDate } from '@points/kernel';
import { closedAt, closingWarning } from './closing.js';

/** めいぶつチョイス of Kani closed on this day. */
const lastDay = '2020-09-30' as LocalDate;
const at = parseInstant;

describe('the end of a programme', () => {
  it.each<[string, number | null, ReturnType<typeof closingWarning>]>([
    ['2020-04-02T15:00:00Z', null, { warning: 180, daysLeft: 180 }],
    ['2020-04-02T14:59:59.999Z', null, undefined],
    ['2020-04-03T15:00:00Z', 180, undefined],
    ['2020-07-01T15:00:00Z', 180, { warning: 90, daysLeft: 90 }],
    ['2020-08-31T03:00:00Z', 90, { warning: 30, daysLeft: 30 }],
    ['2020-08-31T03:00:00Z', 30, undefined],
    ['2020-09-26T03:00:00Z', 180, { warning: 7, daysLeft: 4 }],
    ['2020-09-29T14:59:59.999Z', 7, { warning: 1, daysLeft: 1 }],
    ['2020-09-30T14:59:59.999Z', 7, { warning: 1, daysLeft: 0 }],
    ['2020-09-30T15:00:00Z', 7, undefined],
  ])('is announced once per number of days: at %s after the warning of %j days', (now, given, due) => {
    expect(closingWarning(lastDay, given, at(now))).toEqual(due);
  });

  it.each<[string, string | undefined]>([
    ['2020-09-30T14:59:59.999Z', undefined],
    ['2020-09-30T15:00:00Z', '2020-09-30T15:00:00.000Z'],
  ])('comes at midnight after the last day of use: %s', (now, end) => {
    expect(closedAt(lastDay, at(now))).toBe(end);
    expect(closedAt(null, at(now))).toBeUndefined();
  });
});
