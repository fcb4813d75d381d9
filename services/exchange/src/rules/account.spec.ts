import fc from 'fast-check';
import { parseInstant, points, ratio } from '@points/kernel';
import { accountOf, figureLines, figureNames, type Fee, type LineSum, type Prices } from './account.js';
import { invoiceOf } from './invoice.js';
import { quote } from './quote.js';
import { taxPercentsUnlessTold } from './tax.js';

const prices = (changes: Partial<Prices> = {}): Prices => ({
  version: 1,
  rate: { numerator: 1, denominator: 1 },
  yenPerPoint: { numerator: 1, denominator: 1 },
  pointsTaxCategory: 'outside',
  fees: [],
  ...changes,
});
const sum = (changes: Partial<LineSum>): LineSum => ({
  ...{ kind: 'order', version: 1, borneBy: null, lines: 1, partnerPoints: 0, municipalPoints: 0, rest: 0, yen: 0 },
  ...changes,
});
const fee = (changes: Partial<Fee>): Fee => ({
  ...{ name: 'handling', per: 'order', yen: { numerator: 11, denominator: 2 }, taxCategory: 'standard' },
  ...changes,
});

describe('an account', () => {
  it('owes for points and for the bonuses that the partner bears, less what was taken back', () => {
    const account = accountOf(
      [
        sum({ lines: 3, partnerPoints: 1_500, municipalPoints: 1_500 }),
        sum({ kind: 'order-reversal', partnerPoints: -500, municipalPoints: -500 }),
        sum({ kind: 'bonus', borneBy: 'partner', lines: 3, municipalPoints: 150 }),
        sum({ kind: 'bonus-reversal', borneBy: 'partner', municipalPoints: -50 }),
        sum({ kind: 'bonus', borneBy: 'municipality', municipalPoints: 70 }),
        sum({ kind: 'correction', version: null, yen: -30 }),
      ],
      [prices()],
      undefined,
      'down',
    );

    expect(account.versions).toMatchObject([{ partnerPoints: 1_000, exchangedPoints: 1_000, bonusPoints: 100, dueYen: 1_100 }]);
    expect(account.net).toEqual({ pointsYen: 1_100, correctionsYen: -30, feesYen: 0, totalYen: 1_070 });
    expect(account.figures.find((one) => one.figure === 'bonuses-of-municipality')).toMatchObject({ lines: 1, municipalPoints: 70 });
  });

  it('rounds yen once for each version of the terms, and says what rounding left', () => {
    const half = { numerator: 1, denominator: 2 };
    const account = accountOf(
      [1, 2].map((version) => sum({ version, lines: 3, partnerPoints: 7, municipalPoints: 7 })),
      [1, 2].map((version) => prices({ version, yenPerPoint: half })),
      undefined,
      'down',
    );

    expect(account.versions.map((one) => [one.due, one.dueYen])).toEqual([
      [{ whole: 3, rest: 1, over: 2 }, 3],
      [{ whole: 3, rest: 1, over: 2 }, 3],
    ]);
    expect(account.net.totalYen).toBe(6);
  });

  it('counts each fee by what it is for, of the terms of its lines', () => {
    const fees = [
      fee({}),
      fee({ name: 'undone', per: 'reversal', yen: { numerator: 100, denominator: 1 } }),
      fee({ name: 'points', per: 'point', yen: { numerator: 1, denominator: 100 } }),
      fee({ name: 'base', per: 'month', yen: { numerator: 10_000, denominator: 1 } }),
    ];
    const account = accountOf(
      [
        sum({ lines: 3, partnerPoints: 1_500, municipalPoints: 1_500 }),
        sum({ kind: 'order-reversal', lines: 1, partnerPoints: -500, municipalPoints: -500 }),
        sum({ kind: 'bonus', borneBy: 'partner', municipalPoints: 150 }),
      ],
      [prices({ fees }), prices({ version: 2, fees })],
      prices({ version: 2 }),
      'down',
    );

    expect(account.fees.map((one) => [one.version, one.name, one.quantity, one.dueYen])).toEqual([
      [1, 'handling', 3, 16],
      [1, 'undone', 1, 100],
      [1, 'points', 1_000, 10],
      [2, 'base', 1, 10_000],
    ]);
  });

  it('names every kind of line in exactly one figure', () => {
    const keys = figureNames.map((name) => JSON.stringify(figureLines[name]));

    expect(new Set(keys).size).toBe(figureNames.length);
  });

  it('holds partner points × numerator = municipal points × denominator + rest for every ratio, lot and batch, reversals too', () => {
    const part = fc.integer({ min: 1, max: 1_000 });
    const order = fc.record({ lots: fc.integer({ min: 1, max: 500 }), isReversed: fc.boolean() });
    fc.assert(
      fc.property(part, part, fc.integer({ min: 1, max: 200 }), fc.array(order, { maxLength: 30 }), (n, d, lot, orders) => {
        const terms = { rate: ratio(n, d), lotPartnerPoints: points(lot) };
        const at = parseInstant('2026-11-24T12:00:00Z');
        const sums = orders.flatMap(({ lots, isReversed }) => {
          const partnerPoints = points(lots * lot);
          const given = quote(terms, { partnerPoints, acceptedAt: at });
          if (!given.ok) return [];
          const line = { partnerPoints, municipalPoints: given.value, rest: partnerPoints * n - given.value * d };
          const back = { partnerPoints: 0 - line.partnerPoints, municipalPoints: 0 - line.municipalPoints, rest: 0 - line.rest };
          return [sum(line), ...(isReversed ? [sum({ kind: 'order-reversal', ...back })] : [])];
        });
        const [version] = accountOf(sums, [prices({ rate: { numerator: n, denominator: d } })], undefined, 'down').versions;
        if (!version) return;
        expect(version.partnerPoints * n).toBe(version.exchangedPoints * d + version.rest.rest);
      }),
    );
  });

  it('does not add up lines that break that sum', () => {
    expect(() => accountOf([sum({ partnerPoints: 2, municipalPoints: 1 })], [prices()], undefined, 'down')).toThrow(
      'partner points × numerator = municipal points × denominator + rest',
    );
  });
});

describe('an invoice', () => {
  it('has the account’s lines, and the tax of each rate on top', () => {
    const account = accountOf(
      [sum({ lines: 3, partnerPoints: 1_500, municipalPoints: 1_500 }), sum({ kind: 'correction', version: null, yen: -30 })],
      [prices({ fees: [fee({}), fee({ name: 'second' })] })],
      undefined,
      'down',
    );

    const invoice = invoiceOf(account, taxPercentsUnlessTold, 'down');

    expect(invoice.lines.map((one) => [one.what, one.yen, one.taxCategory])).toEqual([
      ['exchanged-points', 1_500, 'outside'],
      ['fee', 16, 'standard'],
      ['fee', 16, 'standard'],
      ['corrections', -30, 'outside'],
    ]);
    // Of 32: line by line it would be 1 + 1.
    expect(invoice.taxes.find((one) => one.taxCategory === 'standard')).toMatchObject({ taxableYen: 32, taxYen: 3 });
    expect([invoice.taxYen, invoice.totalYen]).toEqual([3, 1_505]);
  });
});
