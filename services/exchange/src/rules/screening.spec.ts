import { hardestAction, screen, subjectOf, withOrder, type ScreenedOrder, type ScreeningRule, type Seen } from './screening.js';

const order: ScreenedOrder = { partner: 'card-a', holder: 'hanako', device: 'd1', municipalPoints: 300 };
const rule = (changes: Partial<ScreeningRule> = {}): ScreeningRule => ({
  ...{ rule: 'r', measure: 'orders', by: 'holder', windowMinutes: 60, limit: 3, action: 'review', partners: [] },
  ...changes,
});
const seen = (changes: Partial<Seen> = {}): Seen => ({ orders: 0, points: 0, holders: new Set(), ...changes });

describe('a rule', () => {
  it.each<[string, Partial<ScreeningRule>, Partial<Seen>, number | undefined]>([
    ['lets the order pass that reaches its limit', {}, { orders: 2 }, undefined],
    ['is broken by the one after it', {}, { orders: 3 }, 4],
    ['counts the points of the order itself', { measure: 'points', limit: 1_000 }, { points: 700 }, undefined],
    ['and is broken by one point more', { measure: 'points', limit: 999 }, { points: 700 }, 1_000],
    ['counts different people at one device', { measure: 'holders', by: 'device', limit: 2 }, { holders: new Set(['a', 'b']) }, 3],
    ['counts nobody twice', { measure: 'holders', by: 'device', limit: 2 }, { holders: new Set(['a', 'hanako']) }, undefined],
    ['does not concern an order without its subject', { by: 'address', limit: 0 }, { orders: 9 }, undefined],
    ['does not concern other partners', { partners: ['card-b'], limit: 0 }, { orders: 9 }, undefined],
    ['concerns the partners it names', { partners: ['card-b', 'card-a'], limit: 0 }, { orders: 9 }, 10],
  ])('%s', (_, changes, before, value) => {
    const hits = screen([rule(changes)], order, () => seen(before));

    expect(hits.map((one) => one.value)).toEqual(value === undefined ? [] : [value]);
  });

  it('is measured by the subject it names', () => {
    expect((['holder', 'partner', 'device', 'address'] as const).map((by) => subjectOf(rule({ by }), order))).toEqual([
      'hanako',
      'card-a',
      'd1',
      undefined,
    ]);
  });
});

it('the hardest action of all broken rules decides', () => {
  const hits = (actions: readonly ScreeningRule['action'][]) =>
    screen(
      actions.map((action) => rule({ action, limit: 0 })),
      order,
      () => seen(),
    );

  expect(
    [[], ['alert'], ['refuse', 'alert'], ['alert', 'review']].map((one) => hardestAction(hits(one as ScreeningRule['action'][]))),
  ).toEqual([undefined, 'alert', 'refuse', 'review']);
});

it('each order is seen by the next', () => {
  const after = withOrder(withOrder(seen(), order), { holder: 'taro', municipalPoints: 1 });

  expect(after).toEqual({ orders: 2, points: 301, holders: new Set(['hanako', 'taro']) });
});
