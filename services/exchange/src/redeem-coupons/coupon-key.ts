import { Inject, Injectable } from '@nestjs/common';
import { problem } from '@points/http';
import { ExchangeConfig } from '../exchange.config.js';
import { parseCouponKey } from './code-hash.js';

/** The key of the hashes, if this installation has one. */
@Injectable()
export class CouponKey {
  private readonly key: Buffer | undefined;

  constructor(@Inject(ExchangeConfig) { COUPON_KEY }: ExchangeConfig) {
    this.key = COUPON_KEY === undefined ? undefined : parseCouponKey(COUPON_KEY);
  }

  /** @throws Problem 503 */
  required(): Buffer {
    if (!this.key) throw problem(503, 'coupons-not-set-up', 'this installation takes no coupon codes: its operator has to set COUPON_KEY');
    return this.key;
  }
}
