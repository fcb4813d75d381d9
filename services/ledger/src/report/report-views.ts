import { FormatQuery, IsDay, IsInstant, PageQuery, pageLinesMax, ProgrammePath } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from '../statement/statement-views.js';
import { ageBuckets } from './book-lines.js';
import { totalNames, type Total } from './totals.js';

const nullableText = (schema: object) => ({ ...schema, type: ['string', 'null'] }) as never;
const listOf = (names: string) => new RegExp(`^(${names})(,(${names}))*$`);
const month = /^[0-9]{4}-(0[1-9]|1[0-2])$/;

/** Rows of one report: sources, months and ages multiplied. */
const rowsMax = 100_000;

class KnownQuery extends FormatQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'as the books were known at this instant, without what was recorded later' })
  knownAt?: string;
}

export class MovementsQuery extends KnownQuery {
  @IsDay()
  @JSONSchema({ description: 'first day, in Tokyo' })
  from!: string;

  @IsDay()
  @JSONSchema({ description: 'last day, in Tokyo' })
  to!: string;

  @IsOptional()
  @Matches(listOf('month|source|funding|age|cohort'))
  @JSONSchema({
    description:
      'what rows are kept apart by, with commas between: month, source, funding, age (days since the grant), cohort (month of the grant)',
  })
  by?: string;
}

export class OutstandingQuery extends KnownQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'what was there when this instant came; now unless told' })
  at?: string;

  @IsOptional()
  @Matches(listOf('source|funding|age|ending|cohort'))
  @JSONSchema({
    description:
      'what rows are kept apart by, with commas between: source, funding, age (days since the grant), ending (month of the last day), cohort (month of the grant)',
  })
  by?: string;
}

export class AtQuery extends KnownQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'what counts before this instant; now unless told' })
  at?: string;
}

export class KnownAtQuery extends KnownQuery {}

/** Which figure of which row: the labels of the row as the report gave them. */
class LinesQuery extends PageQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'the same as the report was asked with; it keeps the lines still while they are paged' })
  knownAt?: string;

  @IsOptional()
  @IsString()
  @MaxLength(150)
  source?: string;

  @IsOptional()
  @IsIn(['paid', 'free'])
  funding?: string;
}

class TotalLinesQuery extends LinesQuery {
  @IsIn(totalNames)
  @JSONSchema({ description: 'the figure whose lines are wanted; redeemed and lapsed are those of a base date' })
  total!: Total;

  @IsOptional()
  @IsIn(ageBuckets)
  age?: string;

  @IsOptional()
  @Matches(month)
  @JSONSchema({ description: 'month of the grant' })
  cohort?: string;
}

export class MovementLinesQuery extends TotalLinesQuery {
  @IsDay()
  from!: string;

  @IsDay()
  to!: string;

  @IsOptional()
  @Matches(month)
  month?: string;
}

export class PeriodLinesQuery extends TotalLinesQuery {
  @IsOptional()
  @Matches(month)
  month?: string;
}

export class BreakageLinesQuery extends TotalLinesQuery {
  @IsOptional()
  @IsInstant()
  at?: string;
}

export class OutstandingLinesQuery extends LinesQuery {
  @IsOptional()
  @IsInstant()
  at?: string;

  @IsOptional()
  @IsIn(ageBuckets)
  age?: string;

  @IsOptional()
  @Matches(/^([0-9]{4}-(0[1-9]|1[0-2])|never)$/)
  ending?: string;

  @IsOptional()
  @Matches(month)
  cohort?: string;
}

export class BaseDatePath extends ProgrammePath {
  @Matches(/^[0-9]{4}-(03-31|09-30)$/)
  @JSONSchema({ description: '31 March or 30 September' })
  day!: string;
}

export class YearPath extends ProgrammePath {
  @IsInt()
  @Min(1_900)
  @Max(9_998)
  @JSONSchema({ description: 'fiscal year (年度): 2017 is 1 April 2017 to 31 March 2018' })
  year!: number;
}

export class ChangeClose {
  @IsBoolean()
  closed!: boolean;

  @IsString()
  @MinLength(1)
  @MaxLength(500)
  reason!: string;
}

class MovementFigures {
  @IsInt()
  issued!: number;

  @IsInt()
  used!: number;

  @IsInt()
  converted!: number;

  @IsInt()
  donated!: number;

  @IsInt()
  refunded!: number;

  @IsInt()
  expired!: number;

  @IsInt()
  @JSONSchema({ description: 'came back after their time and fell to the municipality' })
  reverted!: number;

  @IsInt()
  @JSONSchema({ description: 'grants that were reversed' })
  takenBack!: number;

  @IsInt()
  @JSONSchema({ description: 'corrections by staff, either way' })
  adjusted!: number;

  @IsInt()
  @JSONSchema({ description: 'between holders and between lots: 0 over the whole programme' })
  moved!: number;

  @IsInt()
  @JSONSchema({ description: 'every other kind of movement' })
  other!: number;

  @IsInt()
  lines!: number;
}

export class MovementRowView extends MovementFigures {
  @IsOptional()
  @IsString()
  month?: string;

  @IsOptional()
  @IsString()
  source?: string;

  @IsOptional()
  @IsString()
  funding?: string;

  @IsOptional()
  @IsString()
  age?: string;

  @IsOptional()
  @IsString()
  cohort?: string;

  @IsOptional()
  @IsInt()
  opening?: number;

  @IsOptional()
  @IsInt()
  closing?: number;
}

export class MovementsView {
  @IsInstant()
  from!: string;

  @IsInstant()
  @JSONSchema({ description: 'what counts before this instant: the end of the last day, or now' })
  until!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  knownAt!: string | null;

  @IsArray()
  @ArrayMaxSize(rowsMax)
  @ValidateNested({ each: true })
  @Type(() => MovementRowView)
  rows!: readonly MovementRowView[];

  @ValidateNested()
  @Type(() => MovementRowView)
  total!: MovementRowView;
}

export class ReportLineView {
  @IsUUID()
  @JSONSchema(
    (schema) =>
      ({
        ...schema,
        type: ['string', 'null'],
        description: 'null for the expiry of a lot that is over and has not been posted yet',
      }) as never,
  )
  posting!: string | null;

  @IsString()
  kind!: string;

  @IsInt()
  @JSONSchema({ description: 'as the figure counts it: the lines of a figure add up to it' })
  points!: number;

  @IsUUID()
  holder!: string;

  @IsString()
  @JSONSchema(nullableText)
  counter!: string | null;

  @IsUUID()
  lot!: string;

  @IsString()
  source!: string;

  @IsString()
  funding!: string;

  @IsInstant()
  grantedAt!: string;

  @IsInstant()
  effectiveAt!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  recordedAt!: string | null;

  @IsString()
  @JSONSchema(nullableText)
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @JSONSchema(nullableText)
  reason!: string | null;
}

export class ReportLinesView extends NextView {
  @IsString()
  total!: string;

  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => ReportLineView)
  lines!: readonly ReportLineView[];
}

export class OutstandingRowView {
  @IsOptional()
  @IsString()
  source?: string;

  @IsOptional()
  @IsString()
  funding?: string;

  @IsOptional()
  @IsString()
  age?: string;

  @IsOptional()
  @IsString()
  ending?: string;

  @IsOptional()
  @IsString()
  cohort?: string;

  @IsInt()
  @JSONSchema({ description: 'what the municipality owes, points on hold with it' })
  points!: number;

  @IsInt()
  lots!: number;

  @IsInt()
  holders!: number;
}

export class OutstandingView {
  @IsInstant()
  at!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  knownAt!: string | null;

  @IsArray()
  @ArrayMaxSize(rowsMax)
  @ValidateNested({ each: true })
  @Type(() => OutstandingRowView)
  rows!: readonly OutstandingRowView[];

  @ValidateNested()
  @Type(() => OutstandingRowView)
  total!: OutstandingRowView;
}

export class OutstandingLotView {
  @IsUUID()
  holder!: string;

  @IsUUID()
  lot!: string;

  @IsString()
  source!: string;

  @IsString()
  funding!: string;

  @IsInstant()
  grantedAt!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  expiresAt!: string | null;

  @IsInt()
  points!: number;
}

export class OutstandingLotsView extends NextView {
  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => OutstandingLotView)
  lines!: readonly OutstandingLotView[];
}

export class BreakageRowView extends MovementRowView {
  @IsInt()
  @JSONSchema(
    (schema) =>
      ({
        ...schema,
        type: ['integer', 'null'],
        description: 'lapsed per 10,000 granted, rounded down; null where nothing was granted',
      }) as never,
  )
  breakageBasisPoints!: number | null;
}

export class BreakageView {
  @IsInstant()
  at!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  knownAt!: string | null;

  @IsArray()
  @ArrayMaxSize(rowsMax)
  @ValidateNested({ each: true })
  @Type(() => BreakageRowView)
  rows!: readonly BreakageRowView[];

  @ValidateNested()
  @Type(() => BreakageRowView)
  total!: BreakageRowView;
}

export class BaseDateRowView {
  @IsString()
  funding!: string;

  @IsInt()
  previous!: number;

  @IsInt()
  issued!: number;

  @IsInt()
  @JSONSchema({ description: 'used, converted and donated, less refunded' })
  redeemed!: number;

  @IsInt()
  @JSONSchema({ description: 'of redeemed: what was taken back' })
  refunded!: number;

  @IsInt()
  lapsed!: number;

  @IsInt()
  takenBack!: number;

  @IsInt()
  adjusted!: number;

  @IsInt()
  moved!: number;

  @IsInt()
  other!: number;

  @IsInt()
  @JSONSchema({ description: 'previous + issued − redeemed − lapsed − takenBack + adjusted + moved + other' })
  balance!: number;
}

export class BaseDateView {
  @IsDay()
  day!: string;

  @IsDay()
  previousDay!: string;

  @IsDay()
  @JSONSchema({ description: 'two months after the base date' })
  reportDue!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  knownAt!: string | null;

  @IsArray()
  @ArrayMaxSize(2)
  @ValidateNested({ each: true })
  @Type(() => BaseDateRowView)
  rows!: readonly BaseDateRowView[];

  @ValidateNested()
  @Type(() => BaseDateRowView)
  total!: BaseDateRowView;

  @IsInt()
  @JSONSchema({
    description: 'paid points above this have to be reported by a private issuer; a local public body is exempt (資金決済法 4条)',
  })
  threshold!: number;

  @IsBoolean()
  isPaidBalanceAboveThreshold!: boolean;
}

export class RecordedView {
  @IsInt()
  inYear!: number;

  @IsInt()
  @JSONSchema({ description: 'recorded from 1 April to 31 May after the year (出納整理期間)' })
  untilMay!: number;

  @IsInt()
  later!: number;

  @IsInt()
  @JSONSchema({ description: 'expiries of lots that are over and have not been posted yet' })
  notYetPosted!: number;
}

export class CloseChangeView {
  @IsInt()
  change!: number;

  @IsBoolean()
  closed!: boolean;

  @IsInstant()
  @JSONSchema({ description: 'nothing recorded from here on takes effect in a closed year' })
  holdsFrom!: string;

  @IsInstant()
  changedAt!: string;

  @IsString()
  actor!: string;

  @IsString()
  reason!: string;
}

export class YearCloseView {
  @IsInt()
  year!: number;

  @IsIn(['running', 'settling', 'due', 'closed'])
  state!: string;

  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => CloseChangeView)
  closes!: readonly CloseChangeView[];
}

export class YearReportView extends YearCloseView {
  @IsDay()
  firstDay!: string;

  @IsDay()
  lastDay!: string;

  @IsInstant()
  bookedUntil!: string;

  @IsInstant()
  @JSONSchema(nullableText)
  knownAt!: string | null;

  @IsInstant()
  until!: string;

  @IsArray()
  @ArrayMaxSize(rowsMax)
  @ValidateNested({ each: true })
  @Type(() => MovementRowView)
  rows!: readonly MovementRowView[];

  @ValidateNested()
  @Type(() => MovementRowView)
  total!: MovementRowView;

  @ValidateNested()
  @Type(() => RecordedView)
  recorded!: RecordedView;
}
