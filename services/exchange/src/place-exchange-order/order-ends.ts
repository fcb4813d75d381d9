import { Inject, Injectable } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, type Answer, type ProgrammePath } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { refusedAnswer } from '../refused-answer.js';
import { isSettled } from '../rules/order-state.js';
import { Waiting } from '../waiting.js';
import { findOrder } from './find-order.js';
import { endedOrder, type Order, type OrderEnd } from './order-row.js';
import type { ExchangeOrderView } from './order-view.js';

/** Answers calls that place an order, whatever way it comes: with its end, or as it stands at the deadline. */
@Injectable()
export class OrderEnds {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Waiting) private readonly waiting: Waiting,
  ) {}

  /** `place` is given the id that a new order is to have. What it throws is thrown. */
  async answer(path: ProgrammePath, place: (id: string) => Promise<Answer<Order>>): Promise<Answer<ExchangeOrderView>> {
    const id = uuidv7();
    // Before the order is placed: its end may be heard before the answer.
    const over = this.waiting.until(id);
    const placed = await place(id).catch((error: unknown) => {
      this.waiting.forget(id);
      throw error;
    });
    if (placed.body.id !== id) this.waiting.forget(id);
    const order = await (placed.body.id === id ? this.end(path, placed.body, over) : this.endOfKnown(path, placed.body));
    return endedAnswer(order.view, placed);
  }

  private async end(path: ProgrammePath, placed: Order, over: Promise<OrderEnd | undefined>): Promise<Order> {
    // A person decides, maybe tomorrow.
    if (placed.view.state === 'in-review') this.waiting.forget(placed.id);
    const end = await over;
    // Read again only where another process heard it: a transaction for each call would cost more than the rest of an order.
    return end ? endedOrder(placed, end) : this.stand(path, placed);
  }

  /** A repeated request may come after the end: nobody would wake it. */
  private async endOfKnown(path: ProgrammePath, known: Order): Promise<Order> {
    const over = this.waiting.until(known.id);
    const order = await this.stand(path, known);
    if (!isSettled(order.view.state)) return this.end(path, order, over);
    this.waiting.forget(known.id);
    return order;
  }

  private async stand(path: ProgrammePath, { id, view }: Order): Promise<Order> {
    const found = await this.database.transaction(tenants(path.municipality), (tx) => findOrder(tx, path.programme, view));
    return found ?? { id, view };
  }
}

function endedAnswer(order: ExchangeOrderView, placed: Answer<Order>): Answer<ExchangeOrderView> {
  switch (order.state) {
    case 'reversed':
      // Taken back because its partner refused to take the points: for the resident that is a refusal.
      return order.refusal ? refusedAnswer(order.refusal, aboutOf(order), placed.headers) : answer(placed.status, order, placed.headers);
    case 'reversing':
      return answer(order.refusal ? 202 : placed.status, order, placed.headers);
    case 'completed':
      return answer(placed.status, order, placed.headers);
    case 'in-review':
    case 'reserving':
    case 'pending':
    case 'committing':
    case 'cancelling':
    case 'in-dispute':
      return answer(202, order, placed.headers);
    case 'refused':
      return refusedAnswer(order.refusal, aboutOf(order), placed.headers);
  }
}

function aboutOf({ orderId, partner, state }: ExchangeOrderView) {
  return { orderId, partner, state };
}
