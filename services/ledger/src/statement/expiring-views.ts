import { IsDay, IsInstant, IsListOf, pageLinesMax, PageQuery } from '@points/http';
import { IsInt, IsString, IsUUID, Max, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from './next-view.js';

export class ExpiringQuery extends PageQuery {
  @IsInt()
  @Min(0)
  @Max(3_660)
  @JSONSchema({ description: 'days from today: lots whose last day is today + within or earlier' })
  within!: number;
}

export class ExpiringLotView {
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
  expiresAt!: string;

  @IsDay()
  @JSONSchema({ description: 'the last day on which it can be used' })
  lastDay!: string;

  @IsInt()
  remaining!: number;

  @IsInt()
  @JSONSchema({ description: 'reserved by a hold: it does not expire while it is held' })
  held!: number;

  @IsInt()
  available!: number;
}

export class ExpiringView extends NextView {
  @IsDay()
  through!: string;

  @IsListOf(() => ExpiringLotView, pageLinesMax.csv)
  lines!: readonly ExpiringLotView[];
}
