import { readResults } from './read-results.js';

describe('the results file of a scheme', () => {
  it('is read whatever the order of its columns', () => {
    const text = '\uFEFFresult,creditId,reason,receipt,points\r\naccepted,141305-points:BRE 1,,CS-1,500\r\nrefused,a:b,no such card,,\r\n';

    expect(readResults(text)).toEqual({
      lines: [
        { line: 2, creditId: '141305-points:BRE 1', result: 'accepted', points: 500, receipt: 'CS-1', reason: null },
        { line: 3, creditId: 'a:b', result: 'refused', points: null, receipt: null, reason: 'no such card' },
      ],
    });
  });

  it.each([
    ['creditId\na:b', 1, 'header', 'the column result is missing'],
    ['creditId,result\nBRE-1,accepted', 2, 'creditId', 'programme, a colon, conversion id'],
    ['creditId,result\na:b,ok', 2, 'result', 'is not one of accepted, refused'],
    ['creditId,result\na:b,', 2, 'result', 'is not one of accepted, refused'],
    ['creditId,result,points\na:b,accepted,0', 2, 'points', 'is not a whole number'],
    ['creditId,result,receipt\na:b,refused,CS-1', 2, 'receipt', 'what is refused has none'],
    [`creditId,result,reason\na:b,refused,${'x'.repeat(301)}`, 2, 'reason', 'has more than 300 characters'],
    [`creditId,result,receipt\na:b,accepted,${'x'.repeat(101)}`, 2, 'receipt', 'has more than 100 characters'],
  ])('%j is refused by line and field', (text, line, field, reason) => {
    expect(readResults(text)).toMatchObject({ errors: [{ line, field, reason: expect.stringContaining(reason) as string }] });
  });
});
