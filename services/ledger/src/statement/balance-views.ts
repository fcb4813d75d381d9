import { IsDay, IsInstant, IsListOf, IsNested, OrNull, ProgrammePath } from '@points/http';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, IsUUID, Matches } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

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
  @OrNull()
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

  @IsOptional()
  @IsDay()
  @JSONSchema({
    description:
      'in a reserve: the last day, in Tokyo, on which the holder may give these points to a municipality; from the next one on they go to the ' +
      'base programme, or wait for one that takes them',
  })
  lastChoiceDay?: string;
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

  @IsListOf(() => UsableAtView, 10_000)
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

  @IsListOf(() => LotView, 10_000)
  @JSONSchema({ description: 'living lots in the order in which they are drawn' })
  lots!: readonly LotView[];

  @IsNested(() => UsableView)
  @JSONSchema({ description: 'which of the available points can be used where' })
  usable!: UsableView;
}
