import { IsCount, IsDay, IsInstant, IsMyKeyId, IsNested, IsPoints } from '@points/http';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Min } from 'class-validator';
import { idForm } from '../ids.js';
import { AppliedRate } from '../place-exchange-order/order-view.js';
import { bearers, type Bearer } from '../rules/campaign.js';

export class AskQuote {
  @Matches(idForm)
  partner!: string;

  @IsMyKeyId()
  myKeyId!: string;

  /** What the resident would give; what is not a whole lot stays at the partner. */
  @IsPoints()
  partnerPoints!: number;
}

export class QuotedBonus {
  @IsString()
  campaign!: string;

  @IsPoints()
  points!: number;

  @IsIn([...bearers])
  borneBy!: Bearer;
}

export class FuturePoints {
  /** The name of the points, as residents know it. */
  @IsString()
  name!: string;

  /** The last day on which they can be used; absent when they do not end. */
  @IsOptional()
  @IsDay()
  lastDay?: string;

  /** True when each use moves that day. */
  @IsBoolean()
  isRenewedByUse!: boolean;

  /** Tags of places, as in the ledger's rules; none: anywhere. */
  @IsArray()
  @IsString({ each: true })
  usableAt!: string[];
}

/** All that a resident must know before the order is placed with `quote`. */
export class QuoteView {
  @IsUUID()
  quote!: string;

  @IsString()
  partner!: string;

  /** What will be taken at the partner: whole lots. Order exactly these. */
  @IsPoints()
  partnerPoints!: number;

  /** Of what was asked about, not a whole lot: it stays at the partner. */
  @IsCount()
  leftPartnerPoints!: number;

  @IsPoints()
  municipalPoints!: number;

  /** What rounding leaves, over the rate's denominator. Absent when nothing. */
  @IsOptional()
  @IsInt()
  @Min(1)
  rest?: number;

  /** Kept by an order with this quote, or the order is refused with `bonus-gone`. */
  @IsOptional()
  @IsNested(() => QuotedBonus)
  bonus?: QuotedBonus;

  @IsNested(() => AppliedRate)
  rate!: AppliedRate;

  /** What becomes of the points if they are issued today. Absent while the ledger has not told of the programme. */
  @IsOptional()
  @IsNested(() => FuturePoints)
  points?: FuturePoints;

  @IsInstant()
  quotedAt!: string;

  /** The first instant at which the quote is over. */
  @IsInstant()
  validUntil!: string;
}
