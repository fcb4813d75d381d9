import { ServiceConfig } from '@points/service';
import { IsIn, IsOptional, ValidateBy } from 'class-validator';
import { parseCouponKey } from './redeem-coupons/code-hash.js';

export class ExchangeConfig extends ServiceConfig {
  /** Under which coupon codes are hashed: 32 bytes in base64url, kept for as long as codes are out. Usually given as `COUPON_KEY_FILE`. */
  @IsOptional()
  @ValidateBy({
    name: 'couponKey',
    // The text is never repeated: it is the key.
    validator: { validate: (text) => parseCouponKey(String(text)) !== undefined, defaultMessage: () => 'must be 32 bytes in base64url' },
  })
  COUPON_KEY?: string;

  /**
   * `true` lets webhooks go to private and local addresses, any port, and by http: for the cloud on one machine and for tests. Where
   * partners set up endpoints by themselves it must stay `false`, or they reach what stands beside this service.
   */
  @IsIn(['true', 'false'])
  WEBHOOK_ALLOW_PRIVATE: 'true' | 'false' = 'false';
}
