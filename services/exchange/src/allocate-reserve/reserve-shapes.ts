import { IsDay, IsInstant, IsListOf, IsMyKeyId, IsNested, IsPoints, IsProgramme, ProgrammePath } from '@points/http';
import { ArrayMinSize, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches } from 'class-validator';
import { paperIdForm } from '../ids.js';
import { RefusalView } from '../place-exchange-order/order-view.js';
import { allocationPartsMax, arrivalStates, type ArrivalState } from '../rules/reserve.js';
import { reservePartStates, type ReservePartState } from '../rules/reserve-part-state.js';

/** Arrivals with points and allocations of one answer: the newest are shown. */
export const arrivalsShownMax = 1_000;
export const allocationsShownMax = 100;

export class ReserveView {
  @IsProgramme()
  programme!: string;

  @IsInstant()
  openedAt!: string;
}

export class HolderQuery {
  @IsMyKeyId()
  myKeyId!: string;
}

export class BasePath extends ProgrammePath {
  @IsMyKeyId()
  myKeyId!: string;
}

export class NameBase {
  /** Where points go by themselves when nothing was chosen in time. */
  @IsProgramme()
  programme!: string;
}

export class BaseView {
  @IsProgramme()
  programme!: string;

  @IsInstant()
  namedAt!: string;
}

/** As `paperIdForm`, but for the ids that the job gives. */
const ownAllocationIdForm = new RegExp(`^(?!auto-)${paperIdForm.source.slice(1)}`, 'u');

export class AllocationPartBody {
  @IsProgramme()
  programme!: string;

  @IsPoints()
  points!: number;
}

export class AllocateReserve {
  /** The caller's own id: the same id with the same content is the same allocation. `auto-` begins those of the 15th day. */
  @Matches(ownAllocationIdForm)
  allocationId!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsListOf(() => AllocationPartBody, allocationPartsMax)
  @ArrayMinSize(1)
  parts!: AllocationPartBody[];
}

export class AllocationPath extends ProgrammePath {
  @Matches(paperIdForm)
  allocationId!: string;
}

export class ReservePartView extends AllocationPartBody {
  @IsIn([...reservePartStates])
  state!: ReservePartState;

  /** Why the points are back in the reserve, as the ledger said it. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;
}

export class AllocationView {
  @IsString()
  allocationId!: string;

  /** True where nothing was chosen in time and the points went to the base programme. */
  @IsBoolean()
  automatic!: boolean;

  @IsInstant()
  requestedAt!: string;

  @IsListOf(() => ReservePartView, allocationPartsMax)
  parts!: readonly ReservePartView[];
}

export class ArrivalView {
  @IsString()
  partner!: string;

  @IsString()
  orderId!: string;

  @IsInstant()
  arrivedAt!: string;

  @IsPoints()
  points!: number;

  /** Not given to a municipality yet. */
  @IsInt()
  remaining!: number;

  /** Last day of the choice, in Tokyo. */
  @IsDay()
  lastDay!: string;

  @IsIn([...arrivalStates])
  state!: ArrivalState;
}

/** What a holder has in the reserve, for the balance screen. */
export class HolderReserveView {
  /** In the reserve, not under way to a municipality. */
  @IsInt()
  waiting!: number;

  /** Of these: what may be given to a municipality now. */
  @IsInt()
  toChoose!: number;

  /** Held for a municipality that has not got them yet. */
  @IsInt()
  underWay!: number;

  @IsOptional()
  @IsNested(() => BaseView)
  base?: BaseView;

  @IsListOf(() => ArrivalView, arrivalsShownMax)
  arrivals!: readonly ArrivalView[];

  @IsListOf(() => AllocationView, allocationsShownMax)
  allocations!: readonly AllocationView[];
}
