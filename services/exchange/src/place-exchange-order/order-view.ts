import { IsCount, IsInstant, IsMyKeyId, IsNested, IsPoints } from '@points/http';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Min } from 'class-validator';
import { AtPartnerView } from '../exchange-by-link/link-order.js';
import { bearers, type Bearer } from '../rules/campaign.js';
import { channels, type Channel } from '../rules/channel.js';
import { orderStates, type OrderState } from '../rules/order-state.js';
import { reversalReasons, reversalStates, type ReversalReason, type ReversalState } from '../rules/reversal.js';
import { Rate } from '../set-up-partners/terms-shapes.js';

export const bonusStates = ['waiting', 'pending', 'posted', 'refused', 'void', 'reversed'] as const;
/** waiting: for the order's own points. pending: asked of the ledger. void: the order came to nothing. reversed: taken back with it. */
export type BonusState = (typeof bonusStates)[number];

/** Why the ledger, or the card scheme, said no. */
export class RefusalView {
  @IsString()
  code!: string;

  @IsString()
  detail!: string;

  @IsOptional()
  @IsObject()
  facts?: Record<string, string | number | boolean>;
}

export class AppliedRate extends Rate {
  /** Of the partner's terms. */
  @IsInt()
  @Min(1)
  version!: number;
}

export class BonusView {
  @IsString()
  campaign!: string;

  @IsPoints()
  points!: number;

  @IsIn([...bearers])
  borneBy!: Bearer;

  @IsIn([...bonusStates])
  state!: BonusState;

  /** Present once refused by the ledger; the order's own points are there all the same. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

/** Of points that were taken back. */
export class TakenBackView {
  /** Points that were still there. */
  @IsCount()
  takenBack!: number;

  /** Points that were used already and are a debt of the holder now, which the next grants pay (the programme's rule). */
  @IsCount()
  owed!: number;

  @IsInstant()
  reversedAt!: string;
}

export class ReversedBonusView {
  @IsOptional()
  @IsNested(() => TakenBackView)
  taken?: TakenBackView;

  /** The bonus stays with the holder; the order's own points are taken back all the same. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

export class ReversalView {
  @IsUUID()
  reversal!: string;

  @IsIn([...reversalStates])
  state!: ReversalState;

  @IsIn([...reversalReasons])
  reason!: ReversalReason;

  @IsOptional()
  @IsString()
  note?: string;

  @IsString()
  requestedBy!: string;

  @IsInstant()
  requestedAt!: string;

  /** By staff, after the partner's own time for it. */
  @IsOptional()
  @IsBoolean()
  isLate?: boolean;

  @IsOptional()
  @IsNested(() => TakenBackView)
  taken?: TakenBackView;

  @IsOptional()
  @IsNested(() => ReversedBonusView)
  bonus?: ReversedBonusView;

  /** Present once refused by the ledger: nothing was taken back. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

export class ExchangeOrderView {
  @IsString()
  orderId!: string;

  @IsString()
  partner!: string;

  @IsIn([...orderStates])
  state!: OrderState;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  partnerPoints!: number;

  @IsPoints()
  municipalPoints!: number;

  @IsNested(() => AppliedRate)
  rate!: AppliedRate;

  /** What rounding left, over the rate's denominator: partnerPoints × numerator = municipalPoints × denominator + rest. Absent when nothing. */
  @IsOptional()
  @IsInt()
  @Min(1)
  rest?: number;

  @IsIn([...channels])
  channel!: Channel;

  @IsOptional()
  @IsUUID()
  quote?: string;

  /** Issued by themselves once the order's own points are. */
  @IsOptional()
  @IsNested(() => BonusView)
  bonus?: BonusView;

  @IsInstant()
  acceptedAt!: string;

  /** When the points count from in the ledger; present once completed. */
  @IsOptional()
  @IsInstant()
  bookedAt?: string;

  /** The ledger's posting; present once completed. */
  @IsOptional()
  @IsUUID()
  posting?: string;

  /** Present once refused. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;

  /** The last wish to take it back, and what became of it. */
  @IsOptional()
  @IsNested(() => ReversalView)
  reversal?: ReversalView;

  /** Of an order of a linked account, when it is read. */
  @IsOptional()
  @IsNested(() => AtPartnerView)
  atPartner?: AtPartnerView;
}
