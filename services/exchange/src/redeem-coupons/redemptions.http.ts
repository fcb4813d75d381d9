import { Body, Controller, Inject, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, once, Operation, Problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import type { Logger, Metrics } from '@points/observability';
import { LOGGER, METRICS } from '@points/service';
import { Counter } from 'prom-client';
import { now } from '../clock.js';
import type { Order } from '../place-exchange-order/order-row.js';
import { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { OrderEnds } from '../place-exchange-order/order-ends.js';
import { couponRefusalCodes, wrongCodesAlarm } from '../rules/coupon.js';
import { priceRefusalCodes } from '../rules/price.js';
import { CouponKey } from './coupon-key.js';
import { RedeemCoupon } from './coupon-shapes.js';
import { redeemCoupon } from './redeem-coupon.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/coupon-redemptions')
export class RedemptionsController {
  private readonly wrong: Counter;

  constructor(
    private readonly database: Database,
    private readonly ends: OrderEnds,
    private readonly key: CouponKey,
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(METRICS) { registry }: Metrics,
  ) {
    this.wrong = new Counter({
      name: 'points_exchange_wrong_coupon_codes_total',
      help: 'coupon codes that do not exist, by programme',
      labelNames: ['programme'],
      registers: [registry],
    });
  }

  @Post()
  @Operation({
    summary: 'Redeem a coupon code for a resident',
    description:
      'A code becomes one exchange order; the answers are those of an order. 200: the same person has redeemed it before. Codes that do not exist are ' +
      'counted: after ten within an hour 429. A code whose order the ledger refuses can be redeemed again.',
    scope: 'coupons:redeem',
    status: 201,
    answer: ExchangeOrderView,
    also: { 200: ExchangeOrderView, 202: ExchangeOrderView },
    problems: [
      'unknown-my-key-id',
      'too-many-wrong-codes',
      'coupons-not-set-up',
      ...couponRefusalCodes,
      'partner-stopped',
      'holder-stopped',
      ...priceRefusalCodes,
      'screened',
      'and those of the ledger',
    ],
  })
  redeem(@Param() path: ProgrammePath, @Body() body: RedeemCoupon, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    const { municipality, programme } = path;
    return this.ends.answer(path, async (id) => {
      const redeemed = await this.database.transaction(tenants(municipality), (tx) =>
        once<Order>(tx, cause, () =>
          redeemCoupon(tx, cause, {
            programme,
            body,
            id,
            secret: this.key.required(),
            now: now(),
            onWrong: (all) => this.tell(programme, all),
          }),
        ),
      );
      // Stored as the answer of its key, and no order: it goes to the caller as it is.
      if (redeemed.status >= 400) throw refusalAgain(redeemed);
      return redeemed;
    });
  }

  private tell(programme: string, inProgramme: number): void {
    this.wrong.inc({ programme });
    if (inProgramme % wrongCodesAlarm === 0)
      this.log.error({ programme, wrong: inProgramme }, 'somebody may be guessing coupon codes: many wrong ones within this hour');
  }
}

function refusalAgain({ status, body, headers }: Answer<unknown>): Problem {
  // What `refusal` has made of it, with its code and its sentence.
  const said = body as Readonly<Record<string, unknown>> & { readonly code: string; readonly detail: string };
  return new Problem(status, said.code, said.detail, said, headers ?? {});
}
