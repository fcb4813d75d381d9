import { IsInstant, IsListOf, IsNested } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateNested,
} from 'class-validator';
import { paperIdForm } from '../ids.js';
import { ExchangeOrderView, ReversalView } from '../place-exchange-order/order-view.js';
import { reversalReasons, type ReversalReason } from '../rules/reversal.js';

/** About 50 ms of locks, and 40 kB of body. */
export const reversalsPerBatchMax = 500;

export class ReverseOrder {
  @IsIn([...reversalReasons])
  reason!: ReversalReason;

  /** For whoever reads the order later; without personal data. It is not told to the ledger. */
  @IsOptional()
  @IsString()
  @Length(1, 300)
  note?: string;

  /** Only to bring history in (scope history:write): the reversal's own time, under whose rules it is booked. */
  @IsOptional()
  @IsInstant()
  reversedAt?: string;
}

export class ReverseOrders extends ReverseOrder {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(reversalsPerBatchMax)
  @ArrayUnique()
  @Matches(paperIdForm, { each: true })
  orderIds!: string[];
}

/** Why one order of a batch was not taken back; the same code and facts as for a single one. */
export class ReversalProblemView {
  @IsInt()
  status!: number;

  @IsString()
  code!: string;

  @IsString()
  detail!: string;

  @IsOptional()
  @IsObject()
  facts?: Record<string, unknown>;
}

const outcomes = ['reversed', 'under-way', 'refused'] as const;

export class ReversalOutcomeView {
  @IsString()
  orderId!: string;

  @IsIn([...outcomes])
  outcome!: (typeof outcomes)[number];

  /** Absent where there is no such order. */
  @IsOptional()
  @IsNested(() => ExchangeOrderView)
  order?: ExchangeOrderView;

  /** Present when refused. */
  @IsOptional()
  @IsNested(() => ReversalProblemView)
  problem?: ReversalProblemView;
}

export class ReversalBatchView {
  @IsInt()
  reversed!: number;

  @IsInt()
  underWay!: number;

  @IsInt()
  refused!: number;

  /** In the order in which they were asked for. */
  @IsListOf(() => ReversalOutcomeView, reversalsPerBatchMax)
  outcomes!: ReversalOutcomeView[];
}

export class ReversalsView {
  /** Newest first. */
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ReversalView)
  reversals!: ReversalView[];
}
