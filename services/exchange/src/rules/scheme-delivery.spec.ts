import { addDays, isLocalDate, parseInstant, type LocalDate } from '@points/kernel';
import fc from 'fast-check';
import { cutOffHourMax, cutOffOf, deliveryTrouble, fileDueAt, firstFileDay, giveBackAt, giveBackDaysMax } from './scheme-delivery.js';

const day = '2026-03-02' as LocalDate;

describe('the settings of a delivery', () => {
  it.each([
    [{ delivery: 'api', endpoint: 'https://card.example' }, []],
    [{ delivery: 'api', endpoint: 'https://card.example', secret: 's' }, []],
    [{ delivery: 'api' }, ['endpoint']],
    [{ delivery: 'api', endpoint: 'https://card.example', cutOffHour: 0 }, ['cutOffHour']],
    [{ delivery: 'api', cutOffHour: 5 }, ['endpoint', 'cutOffHour']],
    [{ delivery: 'file', cutOffHour: 0 }, []],
    [{ delivery: 'file' }, ['cutOffHour']],
    [{ delivery: 'file', cutOffHour: 5, endpoint: 'https://card.example', secret: 's' }, ['endpoint', 'secret']],
  ] as const)('%j are wrong in %j', (settings, fields) => {
    expect(deliveryTrouble(settings).map(({ field }) => field)).toEqual(fields);
  });
});

describe('the file of a day', () => {
  it.each([
    [0, '2026-03-01T15:00:00.000Z'],
    [5, '2026-03-01T20:00:00.000Z'],
    [9, '2026-03-02T00:00:00.000Z'],
    [23, '2026-03-02T14:00:00.000Z'],
  ])('is cut off at %i o’clock in Tokyo', (hour, instant) => {
    expect(cutOffOf(day, hour)).toBe(instant);
  });

  it('is made one minute after its cut-off', () => {
    expect(fileDueAt(day, 5)).toBe('2026-03-01T20:01:00.000Z');
  });

  it.each([
    ['2026-03-02T04:59:59.999+09:00', 5, '2026-03-02'],
    ['2026-03-02T05:00:00+09:00', 5, '2026-03-03'],
    ['2026-03-02T00:00:00+09:00', 0, '2026-03-03'],
    ['2026-03-02T22:59:59+09:00', 23, '2026-03-02'],
    ['2026-12-31T23:30:00+09:00', 23, '2027-01-01'],
  ])('at %s, cut off at %i, is first that of %s', (now, hour, first) => {
    expect(firstFileDay(parseInstant(now), hour)).toBe(first);
  });

  const anInstant = fc.date({ min: new Date('2020-01-01T00:00:00Z'), max: new Date('2040-01-01T00:00:00Z'), noInvalidDate: true });
  const anHour = fc.integer({ min: 0, max: cutOffHourMax });

  it('that is first is the only one whose cut-off is the next to come', () => {
    fc.assert(
      fc.property(anInstant, anHour, (date, hour) => {
        const now = parseInstant(date.toISOString());
        const first = firstFileDay(now, hour);
        expect(isLocalDate(first)).toBe(true);
        expect(cutOffOf(first, hour) > now && cutOffOf(addDays(first, -1), hour) <= now).toBe(true);
      }),
    );
  });

  it('is cut off after that of the day before, whatever the hour was changed to', () => {
    fc.assert(
      fc.property(anHour, anHour, (before, after) => {
        expect(cutOffOf(addDays(day, 1), after) > cutOffOf(day, before)).toBe(true);
      }),
    );
  });
});

describe('points that nobody answers for', () => {
  it.each([
    [1, '2026-03-03T15:00:00.000Z'],
    [14, '2026-03-16T15:00:00.000Z'],
    [giveBackDaysMax, '2026-05-31T15:00:00.000Z'],
  ])('go back after %i whole days, at midnight in Tokyo', (days, instant) => {
    expect(giveBackAt(day, days)).toBe(instant);
  });
});
