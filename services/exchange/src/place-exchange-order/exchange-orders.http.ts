import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { ExchangeOrderPath } from '../ids.js';
import { refusedAnswer } from '../refused-answer.js';
import { quoteRefusalCodes } from '../rules/quote.js';
import { Waiting } from '../waiting.js';
import { ExchangeOrderView, PlaceExchangeOrder, type Order } from './order.js';
import { findOrder, maySeeOrdersOf, placeOrder } from './place-order.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ExchangeOrdersController {
  constructor(
    private readonly database: Database,
    private readonly waiting: Waiting,
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
      ...quoteRefusalCodes,
      'and those of the ledger',
    ],
  })
  async place(@Param() path: ProgrammePath, @Body() body: PlaceExchangeOrder, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    // Stored with the key is the order as it was placed; how it ends is read from its row, for the first call and for every repeated one.
    const placed = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { isNew, order } = await placeOrder(tx, cause, path.programme, body, now());
        return answer(isNew ? 201 : 200, order);
      }),
    );
    const isFirst = placed.status === 201 && placed.headers === undefined;
    const order = await this.end(path, body, placed.body, isFirst);
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
  private async end(path: ProgrammePath, body: PlaceExchangeOrder, known: Order, isFirst: boolean): Promise<Order> {
    const read = async () =>
      (await this.database.transaction(tenants(path.municipality), (tx) => findOrder(tx, path.programme, body))) ?? known;
    if (known.view.state !== 'pending') return known;
    const over = this.waiting.until(known.id);
    // A repeated call may have come after the end: nobody will wake it.
    if (!isFirst && (await read()).view.state !== 'pending') this.waiting.wake([known.id]);
    await over;
    return read();
  }
}

function endedAnswer(order: ExchangeOrderView, placed: Answer<Order>): Answer<ExchangeOrderView> {
  switch (order.state) {
    case 'completed':
      return answer(placed.status, order, placed.headers);
    case 'pending':
      return answer(202, order, placed.headers);
    case 'refused':
      return refusedAnswer(order.refusal, { orderId: order.orderId, partner: order.partner, state: order.state }, placed.headers);
  }
}
