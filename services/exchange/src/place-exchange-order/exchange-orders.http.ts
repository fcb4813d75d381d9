import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { currentTraceparent } from '@points/observability';
import { readOrder } from '../exchange-by-link/read-order.js';
import { ExchangeOrderPath } from '../ids.js';
import { priceRefusalCodes } from '../rules/price.js';
import { maySeeOrdersOf } from './find-order.js';
import { PlaceExchangeOrder } from './order-request.js';
import { ExchangeOrderView } from './order-view.js';
import { OrderDesk } from './order-desk.js';
import { OrderEnds } from './order-ends.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ExchangeOrdersController {
  constructor(
    private readonly database: Database,
    private readonly desk: OrderDesk,
    private readonly ends: OrderEnds,
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
      'wrong-channel',
      'order-exists',
      'unknown-my-key-id',
      'account-not-linked',
      'unknown-quote',
      'quote-differs',
      'quote-used',
      'quote-expired',
      'partner-stopped',
      'holder-stopped',
      ...priceRefusalCodes,
      'screened',
      'partner-refused',
      'partner-unavailable',
      'link-ended',
      'and those of the ledger',
    ],
  })
  place(@Param() path: ProgrammePath, @Body() body: PlaceExchangeOrder, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    return this.ends.answer(path, (id) =>
      this.desk.place(cause, {
        id,
        municipality: path.municipality,
        programme: path.programme,
        order: body,
        channel: 'api',
        client: cause.client,
        isOnBehalf: cause.scopes.has('exchange:on-behalf'),
        mayBringHistory: cause.scopes.has('history:write'),
        traceparent: currentTraceparent(),
      }),
    );
  }

  @Get('partners/:partner/exchange-orders/:orderId')
  @Operation({ summary: 'An exchange order and its state', scope: 'exchange:read', answer: ExchangeOrderView, problems: ['unknown-order'] })
  async read(@Param() path: ExchangeOrderPath, @CauseOf() cause: Cause): Promise<ExchangeOrderView> {
    const order = await this.database.transaction(tenants(path.municipality), async (tx) =>
      (await maySeeOrdersOf(tx, path.programme, path.partner, cause.client)) ? readOrder(tx, path) : undefined,
    );
    if (!order) throw problem(404, 'unknown-order', 'the partner has no such order');
    return order;
  }
}
