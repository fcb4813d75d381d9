import fc from 'fast-check';
import { NumberTable } from './number-table.js';

describe('a table of numbers', () => {
  it('answers what was set last, and nothing for a text that was never set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.integer())), fc.string(), (entries, other) => {
        const [table, map] = [new NumberTable(), new Map<string, number>()];
        for (const [text, value] of entries) {
          table.set(text, value);
          map.set(text, value);
        }

        for (const text of [...map.keys(), other]) expect(table.get(text)).toBe(map.get(text));
      }),
    );
  });

  it('keeps two hundred thousand order ids apart', () => {
    const table = new NumberTable();
    for (let n = 0; n < 200_000; n++) table.set(`KWS-${n}`, n);

    const wrong = Array.from({ length: 200_000 }, (_, n) => n).filter((n) => table.get(`KWS-${n}`) !== n);

    expect(wrong).toEqual([]);
    expect(table.get('KWS-200000')).toBeUndefined();
  });
});
