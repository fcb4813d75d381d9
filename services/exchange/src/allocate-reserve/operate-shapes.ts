import { IsInstant, IsListOf, IsNested, IsPoints, IsProgramme, ProgrammePath } from '@points/http';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Matches, Max, Min } from 'class-validator';
import { paperIdForm } from '../ids.js';
import { RefusalView } from '../place-exchange-order/order-view.js';
import { allocationPartsMax } from '../rules/reserve.js';
import { reservePartStates, type ReservePartState } from '../rules/reserve-part-state.js';

/** Of either kind, the oldest: what is beyond shows when these are done. */
export const troublesShownMax = 200;

export class PartPath extends ProgrammePath {
  @Matches(paperIdForm)
  allocationId!: string;

  /** From 1, in the order of the allocation. */
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(allocationPartsMax)
  part!: number;
}

export class ArrivalPath extends ProgrammePath {
  @IsUUID()
  arrival!: string;
}

/** What this service has written down of the part. */
export class PartHereView {
  @IsIn([...reservePartStates])
  state!: ReservePartState;

  /** What the ledger is, or was last, asked to do with the hold. */
  @IsOptional()
  @IsIn(['capture', 'release'])
  step?: 'capture' | 'release';

  @IsUUID()
  hold!: string;

  /** Of the ledger's last posting for the part, or of the one that it is asked for now. */
  @IsOptional()
  @IsString()
  reference?: string;

  /** How often an operator had it asked again. */
  @IsInt()
  askedAgain!: number;

  @IsInstant()
  since!: string;

  /** Why the target did not take the points: they are to be released. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

/** A part with both sides: what was written down here, and what the ledger answered. */
export class PartTroubleView {
  @IsString()
  allocationId!: string;

  @IsInt()
  part!: number;

  @IsUUID()
  holder!: string;

  /** The target. */
  @IsProgramme()
  programme!: string;

  @IsPoints()
  points!: number;

  @IsNested(() => PartHereView)
  exchange!: PartHereView;

  /** What it refused with last; absent where it did not say so yet. */
  @IsOptional()
  @IsNested(() => RefusalView)
  ledger?: RefusalView;
}

/** Points that fell due and that the base programme refused. */
export class RefusedArrivalView {
  @IsUUID()
  arrival!: string;

  @IsUUID()
  holder!: string;

  @IsString()
  partner!: string;

  @IsString()
  orderId!: string;

  @IsInt()
  remaining!: number;

  /** Since the base programme was named or an operator asked. */
  @IsInt()
  refusals!: number;

  @IsInstant()
  refusedAt!: string;

  /** Absent: the tries are used up. */
  @IsOptional()
  @IsInstant()
  nextTryAt?: string;

  /** The base programme as it was tried last, and what it said. */
  @IsProgramme()
  programme!: string;

  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

export class ReserveTroublesView {
  @IsListOf(() => PartTroubleView, troublesShownMax)
  parts!: readonly PartTroubleView[];

  @IsListOf(() => RefusedArrivalView, troublesShownMax)
  arrivals!: readonly RefusedArrivalView[];
}
