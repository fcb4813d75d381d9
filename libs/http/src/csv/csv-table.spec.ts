import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvCell, csvOf } from './csv-table.js';

describe('a CSV cell', () => {
  it.each([
    ['plain', 'plain'],
    [-400, '-400'],
    [0, '0'],
    [null, ''],
    [undefined, ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', "'=1+1"],
    ['+81', "'+81"],
    ['-400', "'-400"],
    ['@sum', "'@sum"],
    ['\tx', "'\tx"],
    ['＝１＋１', "'＝１＋１"],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
    ['merchant:shop-1', 'merchant:shop-1'],
  ])('writes %j as %j', (value, text) => {
    expect(csvCell(value)).toBe(text);
  });
});

describe('a CSV table', () => {
  it('begins with a byte order mark, and every line ends with CRLF', () => {
    expect(csvOf({ header: ['店', 'points'], rows: [['shop', 1]] })).toBe('\uFEFF店,points\r\nshop,1\r\n');
  });

  it('is read back by a CSV reader as it was, whatever the text, but for the apostrophe before a formula', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 2 }), { minLength: 1 }), (rows) => {
        const guarded = rows.map((row) => row.map((cell) => (/^[=+\-@\t\r\n＝＋－＠]/.test(cell) ? `'${cell}` : cell)));
        const read = parse(csvOf({ header: ['a', 'b'], rows }), { bom: true, record_delimiter: '\r\n' });
        expect(read.slice(1)).toEqual(guarded);
      }),
    );
  });
});
