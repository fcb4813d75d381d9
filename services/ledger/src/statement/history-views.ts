import { IsDay, IsInstant, IsListOf, OrNull, pageLinesMax, PageQuery } from '@points/http';
import { IsInt, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from './next-view.js';

export class HistoryQuery extends PageQuery {
  @IsOptional()
  @Matches(/^[a-z-]{1,30}(,[a-z-]{1,30}){0,19}$/)
  @JSONSchema({ description: 'kinds, with commas between them' })
  kind?: string;

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'effective on this day or later' })
  from?: string;

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'effective on this day or earlier' })
  to?: string;

  @IsOptional()
  @IsString()
  @MaxLength(150)
  @JSONSchema({ description: 'lines that touch a lot of this source' })
  source?: string;

  @IsOptional()
  @IsString()
  @MaxLength(200)
  @JSONSchema({ description: 'the account on the other side, such as merchant:<shop>' })
  counter?: string;

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'without what was recorded later' })
  knownAt?: string;
}

export class AccountHistoryQuery extends PageQuery {
  @IsOptional()
  @IsDay()
  from?: string;

  @IsOptional()
  @IsDay()
  to?: string;
}

export class LotChangeView {
  @IsUUID()
  lot!: string;

  @IsInt()
  amount!: number;

  @IsString()
  source!: string;

  @IsString()
  funding!: string;

  @IsInstant()
  @OrNull()
  expiresAt!: string | null;
}

export class LotEndView {
  @IsUUID()
  lot!: string;

  @IsInt()
  @JSONSchema({ description: 'what it had left' })
  points!: number;

  @IsInstant()
  from!: string;

  @IsInstant()
  to!: string;
}

export class HistoryLineView {
  @IsUUID()
  posting!: string;

  @IsString()
  kind!: string;

  @IsInt()
  @JSONSchema({ description: 'change of the posted balance; 0 for a hold and its release' })
  change!: number;

  @IsInt()
  amount!: number;

  @IsString()
  @OrNull()
  counter!: string | null;

  @IsInstant()
  effectiveAt!: string;

  @IsInstant()
  recordedAt!: string;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @OrNull()
  reason!: string | null;

  @IsUUID()
  @OrNull()
  hold!: string | null;

  @IsUUID()
  @OrNull()
  of!: string | null;

  @IsListOf(() => LotChangeView, 10_000)
  lots!: readonly LotChangeView[];

  @IsListOf(() => LotChangeView, 10_000)
  @JSONSchema({ description: 'what a hold keeps free in lots' })
  reserved!: readonly LotChangeView[];

  @IsListOf(() => LotEndView, 10_000)
  @JSONSchema({ description: 'ends of lots that staff have moved' })
  extended!: readonly LotEndView[];
}

export class HistoryView extends NextView {
  @IsListOf(() => HistoryLineView, pageLinesMax.csv)
  lines!: readonly HistoryLineView[];
}

export class AccountLineView {
  @IsUUID()
  posting!: string;

  @IsString()
  kind!: string;

  @IsInt()
  change!: number;

  @IsUUID()
  holder!: string;

  @IsInstant()
  effectiveAt!: string;

  @IsInstant()
  recordedAt!: string;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @OrNull()
  reason!: string | null;
}

export class AccountHistoryView extends NextView {
  @IsListOf(() => AccountLineView, pageLinesMax.csv)
  lines!: readonly AccountLineView[];
}
