import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { uuidv7 } from '@points/kernel';
import { currentTraceparent } from '@points/observability';
import { ExchangeOrderPath } from '../ids.js';
import { refusedAnswer } from '../refused-answer.js';
import { priceRefusalCodes } from '../rules/price.js';
import { isSettled } from '../rules/order-state.js';
import { Waiting } from '../waiting.js';
import { findOrder, maySeeOrdersOf } from './find-order.js';
import { ExchangeOrderView, PlaceExchangeOrder, type Order } from './order.js';
import { OrderDesk } from './order-desk.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ExchangeOrdersController {
  constructor(
    private readonly database: Database,
    private readonly waiting: Waiting,
    private readonly desk: OrderDesk,
  ) {}

  @Post('exchange-orders')
  @Operation({
    summary: 'Exchange partner points into municipal points',
    description:
      '201: the points are issued. 202: the ledger has not answered within 3 s; the order ends by itself, ask for it. 200: this order existed with ' +
      'the same content. 422: refused, by the terms of the partner (nothing is stored) or by the ledger (stored; its code and facts are passed on).',
    scope: 'exchange:write',
    status: 201,
    answer: ExchangeOrderView,
    also: { 200: ExchangeOrderView, 202: ExchangeOrderView },
    problems: [
      'unknown-partner',
      'client-not-of-partner',
      'order-exists',
      'unknown-my-key-id',
      'unknown-quote',
      'quote-differs',
      'quote-used',
      'quote-expired',
      ...priceRefusalCodes,
      'and those of the ledger',
    ],
  })
  async place(@Param() path: ProgrammePath, @Body() body: PlaceExchangeOrder, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    const id = uuidv7();
    // Before the order is placed: its end may be heard before the desk has answered.
    const over = this.waiting.until(id);
    const placed = await this.desk
      .place(cause, {
        id,
        municipality: path.municipality,
        programme: path.programme,
        order: body,
        channel: 'api',
        client: cause.client,
        isOnBehalf: cause.scopes.has('exchange:on-behalf'),
        mayBringHistory: cause.scopes.has('history:write'),
        traceparent: currentTraceparent(),
      })
      .catch((error: unknown) => {
        this.waiting.forget(id);
        throw error;
      });
    if (placed.body.id !== id) this.waiting.forget(id);
    const order = await (placed.body.id === id ? this.end(path, placed.body, over) : this.endOfKnown(path, placed.body));
    return endedAnswer(order.view, placed);
  }

  @Get('partners/:partner/exchange-orders/:orderId')
  @Operation({ summary: 'An exchange order and its state', scope: 'exchange:read', answer: ExchangeOrderView, problems: ['unknown-order'] })
  async read(@Param() path: ExchangeOrderPath, @CauseOf() cause: Cause): Promise<ExchangeOrderView> {
    const order = await this.database.transaction(tenants(path.municipality), async (tx) =>
      (await maySeeOrdersOf(tx, path.programme, path.partner, cause.client)) ? findOrder(tx, path.programme, path) : undefined,
    );
    if (!order) throw problem(404, 'unknown-order', 'the partner has no such order');
    return order.view;
  }

  /** The order once it is over, or as it is at the deadline. */
  private async end(path: ProgrammePath, placed: Order, over: Promise<void>): Promise<Order> {
    await over;
    return this.stand(path, placed);
  }

  /** A repeated request may come after the end: nobody would wake it. */
  private async endOfKnown(path: ProgrammePath, known: Order): Promise<Order> {
    if (isSettled(known.view.state)) return this.stand(path, known);
    const over = this.waiting.until(known.id);
    const order = await this.stand(path, known);
    if (!isSettled(order.view.state)) return this.end(path, order, over);
    this.waiting.wake([known.id]);
    return order;
  }

  private async stand(path: ProgrammePath, { id, view }: Order): Promise<Order> {
    const found = await this.database.transaction(tenants(path.municipality), (tx) => findOrder(tx, path.programme, view));
    return found ?? { id, view };
  }
}

function endedAnswer(order: ExchangeOrderView, placed: Answer<Order>): Answer<ExchangeOrderView> {
  switch (order.state) {
    case 'completed':
    case 'reversing':
    case 'reversed':
      return answer(placed.status, order, placed.headers);
    case 'in-review':
    case 'reserving':
    case 'pending':
    case 'committing':
    case 'cancelling':
    case 'in-dispute':
      return answer(202, order, placed.headers);
    case 'refused':
      return refusedAnswer(order.refusal, { orderId: order.orderId, partner: order.partner, state: order.state }, placed.headers);
  }
}
