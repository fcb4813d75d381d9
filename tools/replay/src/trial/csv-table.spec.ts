import { readCsvTable } from './csv-table.js';

const read = (text: string) => readCsvTable('x.csv', Buffer.from(text), ['id', 'points']);
const summary = (text: string) => {
  const { lines, badRows } = read(text);
  return { lines: lines.map((one) => [one.line, one.values.id, one.values.points]), bad: badRows.map((one) => one.line) };
};

describe('a CSV file', () => {
  it.each([
    [
      'LF',
      'id,points\na,1\nb,2\n',
      [
        [2, 'a', '1'],
        [3, 'b', '2'],
      ],
    ],
    ['no line end at the end', 'id,points\na,1', [[2, 'a', '1']]],
    [
      'CRLF',
      'id,points\r\na,1\r\nb,2\r\n',
      [
        [2, 'a', '1'],
        [3, 'b', '2'],
      ],
    ],
    [
      'CR',
      'id,points\ra,1\rb,2\r',
      [
        [2, 'a', '1'],
        [3, 'b', '2'],
      ],
    ],
    ['BOM', '\uFEFFid,points\na,1\n', [[2, 'a', '1']]],
    [
      'empty lines before, between and after',
      '\n \nid,points\n\na,1\n\n\nb,2\n\n',
      [
        [5, 'a', '1'],
        [8, 'b', '2'],
      ],
    ],
    ['another order of columns', 'points,id\n1,a\n', [[2, 'a', '1']]],
    ['quoted cells', '"id","points"\n"a,""x""","1"\n', [[2, 'a,"x"', '1']]],
    ['a header only', 'id,points\n', []],
  ])('is read with its real line numbers: %s', (_, text, lines) => {
    expect(summary(text)).toEqual({ lines, bad: [] });
  });

  it('reports a quote that is never closed and still reads the lines behind it', () => {
    expect(summary('id,points\n"a,1\nb,2\n')).toEqual({ lines: [[3, 'b', '2']], bad: [2] });
  });

  it.each([
    ['empty', '', 'x.csv:1 line'],
    ['UTF-16', Buffer.from('\uFEFFid,points\n', 'utf16le'), 'x.csv:1 line'],
    ['a column missing', 'id\n', 'x.csv:1 points'],
    ['a column twice', 'id,points,id\n', 'x.csv:1 id'],
  ])('cannot be used when its header is wrong: %s', (_, bytes, at) => {
    const { broken, badRows } = readCsvTable('x.csv', Buffer.from(bytes), ['id', 'points']);

    expect(broken).toBe(true);
    expect(badRows.map((row) => `${row.file}:${row.line} ${row.field}`)).toEqual([at]);
  });
});
