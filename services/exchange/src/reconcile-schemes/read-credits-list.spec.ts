import { readCreditsList } from './read-credits-list.js';

describe('the scheme’s file', () => {
  it('is read whatever the order of its columns, with days and times', () => {
    expect(readCreditsList('points,date,creditId,receipt\n500,2026-03-02T23:30:00Z,141305-points:BRE 1,CS-1\n1,,a:b,\n')).toEqual({
      lines: [
        { line: 2, creditId: '141305-points:BRE 1', points: 500, receipt: 'CS-1', date: '2026-03-03' },
        { line: 3, creditId: 'a:b', points: 1, receipt: null, date: null },
      ],
    });
  });

  it.each([
    ['creditId\na:b', 1, 'header', 'the column points is missing'],
    ['creditId,points\nBRE-1,5', 2, 'creditId', 'programme, a colon, conversion id'],
    ['creditId,points\na:b,0', 2, 'points', 'is not a whole number'],
    ['creditId,points,date\na:b,5,20260302', 2, 'date', 'is neither a day'],
    ['creditId,points,receipt\na:b,5,R\u0000', 2, 'receipt', 'holds U+0000'],
    [`creditId,points,receipt\na:b,5,${'x'.repeat(101)}`, 2, 'receipt', 'has more than 100 characters'],
  ])('%j is refused by line and field', (text, line, field, reason) => {
    expect(readCreditsList(text)).toMatchObject({ errors: [{ line, field, reason: expect.stringContaining(reason) as string }] });
  });
});
