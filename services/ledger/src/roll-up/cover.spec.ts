import { endOfDayJst, parseInstant, startOfDayJst, type Instant } from '@points/kernel';
import fc from 'fast-check';
import { coverBefore, coverOf, type Cover } from './cover.js';

const at = (text: string): Instant => parseInstant(`${text}+09:00`);
const spans = ({ stretches, rests }: Cover) =>
  [...stretches.map(({ from, to }) => ({ from: startOfDayJst(from), to: startOfDayJst(to) })), ...rests].sort((a, b) =>
    a.from < b.from ? -1 : 1,
  );

describe('a cover', () => {
  it('takes months where they are whole, days at their ends and the rest by the line', () => {
    expect(coverOf({ from: at('2018-01-30T10:00:00'), to: at('2018-04-02T00:00:00.001') })).toEqual({
      stretches: [
        { grain: 'day', from: '2018-01-31', to: '2018-02-01' },
        { grain: 'month', from: '2018-02-01', to: '2018-04-01' },
        { grain: 'day', from: '2018-04-01', to: '2018-04-02' },
      ],
      rests: [
        { from: at('2018-01-30T10:00:00'), to: at('2018-01-31T00:00:00') },
        { from: at('2018-04-02T00:00:00'), to: at('2018-04-02T00:00:00.001') },
      ],
    });
  });

  it('of a month is that month, and of a part of a day is that part', () => {
    expect(coverOf({ from: at('2018-12-01T00:00:00'), to: at('2019-01-01T00:00:00') })).toEqual({
      stretches: [{ grain: 'month', from: '2018-12-01', to: '2019-01-01' }],
      rests: [],
    });
    const hour = { from: at('2018-12-01T10:00:00'), to: at('2018-12-01T11:00:00') };
    expect(coverOf(hour)).toEqual({ stretches: [], rests: [hour] });
    expect(coverOf({ from: hour.to, to: hour.from })).toEqual({ stretches: [], rests: [] });
  });

  it('before an instant reaches back to the beginning', () => {
    expect(coverBefore(endOfDayJst('2018-03-02' as never))).toEqual({
      stretches: [
        { grain: 'day', from: '0001-01-02', to: '0001-02-01' },
        { grain: 'month', from: '0001-02-01', to: '2018-03-01' },
        { grain: 'day', from: '2018-03-01', to: '2018-03-03' },
      ],
      rests: [],
    });
  });

  it('has every moment of its time once, whatever the time', () => {
    const instant = fc
      .date({ min: new Date('2016-01-01T00:00:00Z'), max: new Date('2019-01-01T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString() as Instant);
    const midnight = instant.map((one) => at(`${one.slice(0, 10)}T00:00:00`));
    fc.assert(
      fc.property(fc.oneof(instant, midnight), fc.oneof(instant, midnight), (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        let reached = from;
        for (const span of spans(coverOf({ from, to }))) {
          expect(span.from).toBe(reached);
          expect(span.to > span.from).toBe(true);
          reached = span.to;
        }
        expect(reached).toBe(to);
      }),
    );
  });
});
