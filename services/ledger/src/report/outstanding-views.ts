import { IsInstant, pageLinesMax } from '@points/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, IsUUID, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from '../statement/next-view.js';
import { nullableText, rowsMax } from './movement-views.js';

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
