import { IsDay, IsInstant, PageQuery, pageLinesMax, ProgrammePath } from '@points/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

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

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'as the books told it at this instant, without what was recorded later' })
  knownAt?: string;
}

export class AccountPath extends ProgrammePath {
  @Matches(/^[a-z]+(:.{1,150})?$/)
  @JSONSchema({ description: 'merchant:…, scheme:…, fund:…, facility:…, product:…, issued:<source>, expired, municipality' })
  account!: string;
}

export class AccountBalanceView {
  @IsString()
  account!: string;

  @IsInstant()
  at!: string;

  @IsInt()
  @JSONSchema({ description: 'the sum of its entries; below zero for issued:…' })
  balance!: number;

  @IsInt()
  entries!: number;
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

export class UsableAtView {
  @IsString()
  place!: string;

  @IsInt()
  @JSONSchema({ description: 'in all, with those that can be used anywhere' })
  available!: number;
}

export class UsableView {
  @IsInt()
  @JSONSchema({ description: 'at every place' })
  anywhere!: number;

  @IsArray()
  @ArrayMaxSize(10_000)
  @ValidateNested({ each: true })
  @Type(() => UsableAtView)
  at!: readonly UsableAtView[];
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

  @ValidateNested()
  @Type(() => UsableView)
  @JSONSchema({ description: 'which of the available points can be used where' })
  usable!: UsableView;
}

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

export class ExpiringQuery extends PageQuery {
  @IsInt()
  @Min(0)
  @Max(3_660)
  @JSONSchema({ description: 'days from today: lots whose last day is today + within or earlier' })
  within!: number;
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
  @JSONSchema(nullable)
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

  @IsArray()
  @ArrayMaxSize(10_000)
  @ValidateNested({ each: true })
  @Type(() => LotChangeView)
  @JSONSchema({ description: 'what a hold keeps free in lots' })
  reserved!: readonly LotChangeView[];

  @IsArray()
  @ArrayMaxSize(10_000)
  @ValidateNested({ each: true })
  @Type(() => LotEndView)
  @JSONSchema({ description: 'ends of lots that staff have moved' })
  extended!: readonly LotEndView[];
}

export class NextView {
  @IsString()
  @JSONSchema(
    (schema) =>
      ({ ...schema, type: ['string', 'null'], description: 'send it as `after` for the next page; null after the last' }) as never,
  )
  next!: string | null;
}

export class HistoryView extends NextView {
  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => HistoryLineView)
  lines!: readonly HistoryLineView[];
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

  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => ExpiringLotView)
  lines!: readonly ExpiringLotView[];
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
  @JSONSchema(nullable)
  reference!: string | null;

  @IsString()
  actor!: string;

  @IsString()
  @JSONSchema(nullable)
  reason!: string | null;
}

export class AccountHistoryView extends NextView {
  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => AccountLineView)
  lines!: readonly AccountLineView[];
}
