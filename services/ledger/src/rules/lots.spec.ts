import { parseInstant, points, sumPoints } from '@points/kernel';
import fc from 'fast-check';
import { byDrawOrder, draw, isLiving, isUsableAt, sliceParts, type Lot } from './lots.js';

const t = parseInstant('2018-01-10T00:00:00Z');
const aLot = (of: Partial<Lot> = {}): Lot => ({
  lot: '00000000-0000-7000-8000-000000000001',
  priority: 0,
  grantedAt: parseInstant('2018-01-01T00:00:00Z'),
  expiresAt: parseInstant('2018-02-01T00:00:00Z'),
  usableAt: [],
  source: 'partner:a',
  funding: 'paid',
  ruleVersion: 1,
  amount: points(100),
  remaining: points(100),
  held: points(0),
  expired: points(0),
  ...of,
});
const part = (lot: string, amount: number) => ({ lot, amount: points(amount) });
const lots = fc.array(
  fc
    .record({
      priority: fc.integer({ min: -1, max: 1 }),
      end: fc.option(fc.integer({ min: 1, max: 28 })),
      id: fc.nat(30),
      remaining: fc.nat(50),
      held: fc.nat(50),
      tag: fc.option(fc.constantFrom('shop:a', 'shop:b')),
    })
    .map(({ priority, end, id, remaining, held, tag }) =>
      aLot({
        lot: `00000000-0000-7000-8000-${String(id).padStart(12, '0')}`,
        priority,
        expiresAt: end === null ? null : parseInstant(`2018-01-${String(end).padStart(2, '0')}T15:00:00Z`),
        remaining: points(remaining),
        held: points(Math.min(held, remaining)),
        usableAt: tag === null ? [] : [tag],
      }),
    ),
  { maxLength: 8 },
);

describe('lots', () => {
  it('live from their grant until their end, which is no longer theirs', () => {
    const lot = aLot();
    expect(isLiving(lot, lot.grantedAt)).toBe(true);
    expect(isLiving(lot, parseInstant('2017-12-31T23:59:59.999Z'))).toBe(false);
    expect(isLiving(lot, parseInstant('2018-01-31T23:59:59.999Z'))).toBe(true);
    expect(isLiving(lot, parseInstant('2018-02-01T00:00:00Z'))).toBe(false);
    expect(isLiving(aLot({ expiresAt: null }), parseInstant('2099-02-01T00:00:00Z'))).toBe(true);
  });

  it.each([
    [[], [], true],
    [[], ['shop:a'], true],
    [['shop:a'], ['shop:a', 'group:x'], true],
    [['shop:a', 'group:x'], ['group:x'], true],
    [['shop:a'], ['shop:b'], false],
    [['shop:a'], [], false],
  ])('with tags %j at places %j: usable %s', (usableAt, places, usable) => {
    expect(isUsableAt(aLot({ usableAt }), places)).toBe(usable);
  });

  it('are drawn by priority, then earliest end, then id', () => {
    const [early, late, never, preferred] = [
      aLot({ lot: '4', expiresAt: parseInstant('2018-01-20T15:00:00Z') }),
      aLot({ lot: '3' }),
      aLot({ lot: '2', expiresAt: null }),
      aLot({ lot: '9', priority: -1, expiresAt: null }),
    ];
    const twin = aLot({ lot: '5', expiresAt: early.expiresAt });
    expect([late, never, twin, preferred, early].sort(byDrawOrder).map((lot) => lot.lot)).toEqual(['9', '4', '5', '3', '2']);
  });

  it.each<[Partial<Lot>, Partial<Lot>, number]>([
    [{ priority: 1 }, { priority: 3 }, -1],
    [{ priority: 1, expiresAt: null, lot: '9' }, { priority: 3, lot: '1' }, -1],
    [{ expiresAt: null, lot: '1' }, { lot: '9' }, 1],
    [{ expiresAt: null, lot: '1' }, { expiresAt: null, lot: '2' }, -1],
    [{ lot: '9' }, { expiresAt: parseInstant('2018-02-01T00:00:00.001Z'), lot: '1' }, -1],
    [{ lot: '1' }, { lot: '2' }, -1],
    [{ lot: '1' }, { lot: '1' }, 0],
  ])('%j against %j in draw order: %i', (a, b, order) => {
    expect(Math.sign(byDrawOrder(aLot(a), aLot(b)))).toBe(order);
    expect(Math.sign(byDrawOrder(aLot(b), aLot(a)))).toBe(0 - order);
  });

  it.each<[string, Partial<Lot>[], number, object]>([
    ['all of one', [{ lot: 'a' }], 100, { ok: true, parts: [{ lot: 'a', amount: 100 }] }],
    [
      'some of the second',
      [{ lot: 'a' }, { lot: 'b' }],
      101,
      {
        ok: true,
        parts: [
          { lot: 'a', amount: 100 },
          { lot: 'b', amount: 1 },
        ],
      },
    ],
    [
      'what is not held',
      [
        { lot: 'a', held: points(100) },
        { lot: 'b', held: points(40) },
      ],
      60,
      { ok: true, parts: [{ lot: 'b', amount: 60 }] },
    ],
    ['what is not there', [{ held: points(40) }], 61, { ok: false, available: 60, elsewhere: 0, expired: 0 }],
    ['what is good elsewhere', [{ usableAt: ['shop:b'], held: points(30) }], 1, { ok: false, available: 0, elsewhere: 70, expired: 0 }],
    ['what is over', [{ expiresAt: t, held: points(30) }], 1, { ok: false, available: 0, elsewhere: 0, expired: 70 }],
    [
      'what is over, and was taken by expiry',
      [{ expiresAt: t, remaining: points(30), held: points(30), expired: points(70) }],
      1,
      { ok: false, available: 0, elsewhere: 0, expired: 70 },
    ],
    [
      'what is over, elsewhere',
      [{ expiresAt: t, usableAt: ['shop:b'], expired: points(5) }],
      1,
      { ok: false, available: 0, elsewhere: 0, expired: 0 },
    ],
    [
      'what is granted later, here and elsewhere',
      [
        { grantedAt: parseInstant('2018-01-10T00:00:00.001Z') },
        { grantedAt: parseInstant('2018-01-10T00:00:00.001Z'), usableAt: ['shop:b'] },
      ],
      1,
      { ok: false, available: 0, elsewhere: 0, expired: 0 },
    ],
    ['of nothing', [], 1, { ok: false, available: 0, elsewhere: 0, expired: 0 }],
  ])('are asked for %s', (_, some, needed, drawing) => {
    expect(draw(some.map(aLot), points(needed), t, ['shop:a'])).toEqual(drawing);
  });

  it.each<[number, number, [string, number][]]>([
    [0, 0, []],
    [0, 20, [['a', 20]]],
    [
      0,
      21,
      [
        ['a', 20],
        ['b', 1],
      ],
    ],
    [20, 1, [['b', 1]]],
    [
      19,
      12,
      [
        ['a', 1],
        ['b', 10],
        ['c', 1],
      ],
    ],
    [30, 5, [['c', 5]]],
    [35, 1, []],
  ])('are cut from point %i on for %i points', (from, amount, slice) => {
    const parts = [part('a', 20), part('b', 10), part('c', 5)];

    expect(sliceParts(parts, points(from), points(amount))).toEqual(slice.map(([lot, of]) => part(lot, of)));
  });

  it('have a total draw order', () => {
    fc.assert(
      fc.property(lots, (some) => {
        for (const a of some)
          for (const b of some) {
            expect(Math.sign(byDrawOrder(a, b)) + Math.sign(byDrawOrder(b, a))).toBe(0);
            if (a.lot !== b.lot) expect(byDrawOrder(a, b)).not.toBe(0);
            for (const c of some) if (byDrawOrder(a, b) <= 0 && byDrawOrder(b, c) <= 0) expect(byDrawOrder(a, c)).toBeLessThanOrEqual(0);
          }
      }),
      { numRuns: 50 },
    );
  });

  it('give exactly what is needed, each no more than is free, or say what is missing', () => {
    fc.assert(
      fc.property(lots, fc.integer({ min: 1, max: 200 }), (some, amount) => {
        const unique = [...new Map(some.map((lot) => [lot.lot, lot])).values()].sort(byDrawOrder);
        const usable = unique.filter((lot) => isLiving(lot, t) && isUsableAt(lot, ['shop:a']));
        const free = (list: readonly Lot[]) => sumPoints(list.map((lot) => points(lot.remaining - lot.held)));
        const drawing = draw(unique, points(amount), t, ['shop:a']);

        expect(drawing.ok).toBe(free(usable) >= amount);
        if (drawing.ok) {
          expect(sumPoints(drawing.parts.map((part) => part.amount))).toBe(amount);
          for (const part of drawing.parts) {
            const lot = usable.find((one) => one.lot === part.lot);
            expect(lot && part.amount > 0 && part.amount <= lot.remaining - lot.held).toBe(true);
          }
          // What comes earlier in the order is used up before what comes later is touched.
          const drawn = usable.filter((lot) => lot.remaining > lot.held);
          expect(drawing.parts.map((part) => part.lot)).toEqual(drawn.slice(0, drawing.parts.length).map((lot) => lot.lot));
        } else {
          expect(drawing.available).toBe(free(usable));
          expect(drawing.elsewhere).toBe(free(unique.filter((lot) => isLiving(lot, t) && !isUsableAt(lot, ['shop:a']))));
        }
      }),
    );
  });

  it('can be cut: slices laid end to end are the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), fc.nat(120), (amounts, cut) => {
        const parts = amounts.map((amount, index) => ({ lot: `lot-${index}`, amount: points(amount) }));
        const total = sumPoints(parts.map((part) => part.amount));
        const at = points(Math.min(cut, total));
        const [front, back] = [sliceParts(parts, points(0), at), sliceParts(parts, at, points(total - at))];
        expect(sumPoints(front.map((part) => part.amount))).toBe(at);
        for (const part of parts)
          expect(sumPoints([...front, ...back].filter((one) => one.lot === part.lot).map((one) => one.amount))).toBe(part.amount);
      }),
    );
  });
});
