import { faultsOf, type PosBooks } from './pos-books.js';

const good: PosBooks = {
  answered201: 5,
  capturedPayments: 5,
  otherPayments: 0,
  spendTransfers: 5,
  spentPoints: 5,
  sumOfEntries: 0,
  waitingEvents: 0,
  parkedMessages: 0,
};

describe('the books after a measurement', () => {
  it('are right when every 201 is one captured payment and one transfer', () => {
    expect(faultsOf(good)).toEqual([]);
  });

  it.each([
    { capturedPayments: 4 },
    { otherPayments: 1 },
    { spendTransfers: 6 },
    { spentPoints: 6 },
    { sumOfEntries: -1 },
    { waitingEvents: 1 },
    { parkedMessages: 1 },
  ])('name what is wrong: %j', (wrong) => {
    expect(faultsOf({ ...good, ...wrong })).toHaveLength(1);
  });
});
