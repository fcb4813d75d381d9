import { IsInstant, IsListOf, IsNested, OrNull, pageLinesMax } from '@points/http';
import { IsInt, IsOptional, IsString, IsUUID } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from '../statement/next-view.js';
import { rowsMax } from './movement-views.js';

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
  @OrNull()
  knownAt!: string | null;

  @IsListOf(() => OutstandingRowView, rowsMax)
  rows!: readonly OutstandingRowView[];

  @IsNested(() => OutstandingRowView)
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
  @OrNull()
  expiresAt!: string | null;

  @IsInt()
  points!: number;
}

export class OutstandingLotsView extends NextView {
  @IsListOf(() => OutstandingLotView, pageLinesMax.csv)
  lines!: readonly OutstandingLotView[];
}
