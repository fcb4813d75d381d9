import { IsListOf, IsProgramme, MunicipalityPath } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { shopProgrammesMax, shopTagsMax } from '../rules/limits.js';

/** It becomes part of the account `merchant:<shop>` and of the tag `shop:<shop>` in the ledger. */
export const shopIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const tagForm = /^[a-z]+:[^\s]{1,100}$/;
const nameCharsMax = 200;
/** One request of some 100 kB and one statement of some 20 ms. */
export const shopsBulkMax = 500;
export const pageRowsMax = 500;

export class GroupPath extends MunicipalityPath {
  @Matches(shopIdForm)
  group!: string;
}

export class ShopPath extends MunicipalityPath {
  @Matches(shopIdForm)
  shop!: string;
}

export class PutGroup {
  @IsString()
  @MinLength(1)
  @MaxLength(nameCharsMax)
  name!: string;
}

export class PutShop {
  @IsString()
  @MinLength(1)
  @MaxLength(nameCharsMax)
  name!: string;

  /** 商店街 the shop belongs to. */
  @IsOptional()
  @Matches(shopIdForm)
  group?: string;

  /** Whose points the shop takes. */
  @IsArray()
  @ArrayMaxSize(shopProgrammesMax)
  @ArrayUnique()
  @IsProgramme({ each: true })
  programmes!: string[];

  @IsIn(['active', 'suspended'])
  status!: 'active' | 'suspended';

  /** Further tags by which lots may be usable here, such as `facility:<id>`. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(shopTagsMax)
  @ArrayUnique()
  @Matches(tagForm, { each: true })
  tags?: string[];
}

export class BulkShop extends PutShop {
  @Matches(shopIdForm)
  shop!: string;
}

export class PutShops {
  @IsListOf(() => BulkShop, shopsBulkMax)
  @ArrayMinSize(1)
  shops!: BulkShop[];
}

export class GroupView {
  @IsString()
  group!: string;

  @IsString()
  name!: string;
}

export class ShopView extends BulkShop {}

export class PutShopsView {
  @IsInt()
  shops!: number;
}

export class PageQuery {
  /** `next` of the page before; absent to begin. */
  @IsOptional()
  @Matches(shopIdForm)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(pageRowsMax)
  limit?: number;
}

export class ShopsQuery extends PageQuery {
  /** Members of this group only. */
  @IsOptional()
  @Matches(shopIdForm)
  group?: string;
}

export class GroupPage {
  @ValidateNested({ each: true })
  @Type(() => GroupView)
  groups!: GroupView[];

  @IsOptional()
  @IsString()
  next?: string;
}

export class ShopPage {
  @ValidateNested({ each: true })
  @Type(() => ShopView)
  shops!: ShopView[];

  /** Send it as `after` for the next page; absent on the last. */
  @IsOptional()
  @IsString()
  next?: string;
}
