import { ServiceConfig } from '@points/service';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import { parseSealKeys } from './link-accounts/seal.js';
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

  /**
   * `true` lets calls of linked partners (sign-in and endpoint) and of card schemes go to private and local addresses, any port, and by
   * http (a linked partner's on this machine only): for the cloud on one machine, for simulators and for tests. `false`: to public
   * addresses by https, whatever their names and their own descriptions say.
   */
  @IsIn(['true', 'false'])
  OUTSIDE_ALLOW_PRIVATE: 'true' | 'false' = 'false';

  /**
   * Keys under which tokens of linked accounts and secrets at partners are kept, `id:key,id:key`: 32 bytes in base64url each; the first
   * seals, all of them open. Usually given as `LINK_KEYS_FILE`. Without it no partner of the kind account-link can be connected.
   */
  @IsOptional()
  @ValidateBy({
    name: 'sealKeys',
    validator: {
      validate: (text) => parseSealKeys(String(text)) !== undefined,
      // The text is never repeated: it holds the keys.
      defaultMessage: () => 'must be id:key, several separated by commas, each key 32 bytes in base64url',
    },
  })
  LINK_KEYS?: string;

  /** How long a linked partner may take for an answer. */
  @Type(() => Number)
  @IsInt({ message: 'must be a whole number of milliseconds' })
  @Min(100)
  @Max(60_000)
  PARTNER_ANSWER_MS = 10_000;
}
