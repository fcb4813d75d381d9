import { IsInstant, IsListOf, IsNested, OrNull, pageLinesMax } from '@points/http';
import { IsInt, IsOptional, IsString, IsUUID } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from '../statement/next-view.js';

/** Rows of one report: sources, months and ages multiplied. */
export const rowsMax = 100_000;

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
  @OrNull()
  knownAt!: string | null;

  @IsListOf(() => MovementRowView, rowsMax)
  rows!: readonly MovementRowView[];

  @IsNested(() => MovementRowView)
  total!: MovementRowView;
}

export class ReportLineView {
  @IsUUID()
  @OrNull('null for the expiry of a lot that is over and has not been posted yet')
  posting!: string | null;

  @IsString()
  kind!: string;

  @IsInt()
  @JSONSchema({ description: 'as the figure counts it: the lines of a figure add up to it' })
  points!: number;

  @IsUUID()
  holder!: string;

  @IsString()
  @OrNull()
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
  @OrNull()
  recordedAt!: string | null;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @OrNull()
  reason!: string | null;
}

export class ReportLinesView extends NextView {
  @IsString()
  total!: string;

  @IsListOf(() => ReportLineView, pageLinesMax.csv)
  lines!: readonly ReportLineView[];
}

export class BreakageRowView extends MovementRowView {
  @IsInt()
  @OrNull('lapsed per 10,000 granted, rounded down; null where nothing was granted')
  breakageBasisPoints!: number | null;
}

export class BreakageView {
  @IsInstant()
  at!: string;

  @IsInstant()
  @OrNull()
  knownAt!: string | null;

  @IsListOf(() => BreakageRowView, rowsMax)
  rows!: readonly BreakageRowView[];

  @IsNested(() => BreakageRowView)
  total!: BreakageRowView;
}
