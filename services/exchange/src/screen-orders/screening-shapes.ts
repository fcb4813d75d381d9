import { IsCount, IsInstant, IsListOf, IsMyKeyId, IsPoints, ProgrammePath } from '@points/http';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { idForm } from '../ids.js';
import {
  screeningActions,
  screeningMeasures,
  screeningSubjects,
  type ScreeningAction,
  type ScreeningMeasure,
  type ScreeningSubject,
} from '../rules/screening.js';

export const rulesMax = 50;
export const reviewsPageMax = 200;
export const stopsListedMax = 1_000;
export const trialFlaggedMax = 100;
/** "Over last month", and a few days more. */
export const trialDaysMax = 40;
/** A week; longer patterns are caps. */
const windowMinutesMax = 10_080;
const partnersMax = 50;

export class ScreeningRulePath extends ProgrammePath {
  @Matches(idForm)
  rule!: string;
}

export class ScreeningRuleShape {
  @IsIn([...screeningMeasures])
  measure!: ScreeningMeasure;

  @IsIn([...screeningSubjects])
  by!: ScreeningSubject;

  /** The window ends with the order. */
  @IsInt()
  @Min(1)
  @Max(windowMinutesMax)
  windowMinutes!: number;

  /** Broken by more than this, the order itself included. */
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  limit!: number;

  @IsIn([...screeningActions])
  action!: ScreeningAction;

  /** Absent or empty: every partner. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(partnersMax)
  @ArrayUnique()
  @Matches(idForm, { each: true })
  partners?: string[];
}

export class PutScreeningRule extends ScreeningRuleShape {
  /** True when absent. */
  @IsOptional()
  @IsBoolean()
  isActive?: boolean;
}

export class ScreeningRuleView extends ScreeningRuleShape {
  @IsString()
  rule!: string;

  @IsInt()
  @Min(1)
  version!: number;

  @IsArray()
  @IsString({ each: true })
  declare partners: string[];

  @IsBoolean()
  isActive!: boolean;

  @IsString()
  madeBy!: string;

  @IsInstant()
  madeAt!: string;
}

export class ScreeningRulesView {
  @IsListOf(() => ScreeningRuleView, rulesMax)
  rules!: ScreeningRuleView[];
}

export class TriedRule extends ScreeningRuleShape {
  @Matches(idForm)
  rule!: string;
}

export class TryScreening {
  @IsListOf(() => TriedRule, rulesMax)
  @ArrayMinSize(1)
  rules!: TriedRule[];

  @IsInstant()
  from!: string;

  /** The first instant that no longer counts. */
  @IsInstant()
  to!: string;
}

export class FlaggedOrder {
  @IsString()
  partner!: string;

  @IsString()
  orderId!: string;

  @IsInstant()
  acceptedAt!: string;

  @IsCount()
  value!: number;
}

export class TrialOfRule {
  @IsString()
  rule!: string;

  /** Orders that it would have caught. */
  @IsCount()
  orders!: number;

  @IsCount()
  holders!: number;

  @IsCount()
  municipalPoints!: number;

  /** The first of them. */
  @IsListOf(() => FlaggedOrder, trialFlaggedMax)
  first!: FlaggedOrder[];
}

export class TrialView {
  /** Orders of the time, all together. */
  @IsCount()
  orders!: number;

  @IsListOf(() => TrialOfRule, rulesMax)
  rules!: TrialOfRule[];
}

export class HitView {
  @IsString()
  rule!: string;

  @IsIn([...screeningActions])
  action!: ScreeningAction;

  @IsIn([...screeningMeasures])
  measure!: ScreeningMeasure;

  @IsIn([...screeningSubjects])
  by!: ScreeningSubject;

  @IsInt()
  value!: number;

  @IsInt()
  limit!: number;
}

export class ReviewView {
  /** Name it in the decision. */
  @IsUUID()
  order!: string;

  @IsString()
  partner!: string;

  @IsString()
  orderId!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsUUID()
  holder!: string;

  @IsPoints()
  partnerPoints!: number;

  @IsPoints()
  municipalPoints!: number;

  @IsInstant()
  acceptedAt!: string;

  @IsListOf(() => HitView, rulesMax)
  hits!: HitView[];
}

export class ReviewsView {
  @IsListOf(() => ReviewView, reviewsPageMax)
  reviews!: ReviewView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsUUID()
  next?: string;
}

export class ReviewsQuery {
  @IsOptional()
  @IsUUID()
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(reviewsPageMax)
  limit?: number;
}

export class ReviewPath extends ProgrammePath {
  @IsUUID()
  order!: string;
}

export class DecideReview {
  @IsIn(['approve', 'refuse'])
  decision!: 'approve' | 'refuse';

  @IsString()
  @Length(1, 300)
  reason!: string;
}

export class StoppedPartnerPath extends ProgrammePath {
  @Matches(idForm)
  partner!: string;
}

export class StoppedHolderPath extends ProgrammePath {
  @IsUUID()
  holder!: string;
}

export class TurnStop {
  @IsBoolean()
  stopped!: boolean;

  @IsString()
  @Length(1, 300)
  reason!: string;
}

export class StopView {
  /** `partner:<id>` or `holder:<uuid>`. */
  @IsString()
  subject!: string;

  @IsBoolean()
  stopped!: boolean;

  @IsString()
  reason!: string;

  @IsString()
  actor!: string;

  @IsInstant()
  turnedAt!: string;
}

export class StopsView {
  /** What is stopped now. */
  @IsListOf(() => StopView, stopsListedMax)
  stops!: StopView[];
}
