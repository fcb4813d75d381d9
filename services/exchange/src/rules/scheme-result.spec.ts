import type { LocalDate } from '@points/kernel';
import fc from 'fast-check';
import type { ConversionState } from './conversion-state.js';
import { judgeResults, schemeResults, type KnownCredit, type ListedResult } from './scheme-result.js';

const fileDay = '2026-03-02' as LocalDate;
const open: KnownCredit = { state: 'at-scheme', points: 500, receipt: null, refusalCode: null, fileDay };
const accepted = (state: ConversionState): KnownCredit => ({ ...open, state, receipt: 'CS-1' });
const refused = (state: ConversionState, refusalCode = 'scheme-refused'): KnownCredit => ({ ...open, state, refusalCode });
const aLine = (changes: Partial<ListedResult> = {}): ListedResult => ({
  ...{ line: 2, creditId: 'a:1', result: 'accepted', points: null, receipt: null, reason: null },
  ...changes,
});
const verdictOf = (line: ListedResult, credit?: KnownCredit) =>
  judgeResults([line], new Map(credit ? [['a:1', credit]] : [])).map(({ verdict }) => ('code' in verdict ? verdict.code : verdict.kind))[0];

describe('a line of a results file', () => {
  it.each([
    ['accepted', 'waits for its answer', open, 'accept'],
    ['refused', 'waits for its answer', open, 'refuse'],
    ['accepted', 'is unknown', undefined, 'unknown-credit'],
    ['refused', 'is unknown', undefined, 'unknown-credit'],
    ['accepted', 'is held and waits for a file', { ...open, fileDay: null }, 'not-sent'],
    ['accepted', 'is not held yet', { ...open, state: 'requested', fileDay: null }, 'not-sent'],
    ['refused', 'the ledger refused', { ...refused('refused', 'insufficient-points'), fileDay: null }, 'not-sent'],
    ['accepted', 'was accepted, being spent', accepted('capturing'), 'unchanged'],
    ['accepted', 'was accepted', accepted('completed'), 'unchanged'],
    ['accepted', 'was accepted, in dispute', accepted('in-dispute'), 'unchanged'],
    ['refused', 'was accepted, being spent', accepted('capturing'), 'accepted-before'],
    ['refused', 'was accepted', accepted('completed'), 'accepted-before'],
    ['refused', 'was accepted, in dispute', accepted('in-dispute'), 'accepted-before'],
    ['refused', 'was refused, going back', refused('releasing'), 'unchanged'],
    ['refused', 'was refused', refused('refused'), 'unchanged'],
    ['accepted', 'was refused, going back', refused('releasing'), 'refused-before'],
    ['accepted', 'was refused', refused('refused'), 'refused-before'],
    ['accepted', 'was refused, in dispute', refused('in-dispute'), 'refused-before'],
    ['refused', 'nobody answered for', refused('refused', 'scheme-unanswered'), 'unchanged'],
    ['accepted', 'nobody answered for', refused('releasing', 'scheme-unanswered'), 'given-back'],
    ['accepted', 'nobody answered for, back', refused('refused', 'scheme-unanswered'), 'given-back'],
  ] as const)('that says %s of a credit that %s: %j', (result, _, credit, verdict) => {
    expect(verdictOf(aLine({ result }), credit)).toBe(verdict);
  });

  it.each([
    [{ points: 500 }, open, 'accept'],
    [{ points: 501 }, open, 'points-differ'],
    [{ points: 499, result: 'refused' }, open, 'points-differ'],
    [{ points: 501 }, accepted('completed'), 'points-differ'],
    [{ receipt: 'CS-1' }, accepted('completed'), 'unchanged'],
    [{ receipt: 'CS-2' }, accepted('completed'), 'receipt-differs'],
    [{ receipt: 'CS-2' }, open, 'accept'],
  ] as const)('with %j of %j: %s', (changes, credit, verdict) => {
    expect(verdictOf(aLine(changes), credit)).toBe(verdict);
  });

  it('that repeats another one does nothing more', () => {
    const lines = [aLine(), aLine({ line: 3, creditId: 'b:1' }), aLine({ line: 4 })];
    const known = new Map([...['a:1', 'b:1'].map((id): [string, KnownCredit] => [id, open])]);

    expect(judgeResults(lines, known).map(({ verdict }) => verdict.kind)).toEqual(['accept', 'accept', 'unchanged']);
  });

  it('does nothing where another one of the file says something else of its credit', () => {
    const lines = [aLine(), aLine({ line: 3, result: 'refused' }), aLine({ line: 4 })];

    expect(judgeResults(lines, new Map([['a:1', open]])).map(({ verdict }) => verdict)).toEqual([
      { kind: 'contradiction', code: 'lines-differ', reason: 'says something else than line 3' },
      { kind: 'contradiction', code: 'lines-differ', reason: 'says something else than line 2' },
      { kind: 'contradiction', code: 'lines-differ', reason: 'says something else than line 3' },
    ]);
  });
});

describe('a results file', () => {
  const creditIds = ['a:1', 'a:2', 'a:3'];
  const aFile = fc.array(
    fc.record({ creditId: fc.constantFrom(...creditIds), result: fc.constantFrom(...schemeResults), receipt: fc.constantFrom(null, 'R') }),
    { maxLength: 8 },
  );
  const listed = (file: readonly Partial<ListedResult>[]) => file.map((one, index) => aLine({ ...one, line: index + 2 }));
  const allOpen = new Map(creditIds.map((id): [string, KnownCredit] => [id, open]));
  const isEffect = (kind: string) => kind === 'accept' || kind === 'refuse';

  it('ends each credit at most once, and every line is judged', () => {
    fc.assert(
      fc.property(aFile, (file) => {
        const judged = judgeResults(listed(file), allOpen);
        const ended = judged.filter(({ verdict }) => isEffect(verdict.kind)).map((one) => one.listed.creditId);
        expect(judged).toHaveLength(file.length);
        expect(new Set(ended).size).toBe(ended.length);
      }),
    );
  });

  it('has no effect the second time', () => {
    fc.assert(
      fc.property(aFile, (file) => {
        const after = new Map(allOpen);
        for (const { listed: line, verdict } of judgeResults(listed(file), allOpen)) {
          if (verdict.kind === 'accept') after.set(line.creditId, { ...accepted('capturing'), receipt: line.receipt ?? 'file:2026-03-02' });
          if (verdict.kind === 'refuse') after.set(line.creditId, refused('releasing'));
        }
        const again = judgeResults(listed(file), after);
        expect(again.filter(({ verdict }) => isEffect(verdict.kind))).toEqual([]);
      }),
    );
  });
});
