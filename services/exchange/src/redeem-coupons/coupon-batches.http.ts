import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { answer, CauseOf, once, Operation, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { addCoupons, listBatches, listCoupons, putBatch, readBatch, requireCouponPartner, voidBatch } from './coupon-batches.js';
import {
  AddCoupons,
  AddedCouponsView,
  CouponBatchesView,
  CouponBatchPath,
  CouponBatchView,
  CouponsQuery,
  CouponsView,
  PutCouponBatch,
  VoidCouponBatch,
} from './coupon-shapes.js';
import { CouponKey } from './coupon-key.js';

const common = ['unknown-partner', 'client-not-of-partner', 'wrong-channel'];

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/coupon-batches')
export class CouponBatchesController {
  constructor(
    private readonly database: Database,
    private readonly key: CouponKey,
  ) {}

  @Put(':batch')
  @Operation({
    summary: 'Make a batch of coupon codes, or put off its end',
    scope: 'exchange:write',
    answer: CouponBatchView,
    also: { 201: CouponBatchView },
    problems: [...common, 'batch-void'],
  })
  async put(@Param() path: CouponBatchPath, @Body() body: PutCouponBatch, @CauseOf() cause: Cause): Promise<Answer<CouponBatchView>> {
    const { isNew, batch } = await this.asPartner(path, cause, (tx) => putBatch(tx, path, body, { client: cause.client, now: now() }));
    return answer(isNew ? 201 : 200, batch);
  }

  @Post(':batch/coupons')
  @Operation({
    summary: 'Add codes to a batch, all or none',
    description: 'Codes that are there with the same content are no error, so that a request whose answer was lost can be sent again.',
    scope: 'exchange:write',
    status: 201,
    answer: AddedCouponsView,
    problems: [...common, 'unknown-batch', 'batch-void', 'coupons-not-set-up'],
  })
  add(@Param() path: CouponBatchPath, @Body() body: AddCoupons, @CauseOf() cause: Cause): Promise<Answer<AddedCouponsView>> {
    return this.asPartner(path, cause, (tx) =>
      once(tx, cause, async () => answer(201, await addCoupons(tx, path, body, this.key.required()))),
    );
  }

  @Post(':batch/voids')
  @Operation({
    summary: 'Withdraw a batch for good',
    description: 'What was redeemed stays redeemed.',
    scope: 'exchange:write',
    status: 201,
    answer: CouponBatchView,
    problems: [...common, 'unknown-batch', 'batch-void'],
  })
  withdraw(@Param() path: CouponBatchPath, @Body() body: VoidCouponBatch, @CauseOf() cause: Cause): Promise<Answer<CouponBatchView>> {
    return this.asPartner(path, cause, (tx) =>
      once(tx, cause, async () => answer(201, await voidBatch(tx, path, body.reason, { client: cause.client, now: now() }))),
    );
  }

  @Get()
  @Operation({ summary: 'Batches of coupon codes, newest first', scope: 'exchange:read', answer: CouponBatchesView, problems: common })
  async list(@Param() path: PartnerPath, @CauseOf() cause: Cause): Promise<CouponBatchesView> {
    return { batches: await this.asPartner(path, cause, (tx) => listBatches(tx, path, now())) };
  }

  @Get(':batch')
  @Operation({
    summary: 'A batch: how many codes and points are redeemed, unused, over or withdrawn',
    scope: 'exchange:read',
    answer: CouponBatchView,
    problems: [...common, 'unknown-batch'],
  })
  read(@Param() path: CouponBatchPath, @CauseOf() cause: Cause): Promise<CouponBatchView> {
    return this.asPartner(path, cause, (tx) => readBatch(tx, path, now()));
  }

  @Get(':batch/coupons')
  @Operation({
    summary: 'Coupons of a batch by serial, without their codes',
    scope: 'exchange:read',
    answer: CouponsView,
    problems: [...common, 'unknown-batch'],
  })
  coupons(@Param() path: CouponBatchPath, @Query() query: CouponsQuery, @CauseOf() cause: Cause): Promise<CouponsView> {
    return this.asPartner(path, cause, async (tx) => {
      const at = now();
      await readBatch(tx, path, at);
      return listCoupons(tx, path, query, at);
    });
  }

  private asPartner<T>(path: PartnerPath, cause: Cause, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await requireCouponPartner(tx, path, cause);
      return work(tx);
    });
  }
}
