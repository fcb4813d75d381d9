import {
  addDays,
  daysBetween,
  endOfDayJst,
  isInstant,
  isLocalDate,
  isoWeekday,
  jstDateOf,
  lastUsableInstant,
  parseInstant,
  startOfDayJst,
  timeOfDayJst,
  type LocalDate,
} from './jst.js';

const day = (text: string) => text as LocalDate;

describe('an instant', () => {
  it.each([
    ['2018-02-28T00:00:00+09:00', '2018-02-27T15:00:00.000Z'],
    ['2018-02-27T15:00:00Z', '2018-02-27T15:00:00.000Z'],
    ['2018-02-27T10:00:00.5-05:00', '2018-02-27T15:00:00.500Z'],
    ['2018-02-27t15:00:00.123000z', '2018-02-27T15:00:00.123Z'],
    ['2020-02-29T23:59:59.999+09:00', '2020-02-29T14:59:59.999Z'],
  ])('%s is %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    ['2018-02-28T00:00:00', 'its offset'],
    ['2018-02-28', 'its offset'],
    ['2018-02-29T00:00:00Z', 'does not exist'],
    ['2018-04-31T00:00:00Z', 'does not exist'],
    ['2018-02-28T24:00:00Z', 'does not exist'],
    ['2018-02-28T23:59:60Z', 'does not exist'],
    ['2018-02-28T23:59:59.0001Z', 'milliseconds'],
    ['2018-02-28T00:00:00+19:00', 'offset'],
    ['28.2.2018', 'its offset'],
    ['', 'its offset'],
    ['0000-01-01T00:00:00Z', 'does not exist'],
    ['0001-01-01T00:00:00+09:00', 'from 0001 to 9999'],
    ['9999-12-31T23:59:59-09:00', 'from 0001 to 9999'],
  ])('%p is refused: %s', (text, reason) => {
    expect(() => parseInstant(text)).toThrow(reason);
  });

  it.each([
    ['2018-02-27T15:00:00.000Z', true],
    ['2018-02-31T00:00:00.000Z', false],
    ['2018-02-28T24:00:00.000Z', false],
    ['0000-01-01T00:00:00.000Z', false],
    ['2018-02-27T15:00:00Z', false],
  ])('%s as it stands: %s', (text, is) => {
    expect(isInstant(text)).toBe(is);
  });
});

describe('a day in Tokyo', () => {
  it.each([
    ['2018-02-27T14:59:59.999Z', '2018-02-27'],
    ['2018-02-27T15:00:00Z', '2018-02-28'],
    ['2019-12-31T15:00:00Z', '2020-01-01'],
  ])('the instant %s lies on %s', (instant, date) => {
    expect(jstDateOf(parseInstant(instant))).toBe(date);
  });

  it('begins and ends at midnight in Tokyo', () => {
    expect(startOfDayJst(day('2018-02-28'))).toBe('2018-02-27T15:00:00.000Z');
    expect(endOfDayJst(day('2018-02-28'))).toBe('2018-02-28T15:00:00.000Z');
    expect(lastUsableInstant(day('2018-02-28'))).toBe('2018-02-28T14:59:59.999Z');
  });

  it.each([
    ['2017-11-28', 100, '2018-03-08'],
    ['2020-02-28', 1, '2020-02-29'],
    ['2021-03-31', -31, '2021-02-28'],
  ])('%s and %i days is %s', (from, days, to) => {
    expect(addDays(day(from), days)).toBe(to);
    expect(daysBetween(day(from), day(to))).toBe(days);
  });

  it.each([['2018-02-29'], ['0000-01-01'], ['2018-13-01'], ['2018-00-10'], ['18-01-01'], ['2018-1-1'], ['']])('%p is no day', (text) => {
    expect(isLocalDate(text)).toBe(false);
  });
});

it.each([
  ['2018-02-28T14:59:59.999Z', 3, '23:59'],
  ['2018-02-28T15:00:00.000Z', 4, '00:00'],
  ['2018-03-04T00:30:00.000Z', 7, '09:30'],
])('tells the day of the week and the time of day in Tokyo of %s', (text, weekday, time) => {
  const at = parseInstant(text);

  expect([isoWeekday(jstDateOf(at)), timeOfDayJst(at)]).toEqual([weekday, time]);
});
