import { IsInstant, ProgrammePath } from '@points/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { historyPageMax } from './history.js';

const nullable = (schema: object) => ({ ...schema, type: ['string', 'null'] }) as never;

export class HolderPath extends ProgrammePath {
  @IsUUID()
  holder!: string;
}

export class BalanceQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'the balance that held at this instant; now unless told' })
  at?: string;
}

export class LotView {
  @IsUUID()
  lot!: string;

  @IsString()
  source!: string;

  @IsString()
  funding!: string;

  @IsInstant()
  grantedAt!: string;

  @IsInstant()
  @JSONSchema(nullable)
  expiresAt!: string | null;

  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  usableAt!: readonly string[];

  @IsInt()
  remaining!: number;

  @IsInt()
  held!: number;

  @IsInt()
  available!: number;
}

export class BalanceView {
  @IsUUID()
  holder!: string;

  @IsInstant()
  at!: string;

  @IsInt()
  posted!: number;

  @IsInt()
  held!: number;

  @IsInt()
  available!: number;

  @IsArray()
  @ArrayMaxSize(10_000)
  @ValidateNested({ each: true })
  @Type(() => LotView)
  @JSONSchema({ description: 'living lots in the order in which they are drawn' })
  lots!: readonly LotView[];
}

export class HistoryQuery {
  @IsOptional()
  @IsString()
  @MaxLength(100)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(historyPageMax)
  limit?: number;
}

export class LotChangeView {
  @IsUUID()
  lot!: string;

  @IsInt()
  amount!: number;
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
  @JSONSchema(nullable)
  counter!: string | null;

  @IsInstant()
  effectiveAt!: string;

  @IsInstant()
  recordedAt!: string;

  @IsString()
  @JSONSchema(nullable)
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @JSONSchema(nullable)
  reason!: string | null;

  @IsUUID()
  @JSONSchema(nullable)
  hold!: string | null;

  @IsUUID()
  @JSONSchema(nullable)
  of!: string | null;

  @IsArray()
  @ArrayMaxSize(10_000)
  @ValidateNested({ each: true })
  @Type(() => LotChangeView)
  lots!: readonly LotChangeView[];
}

export class HistoryView {
  @IsArray()
  @ArrayMaxSize(historyPageMax)
  @ValidateNested({ each: true })
  @Type(() => HistoryLineView)
  lines!: readonly HistoryLineView[];

  @IsString()
  @JSONSchema(
    (schema) =>
      ({ ...schema, type: ['string', 'null'], description: 'send it as `after` for the next page; null after the last' }) as never,
  )
  next!: string | null;
}
