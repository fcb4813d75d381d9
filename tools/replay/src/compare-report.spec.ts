import { compareReports, describeComparison } from './compare-report.js';

const differences = (ours: unknown, published: unknown) =>
  compareReports(ours, published)
    .filter((line) => !line.equal)
    .map((line) => line.field);

describe('two reports', () => {
  it.each([
    ['equal in another order of keys', { a: { b: 1, c: [1, 2] } }, { a: { c: [1, 2], b: 1 } }, []],
    ['a number', { a: { b: 1 } }, { a: { b: 2 } }, ['a.b']],
    ['a number and its text', { a: 1 }, { a: '1' }, ['a']],
    ['a field only they have', { a: 1 }, { a: 1, b: 2 }, ['b']],
    ['a field only we have', { a: 1, b: 2 }, { a: 1 }, ['b']],
    ['a longer list', { a: [1] }, { a: [1, 2] }, ['a.1']],
    ['zero and nothing', { a: 0 }, { a: null }, ['a']],
  ])('differ in what differs: %s', (_, ours, published, fields) => {
    expect(differences(ours, published)).toEqual(fields);
  });

  it('are shown side by side', () => {
    expect(describeComparison(compareReports({ issued: { points: 448151 } }, { issued: { points: 448150 } }), true)).toEqual([
      '                ledger  expected',
      'issued.points  448,151   448,150  DIFFERENT',
    ]);
  });
});
