import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import {
  type Answer,
  answer,
  type Cause,
  CauseOf,
  IsInstant,
  IsMyKeyId,
  IsNested,
  IsPoints,
  IsProgramme,
  once,
  Operation,
  ProgrammePath,
} from '@points/http';
import { IsIn, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { Decisions } from '../ledger-answers/decisions.js';
import { Reason } from '../ledger-answers/reason.js';
import { IsId } from '../listing/fields.js';
import type { OrderState } from '../rules/order.js';
import { cancelOrder, readCancellation } from './cancel-order.js';
import { placeOrder } from './place-order.js';
import { readOrder } from './read-order.js';

/** Enough for a school's order; with the highest price the sum stays a safe integer. */
const orderPiecesMax = 1_000;

export class OrderPath extends ProgrammePath {
  @IsUUID()
  order!: string;
}

export class PlaceOrder {
  @IsId()
  product!: string;

  @IsInt()
  @Min(1)
  @Max(orderPiecesMax)
  quantity!: number;

  @IsMyKeyId()
  myKeyId!: string;
}

export class OrderView {
  @IsUUID()
  order!: string;

  @IsProgramme()
  programme!: string;

  @IsId()
  product!: string;

  @IsInt()
  quantity!: number;

  /** Of the whole order. */
  @IsPoints()
  points!: number;

  @IsIn(['pending', 'refused', 'confirmed', 'cancelling', 'cancelled'])
  state!: OrderState;

  @IsInstant()
  placedAt!: string;

  @IsOptional()
  @IsNested(() => Reason)
  refusal?: Reason;

  /** Present from `cancelling` on. */
  @IsOptional()
  @IsUUID()
  cancellation?: string;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/orders')
export class OrdersController {
  constructor(
    private readonly database: Database,
    private readonly decisions: Decisions,
  ) {}

  @Post()
  @Operation({
    summary: 'Order a product with points',
    description:
      'Answers when the ledger has decided; 202 when it has not within 3 s. Then the order ends by itself, and reading it tells how.',
    scope: 'orders:write',
    status: 201,
    answer: OrderView,
    also: { 202: OrderView },
    problems: [
      'unknown-product',
      'product-withdrawn',
      'not-sold-for-programme',
      'out-of-stock',
      'unknown-my-key-id',
      'a code of the ledger',
    ],
  })
  async place(@Param() path: ProgrammePath, @Body() body: PlaceOrder, @CauseOf() cause: Cause): Promise<Answer<OrderView>> {
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, await placeOrder(tx, { ...path, ...body, client: cause.client }))),
    );
    const order = { ...path, order: asked.body.order };
    return this.decisions.answer({ id: order.order, asked, location: addressOf(order), read: () => this.find(order) });
  }

  @Post(':order/cancellations')
  @Operation({
    summary: 'Cancel a whole order: its points go back to the holder, its pieces to the stock',
    description: 'Answers when the ledger has decided; 202 when it has not within 3 s.',
    scope: 'orders:write',
    status: 201,
    answer: OrderView,
    also: { 202: OrderView },
    problems: ['unknown-order', 'order-pending', 'order-refused', 'order-cancelling', 'order-cancelled', 'a code of the ledger'],
  })
  async cancel(@Param() path: OrderPath, @CauseOf() cause: Cause): Promise<Answer<OrderView>> {
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, await cancelOrder(tx, { ...path, client: cause.client }))),
    );
    const { cancellation: id } = asked.body;
    const read = () => this.database.transaction(tenants(path.municipality), (tx) => readCancellation(tx, { ...path, cancellation: id }));
    return this.decisions.answer<OrderView>({ id, asked, location: addressOf(path), read });
  }

  @Get(':order')
  @Operation({ summary: 'Read an order', scope: 'orders:read', answer: OrderView, problems: ['unknown-order'] })
  async read(@Param() path: OrderPath): Promise<OrderView> {
    return (await this.find(path)).view;
  }

  private find(path: OrderPath) {
    return this.database.transaction(tenants(path.municipality), (tx) => readOrder(tx, path));
  }
}

function addressOf({ municipality, programme, order }: OrderPath): string {
  return `/v1/municipalities/${municipality}/programmes/${programme}/orders/${order}`;
}
