import { readOrdersList } from './read-orders-list.js';

describe('the partner’s file', () => {
  it('is read whatever the order of its columns, with days and times', () => {
    const text = '\uFEFFkind,date,PartnerPoints,orderid\r\norder,2026-03-02,500,A\r\nreversal,2026-03-02T23:30:00Z,20,注文 1\r\n,,1,B\r\n';

    expect(readOrdersList(text)).toEqual({
      lines: [
        { line: 2, orderId: 'A', kind: 'order', partnerPoints: 500, municipalPoints: null, date: '2026-03-02' },
        { line: 3, orderId: '注文 1', kind: 'reversal', partnerPoints: 20, municipalPoints: null, date: '2026-03-03' },
        { line: 4, orderId: 'B', kind: 'order', partnerPoints: 1, municipalPoints: null, date: null },
      ],
    });
  });

  it.each([
    ['orderId\nA', 1, 'header', 'the column partnerPoints is missing'],
    ['orderId,partnerPoints,shop\nA,1,x', 1, 'header', 'the column "shop" is not known'],
    ['orderId,partnerPoints\nA,0', 2, 'partnerPoints', 'is not a whole number'],
    ['orderId,partnerPoints\nA,-5', 2, 'partnerPoints', 'is not a whole number'],
    ['orderId,partnerPoints\n,5', 2, 'orderId', 'is no order id'],
    ['orderId,partnerPoints,date\nA,5,2026-02-30', 2, 'date', 'is neither a day'],
    ['orderId,partnerPoints,kind\nA,5,bonus', 2, 'kind', 'is not one of order, reversal'],
    ['orderId,partnerPoints\nA,5,6', 2, 'line', 'has 3 fields, the header has 2'],
    ['', 1, 'header', 'is missing'],
  ])('%j is refused by line and field', (text, line, field, reason) => {
    expect(readOrdersList(text)).toMatchObject({ errors: [{ line, field, reason: expect.stringContaining(reason) as string }] });
  });
});
