import { points, type Instant } from '@points/kernel';
import fc from 'fast-check';
import { match, type Elsewhere, type OwnLine } from './match.js';
import { listRowsMax, readList, type ListedLine } from './read-list.js';

const hanako = '018f0000-0000-7000-8000-000000000001';
const taro = '018f0000-0000-7000-8000-000000000002';
const all = ['issue', 'spend', 'convert', 'donate', 'refund'] as const;
const read = (text: string, kinds: Parameters<typeof readList>[1] = all) => readList(text, kinds);

describe('a list of another system', () => {
  it('is read with its line numbers, whatever the order of columns, quotes, line ends and a byte order mark', () => {
    expect(
      read(
        `\uFEFFtime,kind,amount,"reference",holder\r\n2018-03-11T23:59:59+09:00,convert,400,"a,b",\r\n\r\n2018-03-12,spend,5,,holder:${hanako.toUpperCase()}\r\n`,
      ),
    ).toEqual({
      lines: [
        { line: 2, reference: 'a,b', holder: null, amount: 400, kind: 'convert', time: { at: '2018-03-11T14:59:59.000Z' } },
        { line: 4, reference: null, holder: hanako, amount: 5, kind: 'spend', time: { on: '2018-03-12' } },
      ],
    });
  });

  it.each([
    ['', [{ line: 1, field: 'header' }]],
    ['reference,amount\na,1', [{ line: 1, field: 'header', reason: 'the column kind is missing' }]],
    ['reference,amount,kind,colour\n', [{ field: 'header', reason: expect.stringContaining('"colour" is not known') as string }]],
    ['amount,kind,time\n', [{ field: 'header', reason: 'a column reference or holder is needed' }]],
    ['reference,amount,kind\nr,0,spend', [{ line: 2, field: 'amount' }]],
    ['reference,amount,kind\nr,1.5,spend', [{ line: 2, field: 'amount' }]],
    ['reference,amount,kind\nr,9007199254740992,spend', [{ line: 2, field: 'amount' }]],
    ['reference,amount,kind\nr,5,gift', [{ line: 2, field: 'kind', reason: expect.stringContaining(': gift') as string }]],
    ['reference,amount,kind,time\nr,5,spend,2018-02-30', [{ line: 2, field: 'time' }]],
    ['reference,amount,kind,time\nr,5,spend,2018-02-03 10:00', [{ line: 2, field: 'time' }]],
    ['holder,amount,kind,time\nhanako,5,spend,2018-02-03', [{ line: 2, field: 'holder' }]],
    [`holder,amount,kind\n${hanako},5,spend`, [{ line: 2, field: 'time' }]],
    [
      'reference,amount,kind\n,5,spend',
      [
        { line: 2, field: 'reference' },
        { line: 2, field: 'time' },
      ],
    ],
    ['reference,amount,kind\nr,5', [{ line: 2, field: 'line', reason: 'has 2 fields, the header has 3' }]],
    [
      'reference,amount,kind\nr,x,y\ns,5,spend\nt,,spend',
      [
        { line: 2, field: 'amount' },
        { line: 2, field: 'kind' },
        { line: 4, field: 'amount' },
      ],
    ],
    ['reference,amount,kind\n"r,5,spend', [{ field: 'line', reason: expect.stringContaining('cannot be read as CSV') as string }]],
  ])('%j is refused with the line and the field', (text, errors) => {
    expect(read(text)).toMatchObject({ errors });
  });

  it('may hold no kind that is not compared, and no more lines than the limit', () => {
    expect(read('reference,amount,kind\nr,5,issue', ['spend'])).toMatchObject({ errors: [{ line: 2, field: 'kind' }] });
    expect(read(`reference,amount,kind\n${'r,5,spend\n'.repeat(listRowsMax + 1)}`)).toMatchObject({ errors: [{ field: 'list' }] });
    expect(read(`reference,amount,kind\n${'r,5,spend\n'.repeat(listRowsMax)}`)).toHaveProperty('lines.length', listRowsMax);
  });
});

const own = (posting: string, more: Partial<OwnLine> = {}): OwnLine => ({
  posting,
  reference: posting,
  holder: hanako,
  kind: 'spend',
  amount: points(100),
  effectiveAt: '2018-03-11T01:00:00.000Z' as Instant,
  ...more,
});
const listed = (line: number, more: Partial<ListedLine> = {}): ListedLine => ({
  line,
  reference: null,
  holder: hanako,
  kind: 'spend',
  amount: points(100),
  time: { at: '2018-03-11T01:00:00.000Z' as Instant },
  ...more,
});
const byReference = (line: number, reference: string, more: Partial<ListedLine> = {}) =>
  listed(line, { reference, holder: null, time: null, ...more });
const compare = (theirs: ListedLine[], ours: OwnLine[], elsewhere: [string, Elsewhere][] = []) =>
  match(theirs, ours, new Map(elsewhere), 60_000);

describe('the comparison', () => {
  it('matches by reference, and names what differs', () => {
    const found = compare(
      [
        byReference(2, 'a'),
        byReference(3, 'b', { amount: points(90) }),
        byReference(4, 'c', { kind: 'convert', holder: taro, time: { on: '2018-03-12' as never } }),
        byReference(5, 'z'),
      ],
      [own('a'), own('b'), own('c'), own('d')],
    );

    expect(found).toMatchObject({
      matched: { lines: 1, points: 100 },
      there: { lines: 4, points: 390 },
      here: { lines: 4, points: 400 },
      different: [
        { listed: { line: 3 }, own: { posting: 'b' }, reasons: ['amount: there 90, here 100'] },
        {
          listed: { line: 4 },
          reasons: [
            'kind: there convert, here spend',
            `holder: there ${taro}, here ${hanako}`,
            'time: there 2018-03-12, here 2018-03-11T01:00:00.000Z',
          ],
        },
      ],
      missingHere: [{ listed: { line: 5 }, reason: 'no posting has this reference' }],
      missingThere: [{ own: { posting: 'd' } }],
    });
  });

  it('says that a reference was refused here, lies outside, or comes twice', () => {
    const found = compare(
      [byReference(2, 'r'), byReference(3, 'o'), byReference(4, 'a'), byReference(5, 'a')],
      [own('a')],
      [
        ['r', { state: 'refused', code: 'insufficient-points' }],
        ['o', { state: 'posted', own: own('o', { effectiveAt: '2018-05-01T00:00:00.000Z' as Instant }) }],
      ],
    );

    expect(found.missingHere).toMatchObject([
      { listed: { line: 2 }, reason: 'the posting was refused: insufficient-points' },
      { listed: { line: 5 }, reason: 'repeats the reference of line 4' },
    ]);
    expect(found.different).toMatchObject([
      { listed: { line: 3 }, reasons: ['outside: the posting lies outside the period or the kinds compared'] },
    ]);
    expect(found).toMatchObject({ matched: { lines: 1 }, missingThere: [] });
  });

  it('matches lines without reference by holder, kind, amount and the nearest time within the tolerance', () => {
    const minute = (text: string) => ({ at: `2018-03-11T01:${text}.000Z` as Instant });
    const ours = [
      own('a', { effectiveAt: minute('00:00').at }),
      own('b', { effectiveAt: minute('00:50').at }),
      own('c', { effectiveAt: minute('10:00').at }),
    ];

    expect(
      compare([listed(2, { time: minute('00:45') }), listed(3, { time: minute('00:10') }), listed(4, { time: minute('11:01') })], ours),
    ).toMatchObject({
      matched: { lines: 2 },
      missingHere: [{ listed: { line: 4 }, reason: 'no posting of this holder, kind and time' }],
      missingThere: [{ own: { posting: 'c' } }],
    });
  });

  it('lets a wrong amount take no posting from a right one', () => {
    const found = compare([listed(2, { amount: points(90) }), listed(3)], [own('a'), own('b', { amount: points(70) })]);

    expect(found).toMatchObject({
      matched: { lines: 1 },
      different: [{ listed: { line: 2 }, own: { posting: 'b' }, reasons: ['amount: there 90, here 70'] }],
    });
  });

  it('matches a list of its own postings whole, and counts every line once whatever is taken away or added', () => {
    const one = fc.record({
      amount: fc.integer({ min: 1, max: 3 }),
      second: fc.integer({ min: 0, max: 3_599 }),
      holder: fc.constantFrom(hanako, taro),
      byReference: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 20 }), fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (postings, kept) => {
        const ours = postings.map(({ amount, second, holder }, index) =>
          own(`p${index}`, {
            amount: points(amount),
            holder,
            effectiveAt: new Date(Date.UTC(2018, 2, 11) + second * 1000).toISOString() as Instant,
          }),
        );
        const theirs = ours.map((mine, index) =>
          listed(index + 2, {
            amount: mine.amount,
            holder: mine.holder,
            time: { at: mine.effectiveAt },
            reference: postings[index]?.byReference ? mine.reference : null,
          }),
        );
        expect(compare(theirs, ours)).toMatchObject({ matched: { lines: ours.length }, missingHere: [], missingThere: [], different: [] });

        const some = compare(
          theirs.filter((_, index) => kept[index]),
          ours,
        );
        expect(some.matched.lines + some.different.length + some.missingHere.length).toBe(some.there.lines);
        expect(some.matched.lines + some.different.length + some.missingThere.length).toBe(ours.length);
      }),
    );
  });
});
