import { IsCount, IsInstant, IsListOf, IsNested, PageQuery } from '@points/http';
import { Type } from 'class-transformer';
import {
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
  NotEquals,
  ValidateNested,
} from 'class-validator';
import { paperIdForm, PartnerPath } from '../ids.js';
import { feePers, figureNames, lineKinds, type FeePer, type FigureName, type LineKind } from '../rules/account.js';
import { bearers, type Bearer } from '../rules/campaign.js';
import { taxCategories, type TaxCategory } from '../rules/tax.js';
import { Rate } from '../set-up-partners/terms-shapes.js';

/** A trillion yen: more than any month of any municipality, and far from what a sum of them could overflow. */
const yenMax = 1_000_000_000_000;
/** Versions of terms and their fees in one month. */
const rowsMax = 1_000;

export class StatementPath extends PartnerPath {
  /** Of the calendar in Tokyo. */
  @Matches(/^\d{4}-(0[1-9]|1[0-2])$/)
  month!: string;
}

export class ExactView {
  @IsInt()
  whole!: number;

  /** rest / over of a yen are added to the whole ones. */
  @IsCount()
  rest!: number;

  @IsInt()
  @Min(1)
  over!: number;
}

export class RestView {
  /** rest / over points. */
  @IsInt()
  rest!: number;

  @IsInt()
  @Min(1)
  over!: number;
}

/** Each line of the statement belongs to one figure: `lines?figure=` shows them. Reversals are negative. */
export class FigureView {
  @IsIn([...figureNames])
  figure!: FigureName;

  @IsCount()
  lines!: number;

  @IsInt()
  partnerPoints!: number;

  @IsInt()
  municipalPoints!: number;

  /** Of corrections. */
  @IsInt()
  yen!: number;
}

export class VersionAccountView {
  @IsInt()
  version!: number;

  @IsNested(() => Rate)
  rate!: Rate;

  @IsNested(() => Rate)
  yenPerPoint!: Rate;

  @IsIn([...taxCategories])
  pointsTaxCategory!: TaxCategory;

  /** Taken by the partner, less given back. */
  @IsInt()
  partnerPoints!: number;

  /** Issued for them, less taken back: partnerPoints × rate = exchangedPoints + rest. */
  @IsInt()
  exchangedPoints!: number;

  @IsNested(() => RestView)
  rest!: RestView;

  /** Bonuses that the partner bears, less taken back. */
  @IsInt()
  bonusPoints!: number;

  @IsNested(() => ExactView)
  due!: ExactView;

  /** Rounded once, as the issuer of invoices rounds. */
  @IsInt()
  dueYen!: number;
}

export class FeeAccountView {
  @IsInt()
  version!: number;

  @IsString()
  name!: string;

  @IsIn([...feePers])
  per!: FeePer;

  @IsNested(() => Rate)
  yen!: Rate;

  @IsIn([...taxCategories])
  taxCategory!: TaxCategory;

  @IsInt()
  quantity!: number;

  @IsNested(() => ExactView)
  due!: ExactView;

  @IsInt()
  dueYen!: number;
}

export class NetView {
  /** For points: exchanged, and bonuses that the partner bears. */
  @IsInt()
  pointsYen!: number;

  @IsInt()
  correctionsYen!: number;

  /** Without tax; the invoice has it. */
  @IsInt()
  feesYen!: number;

  /** What the partner owes the municipality; negative: what the municipality owes the partner. */
  @IsInt()
  totalYen!: number;
}

export class AccountView {
  @IsListOf(() => FigureView, figureNames.length)
  figures!: readonly FigureView[];

  @IsListOf(() => VersionAccountView, rowsMax)
  versions!: readonly VersionAccountView[];

  @IsListOf(() => FeeAccountView, rowsMax)
  fees!: readonly FeeAccountView[];

  @IsNested(() => NetView)
  net!: NetView;
}

export const statementStates = ['open', 'closed', 'passed'] as const;
/** passed: it had no lines when a later month was closed; what belongs to it falls to the next open one. */
export type StatementState = (typeof statementStates)[number];

export class StatementView extends AccountView {
  @IsString()
  programme!: string;

  @IsString()
  partner!: string;

  @IsString()
  month!: string;

  @IsIn([...statementStates])
  state!: StatementState;

  @IsOptional()
  @IsInstant()
  closedAt?: string;

  @IsOptional()
  @IsString()
  closedBy?: string;

  @IsOptional()
  @IsString()
  reason?: string;
}

export class CloseStatement {
  /** Why now, or who agreed. */
  @IsString()
  @Length(1, 300)
  reason!: string;
}

export class LinesQuery extends PageQuery {
  @IsOptional()
  @IsIn([...figureNames])
  figure?: FigureName;

  /** Only lines that were recorded after the statement of their own month was closed. */
  @IsOptional()
  @IsBoolean()
  late?: boolean;
}

export class LineView {
  /** Of the order or reversal; a line is named by it and its kind. */
  @IsUUID()
  id!: string;

  @IsIn([...lineKinds])
  kind!: LineKind;

  @IsOptional()
  @IsString()
  orderId?: string;

  @IsInstant()
  happenedAt!: string;

  @IsInt()
  partnerPoints!: number;

  @IsInt()
  municipalPoints!: number;

  /** Over the denominator of the rate of `version`. */
  @IsInt()
  rest!: number;

  @IsOptional()
  @IsInt()
  version?: number;

  @IsOptional()
  @IsIn([...bearers])
  borneBy?: Bearer;

  /** The campaign of a bonus, the reason of a reversal, the cause of a correction. */
  @IsOptional()
  @IsString()
  cause?: string;

  /** Of a correction. */
  @IsInt()
  yen!: number;

  /** Of a reversal: what was used already and is a debt of the holder. */
  @IsOptional()
  @IsInt()
  owed?: number;

  /** The month to which it would have belonged: its statement was closed before the line was recorded. */
  @IsOptional()
  @IsString()
  lateOf?: string;
}

export class LinesView {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => LineView)
  lines!: LineView[];

  @IsOptional()
  @IsString()
  next?: string;
}

export class MakeCorrection {
  /** More that the partner owes; negative: less. Whole yen, without tax (不課税). */
  @IsInt()
  @Min(-yenMax)
  @Max(yenMax)
  @NotEquals(0)
  yen!: number;

  /** What was wrong, and where it is agreed; without personal data. */
  @IsString()
  @Length(1, 300)
  cause!: string;

  /** The order that it is about. */
  @IsOptional()
  @Matches(paperIdForm)
  orderId?: string;
}

export class CorrectionView extends MakeCorrection {
  @IsUUID()
  correction!: string;

  @IsString()
  madeBy!: string;

  @IsInstant()
  madeAt!: string;
}
