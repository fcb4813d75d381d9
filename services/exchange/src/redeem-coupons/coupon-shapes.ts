import { IsCount, IsInstant, IsListOf, IsMyKeyId, IsNested, IsPoints } from '@points/http';
import { ArrayMinSize, IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { idForm, PartnerPath } from '../ids.js';
import { OrderOrigin } from '../place-exchange-order/order-request.js';

/** Of one request; a batch takes as many requests as it needs. */
export const codesPerRequestMax = 5_000;
export const batchesListedMax = 200;
export const couponsPageMax = 1_000;
export const couponStates = ['unused', 'redeemed', 'expired', 'void'] as const;
export type CouponState = (typeof couponStates)[number];

export class CouponBatchPath extends PartnerPath {
  @Matches(idForm)
  batch!: string;
}

export class PutCouponBatch {
  @IsString()
  @Length(1, 100)
  name!: string;

  /** The first instant at which its codes can no longer be redeemed. */
  @IsInstant()
  expiresAt!: string;
}

export class NewCoupon {
  /** What the partner calls the code where the code itself must not stand; unique in the batch. */
  @Matches(idForm)
  serial!: string;

  /** 12 to 32 letters and digits; hyphens, spaces and case do not matter. Kept as a keyed hash only. */
  @IsString()
  @Length(12, 64)
  code!: string;

  /** Whole lots of the partner's terms. */
  @IsPoints()
  partnerPoints!: number;
}

export class AddCoupons {
  @IsListOf(() => NewCoupon, codesPerRequestMax)
  @ArrayMinSize(1)
  coupons!: NewCoupon[];
}

export class AddedCouponsView {
  @IsCount()
  added!: number;

  /** Were there before with the same content. */
  @IsCount()
  known!: number;
}

export class VoidCouponBatch {
  @IsString()
  @Length(1, 300)
  reason!: string;
}

export class CouponCount {
  @IsIn([...couponStates])
  state!: CouponState;

  @IsCount()
  codes!: number;

  @IsCount()
  partnerPoints!: number;
}

export class CouponBatchView extends PutCouponBatch {
  @IsString()
  batch!: string;

  @IsString()
  madeBy!: string;

  @IsInstant()
  madeAt!: string;

  @IsOptional()
  @IsString()
  voidedBy?: string;

  @IsOptional()
  @IsInstant()
  voidedAt?: string;

  @IsOptional()
  @IsString()
  voidReason?: string;

  /** One row per state, as of now. */
  @IsListOf(() => CouponCount, couponStates.length)
  counts!: CouponCount[];
}

export class CouponBatchesView {
  @IsListOf(() => CouponBatchView, batchesListedMax)
  batches!: CouponBatchView[];
}

export class CouponView {
  @IsString()
  serial!: string;

  @IsIn([...couponStates])
  state!: CouponState;

  @IsPoints()
  partnerPoints!: number;

  @IsOptional()
  @IsInstant()
  redeemedAt?: string;
}

export class CouponsView {
  @IsListOf(() => CouponView, couponsPageMax)
  coupons!: CouponView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

export class CouponsQuery {
  @IsOptional()
  @IsIn([...couponStates])
  state?: CouponState;

  /** The last serial of the page before. */
  @IsOptional()
  @IsString()
  @Length(1, 60)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(couponsPageMax)
  limit?: number;
}

export class RedeemCoupon {
  /** As the resident types it. */
  @IsString()
  @Length(1, 64)
  code!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsOptional()
  @IsNested(() => OrderOrigin)
  origin?: OrderOrigin;
}
