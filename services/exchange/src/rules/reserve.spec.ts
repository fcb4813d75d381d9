import fc from 'fast-check';
import { lastChoiceDay, parseInstant, points } from '@points/kernel';
import {
  afterDraws,
  allocationPartsMax,
  arrivalState,
  automaticTarget,
  drawAllocation,
  dueAt,
  isChoosable,
  netted,
  type AllocationPart,
  type Arrival,
  type BaseProgramme,
  type DrawnPart,
} from './reserve.js';

const arrival = (changes: Partial<Arrival> = {}): Arrival => ({
  id: 'order-1',
  arrivedAt: parseInstant('2026-11-10T09:00:00+09:00'),
  remaining: points(1_000),
  ...changes,
});
const part = (programme: string, count: number): AllocationPart => ({
  municipality: programme.slice(0, 6),
  programme,
  points: points(count),
});
const base = (programme: string, namedAt: string): BaseProgramme => ({
  municipality: programme.slice(0, 6),
  programme,
  namedAt: parseInstant(namedAt),
});
const early = parseInstant('2026-11-11T09:00:00+09:00');

describe('points that arrive in the reserve', () => {
  it.each([
    ['2026-11-10T00:00:00+09:00', '2026-11-24', '2026-11-25T00:00:00+09:00'],
    ['2026-11-10T23:59:59.999+09:00', '2026-11-24', '2026-11-25T00:00:00+09:00'],
    ['2028-02-15T12:00:00+09:00', '2028-02-29', '2028-03-01T00:00:00+09:00'],
  ])('at %s may be chosen for through %s and fall due at %s', (at, lastDay, due) => {
    expect([lastChoiceDay(parseInstant(at)), dueAt(parseInstant(at))]).toEqual([lastDay, parseInstant(due)]);
  });

  it.each([
    ['2026-11-24T23:59:59.999+09:00', true],
    ['2026-11-25T00:00:00+09:00', false],
  ])('at %s may be chosen for: %s', (at, isOpen) => {
    const named = [base('092011-base', '2026-11-01T00:00:00+09:00')];

    expect(isChoosable(arrival(), named, parseInstant(at))).toBe(isOpen);
    expect(automaticTarget(arrival(), named, parseInstant(at)) === undefined).toBe(isOpen);
  });

  it('that the base programme has refused may be chosen for, and go to the one that is named now', () => {
    const refused = arrival({ refusedAt: parseInstant('2026-11-25T00:00:01+09:00') });
    const first = [base('092011-a', '2026-11-01T00:00:00+09:00')];
    const both = [...first, base('092011-b', '2026-11-26T00:00:00+09:00')];
    const at = parseInstant('2026-11-26T00:00:00+09:00');

    expect([automaticTarget(refused, first, at)?.programme, automaticTarget(refused, both, at)?.programme]).toEqual([
      '092011-a',
      '092011-b',
    ]);
    expect(automaticTarget(arrival(), both, at)?.programme).toBe('092011-a');
    expect([isChoosable(refused, first, at), isChoosable(arrival(), first, at)]).toEqual([true, false]);
    expect([arrivalState(refused, first, at), arrivalState(arrival(), first, at)]).toEqual(['refused', 'due']);
  });

  it('go to the base programme that held when they fell due, however late it is done', () => {
    const named = [
      base('092011-c', '2026-11-25T00:00:00+09:00'),
      base('092011-b', '2026-11-24T23:59:59.999+09:00'),
      base('092011-a', '2026-11-01T00:00:00+09:00'),
    ];

    for (const at of ['2026-11-25T00:00:00+09:00', '2027-11-25T00:00:00+09:00'])
      expect(automaticTarget(arrival(), named, parseInstant(at))?.programme).toBe('092011-b');
  });

  it('are kept without a base programme, may be chosen for meanwhile, and go to the first that is named', () => {
    const late = parseInstant('2027-01-01T00:00:00+09:00');
    const named = [base('092011-b', '2027-02-02T00:00:00+09:00'), base('092011-a', '2027-02-01T00:00:00+09:00')];

    expect(isChoosable(arrival(), named, late)).toBe(true);
    expect(automaticTarget(arrival(), named, late)).toBeUndefined();
    expect(automaticTarget(arrival(), named, parseInstant('2027-03-01T00:00:00+09:00'))?.programme).toBe('092011-a');
  });
});

describe('a split over municipalities', () => {
  const younger = arrival({ id: 'order-2', arrivedAt: parseInstant('2026-11-10T10:00:00+09:00'), remaining: points(500) });

  it('draws from the oldest arrival first', () => {
    const drawn = drawAllocation([part('092011-a', 600), part('232262-b', 700)], [younger, arrival()], { named: [], at: early });

    expect(drawn).toMatchObject({
      ok: true,
      parts: [
        { programme: '092011-a', draws: [{ arrival: 'order-1', points: 600 }] },
        {
          programme: '232262-b',
          draws: [
            { arrival: 'order-1', points: 400 },
            { arrival: 'order-2', points: 300 },
          ],
        },
      ],
    });
  });

  it.each([
    ['no-parts', []],
    ['too-many-parts', Array.from({ length: allocationPartsMax + 1 }, () => part('092011-a', 0))],
    ['part-without-points', [part('092011-a', 9_999), part('092011-a', 0)]],
    ['target-twice', [part('092011-a', 9_999), part('092011-a', 1)]],
    ['reserve-insufficient', [part('092011-a', 1_500), part('232262-b', 1)]],
    ['reserve-insufficient', [part('092011-a', Number.MAX_SAFE_INTEGER), part('232262-b', Number.MAX_SAFE_INTEGER)]],
  ])('is refused as a whole: %s', (code, parts) => {
    expect(drawAllocation(parts, [arrival(), younger], { named: [], at: early })).toMatchObject({ ok: false, refusal: { code } });
  });

  it('leaves alone what has fallen due', () => {
    const old = arrival({ id: 'order-0', arrivedAt: parseInstant('2026-10-01T00:00:00+09:00') });
    const named = [base('092011-base', '2026-09-01T00:00:00+09:00')];

    expect(drawAllocation([part('092011-a', 1_001)], [old, arrival()], { named, at: early })).toMatchObject({
      refusal: { code: 'reserve-insufficient', facts: { available: 1_000 } },
    });
  });

  it('loses no point and makes none, whatever is split and given back', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 8 });
    const asked = fc.array(fc.record({ wishes: fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 4 }), isRefused: fc.boolean() }), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(counts, asked, (arrived, allocations) => {
        const total = arrived.reduce((sum, one) => sum + one, 0);
        let waiting = arrived.map((count, index) => arrival({ id: `order-${index}`, remaining: points(count) }));
        let given = 0;
        for (const { wishes, isRefused } of allocations) {
          const parts = wishes.map((wish, index) => part(`09201${index}-a`, wish));
          const drawn = drawAllocation(parts, waiting, { named: [], at: early });
          if (!drawn.ok) continue;
          for (const one of drawn.parts) expect(sumOfDraws(one)).toBe(one.points);
          const draws = drawn.parts.flatMap((one) => one.draws);
          const before = waiting;
          waiting = afterDraws(waiting, draws, 'drawn');
          if (isRefused) {
            waiting = afterDraws(waiting, draws, 'given-back');
            expect(waiting).toEqual(before);
          } else given += draws.reduce((sum, one) => sum + one.points, 0);
          expect(waiting.every(({ remaining }) => remaining >= 0)).toBe(true);
          expect(waiting.reduce((sum, { remaining }) => sum + remaining, 0) + given).toBe(total);
        }
      }),
    );
  });
});

describe('an arrival of which more was taken back than was left', () => {
  it('costs the oldest points first, and the sum stays', () => {
    const at = (hour: number) => parseInstant(`2026-11-10T${String(hour).padStart(2, '0')}:00:00+09:00`);
    const left = netted([
      { id: 'c', arrivedAt: at(12), remaining: 500 },
      { id: 'b', arrivedAt: at(11), remaining: -400 },
      { id: 'a', arrivedAt: at(10), remaining: 300 },
    ]);

    expect(left.map(({ id, remaining }) => [id, remaining])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 400],
    ]);
  });
});

function sumOfDraws({ draws }: DrawnPart): number {
  return draws.reduce((sum, one) => sum + one.points, 0);
}
