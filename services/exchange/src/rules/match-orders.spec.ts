import { parseInstant, type LocalDate } from '@points/kernel';
import { matchKey, matchOrders, type Elsewhere, type ListedOrder, type OwnOrder } from './match-orders.js';

const listed = (changes: Partial<ListedOrder> = {}): ListedOrder => ({
  ...{ line: 2, orderId: 'A', kind: 'order', partnerPoints: 500, municipalPoints: 500, date: '2026-03-02' as LocalDate },
  ...changes,
});
const own = (changes: Partial<OwnOrder> = {}): OwnOrder => ({
  ...{ orderId: 'A', kind: 'order', partnerPoints: 500, municipalPoints: 500, bookedAt: parseInstant('2026-03-02T23:30:00+09:00') },
  ...changes,
});
const match = (
  there: ListedOrder[],
  here: OwnOrder[],
  elsewhere: [OwnOrder | Pick<OwnOrder, 'orderId' | 'kind'>, Elsewhere][] = [],
  days = 0,
) => matchOrders(there, here, new Map(elsewhere.map(([key, what]) => [matchKey(key), what])), days);

describe('a line of the partner’s file', () => {
  it.each([
    [listed(), own()],
    [listed({ municipalPoints: null }), own()],
    [listed({ date: null }), own()],
  ])('%j agrees with %j', (there, here) => {
    expect(match([there], [here])).toMatchObject({
      matched: { lines: 1, partnerPoints: 500 },
      missingHere: [],
      missingThere: [],
      different: [],
    });
  });

  it.each([
    [listed({ partnerPoints: 400 }), ['partnerPoints: there 400, here 500']],
    [listed({ municipalPoints: 499 }), ['municipalPoints: there 499, here 500']],
    [listed({ date: '2026-03-03' as LocalDate }), ['date: there 2026-03-03, here 2026-03-02']],
  ])('%j differs: %j', (there, reasons) => {
    expect(match([there], [own()])).toMatchObject({ matched: { lines: 0 }, different: [{ reasons }] });
  });

  it('may be of a day next to ours when that is allowed', () => {
    expect(match([listed({ date: '2026-03-03' as LocalDate })], [own()], [], 1).matched.lines).toBe(1);
  });

  it('is a reversal or an order, not the one for the other', () => {
    const found = match([listed({ kind: 'reversal' })], [own()], [[{ orderId: 'A', kind: 'reversal' }, { state: 'completed' }]]);

    expect(found).toMatchObject({
      missingHere: [{ reason: 'the order is completed: it was not taken back' }],
      missingThere: [{ kind: 'order' }],
    });
  });

  it.each([
    [[], 'there is no order with this id'],
    [[[{ orderId: 'A', kind: 'order' }, { state: 'refused' }]], 'the order is refused: no points are booked'],
  ] as [[OwnOrder, Elsewhere][], string][])('is missing here: %j, %s', (elsewhere, reason) => {
    expect(match([listed()], [], elsewhere).missingHere).toMatchObject([{ reason }]);
  });

  it('of another time is told as different', () => {
    expect(match([listed()], [], [[own(), { own: own() }]]).different).toMatchObject([
      { reasons: ['outside: it is booked outside of the days compared'] },
    ]);
  });

  it('that comes twice counts once', () => {
    const found = match([listed(), listed({ line: 3 })], [own()]);

    expect(found).toMatchObject({ matched: { lines: 1 }, missingHere: [{ listed: { line: 3 }, reason: 'repeats line 2' }] });
  });
});
