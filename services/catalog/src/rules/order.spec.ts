import { nextOrder, type Order, type OrderEvent, type OrderState } from './order.js';

const refusal = { code: 'insufficient-points', detail: 'the balance is 10', facts: { balance: 10 } };
const orders: Record<OrderState, Order> = {
  pending: { state: 'pending' },
  refused: { state: 'refused', refusal },
  confirmed: { state: 'confirmed', posting: 'p1' },
  cancelling: { state: 'cancelling', posting: 'p1', cancellation: 'c1' },
  cancelled: { state: 'cancelled', posting: 'p1', cancellation: 'c1' },
};
const events: Record<string, OrderEvent> = {
  'spend posted': { kind: 'spend-decided', outcome: { posted: 'p1' } },
  'spend refused': { kind: 'spend-decided', outcome: { refused: refusal } },
  'cancel asked': { kind: 'cancel-asked', cancellation: 'c1' },
  'refund posted': { kind: 'refund-decided', cancellation: 'c1', outcome: { posted: 'p2' } },
  'refund refused': { kind: 'refund-decided', cancellation: 'c1', outcome: { refused: refusal } },
  'refund posted of another cancellation': { kind: 'refund-decided', cancellation: 'c0', outcome: { posted: 'p2' } },
};

describe('an order', () => {
  it.each<[OrderState, string, string]>([
    ['pending', 'spend posted', 'confirmed'],
    ['pending', 'spend refused', 'refused, stock back'],
    ['pending', 'cancel asked', 'refusal order-pending'],
    ['pending', 'refund posted', 'pending'],
    ['pending', 'refund refused', 'pending'],
    ['refused', 'spend posted', 'refused'],
    ['refused', 'spend refused', 'refused'],
    ['refused', 'cancel asked', 'refusal order-refused'],
    ['refused', 'refund posted', 'refused'],
    ['refused', 'refund refused', 'refused'],
    ['confirmed', 'spend posted', 'confirmed'],
    ['confirmed', 'spend refused', 'confirmed'],
    ['confirmed', 'cancel asked', 'cancelling'],
    ['confirmed', 'refund posted', 'confirmed'],
    ['confirmed', 'refund refused', 'confirmed'],
    ['cancelling', 'spend posted', 'cancelling'],
    ['cancelling', 'spend refused', 'cancelling'],
    ['cancelling', 'cancel asked', 'refusal order-cancelling'],
    ['cancelling', 'refund posted', 'cancelled, stock back'],
    ['cancelling', 'refund refused', 'confirmed'],
    ['cancelling', 'refund posted of another cancellation', 'cancelling'],
    ['cancelled', 'spend posted', 'cancelled'],
    ['cancelled', 'spend refused', 'cancelled'],
    ['cancelled', 'cancel asked', 'refusal order-cancelled'],
    ['cancelled', 'refund posted', 'cancelled'],
    ['cancelled', 'refund refused', 'cancelled'],
  ])('%s, %s: %s', (state, event, expected) => {
    const result = nextOrder(orders[state], events[event] as OrderEvent);

    const seen = result.ok
      ? `${result.value.order.state}${result.value.givesStockBack ? ', stock back' : ''}`
      : `refusal ${result.refusal.code}`;
    expect(seen).toBe(expected);
  });

  it('keeps the posting of its spend through a cancellation, because the refund names it', () => {
    const asked = nextOrder(orders.confirmed, { kind: 'cancel-asked', cancellation: 'c9' });

    expect(asked).toMatchObject({ value: { order: { state: 'cancelling', posting: 'p1', cancellation: 'c9' } } });
  });
});
