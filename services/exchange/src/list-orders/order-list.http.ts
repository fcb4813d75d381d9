import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import {
  type Cause,
  CauseOf,
  formatOf,
  IsInstant,
  IsListOf,
  jsonOrCsv,
  Operation,
  pageLimit,
  pageLinesMax,
  PageQuery,
  problem,
} from '@points/http';
import { parseInstant } from '@points/kernel';
import { IsOptional, IsString, Matches } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PartnerPath } from '../ids.js';
import { maySeeOrdersOf } from '../place-exchange-order/find-order.js';
import { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { orderStates, type OrderState } from '../rules/order-state.js';
import { listOrders, ordersTable } from './list-orders.js';

class OrdersQuery extends PageQuery {
  @IsOptional()
  @Matches(new RegExp(`^(${orderStates.join('|')})(,(${orderStates.join('|')}))*$`))
  @JSONSchema({ description: `states, with commas between, of ${orderStates.join(', ')}; all unless told` })
  state?: string;

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'placed here from this instant on' })
  from?: string;

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'placed here before this instant' })
  to?: string;
}

class OrdersView {
  @IsListOf(() => ExchangeOrderView, pageLinesMax.csv)
  orders!: ExchangeOrderView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/exchange-orders')
export class OrderListController {
  constructor(@Inject(Database) private readonly database: Database) {}

  @Get()
  @Operation({
    summary: 'Exchange orders of a partner, newest first',
    description:
      'A partner’s own client sees that partner’s orders only. Pages are cut by key: send `next` as `after`, until there is none; a page of a rare state may be ' +
      'short or empty and still have a `next`. CSV by Accept: text/csv or ?format=csv; its next page is in the header Link.',
    scope: 'exchange:read',
    answer: OrdersView,
    problems: ['unknown-partner'],
  })
  list(
    @Param() path: PartnerPath,
    @Query() query: OrdersQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrdersView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const { state, from, to, after } = query;
    const page = {
      limit: pageLimit(query.limit, format),
      ...(after !== undefined && { after }),
      // The pattern admits these words only.
      ...(state !== undefined && { states: state.split(',') as OrderState[] }),
      ...(from !== undefined && { from: parseInstant(from) }),
      ...(to !== undefined && { to: parseInstant(to) }),
    };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      if (!(await maySeeOrdersOf(tx, path.programme, path.partner, cause.client)))
        throw problem(404, 'unknown-partner', 'the programme has no such partner');
      return jsonOrCsv(wire, format, await listOrders(tx, path, page), ordersTable);
    });
  }
}
