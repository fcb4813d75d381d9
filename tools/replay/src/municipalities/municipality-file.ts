import 'reflect-metadata';
import { isLocalDate, isMunicipalityCode, isProgrammeId } from '@points/kernel';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';

// The shape of data/municipalities/*.json; data/README.md explains it. The services check every value again: here is checked what
// makes a file readable, so that a slip of the pen is told with its place.

/** Far above the largest shopping street seen (63 shops). */
const listMax = 2_000;

/** Every entry may say where it comes from; what nobody has published is marked. */
class Entry {
  @IsOptional()
  @IsBoolean()
  synthetic?: boolean;

  @IsOptional()
  @IsString()
  source?: string;
}

class Named extends Entry {
  @Matches(/^\S{1,64}$/, { message: 'must be an id of 1 to 64 characters without spaces' })
  id!: string;

  @IsString({ message: 'must be text' })
  @Length(1, 100, { message: 'must have 1 to 100 characters' })
  name!: string;
}

export class MunicipalityEntry {
  @Checked(
    (value) => typeof value === 'string' && isMunicipalityCode(value),
    'must be the six digits of a municipality code, the last a check digit',
  )
  code!: string;

  @IsString({ message: 'must be text' })
  @Length(1, 100, { message: 'must have 1 to 100 characters' })
  name!: string;
}

export class ExpiryEntry {
  @IsIn(['days-after-grant', 'end-of-month', 'fiscal-year-end', 'fixed-day', 'months-after-last-use', 'none'], {
    message: 'must be one of $constraint1',
  })
  kind!: string;

  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  days?: number;

  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  months?: number;

  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  years?: number;

  @IsOptional()
  @IsDay()
  day?: string;
}

export class RulesEntry {
  @Part(() => ExpiryEntry)
  expiry!: ExpiryEntry;

  @IsArray({ message: 'must be a list' })
  @Matches(/^[a-z]+:\S{1,100}$/, { each: true, message: 'must be tags of the form kind:id' })
  usableAt!: string[];

  @IsOptional()
  @IsIn(['restore-and-expire', 'new-lot', 'to-municipality'], { message: 'must be one of $constraint1' })
  refundOfExpired?: string;
}

export class ProgrammeEntry extends Named {
  @IsDay()
  firstDay!: string;

  /** Absent while no end is planned. */
  @IsOptional()
  @IsDay()
  lastDay?: string;

  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  historyOpen?: boolean;

  /** Its points wait until their holder gives them to municipalities. */
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  reserve?: boolean;

  @Part(() => RulesEntry)
  rules!: RulesEntry;
}

export class RateEntry {
  @IsCount()
  numerator!: number;

  @IsCount()
  denominator!: number;
}

export class PartnerEntry extends Named {
  @IsProgramme()
  programme!: string;

  @Part(() => RateEntry)
  rate!: RateEntry;

  @IsCount()
  lotPartnerPoints!: number;
}

export class SchemeEntry extends Named {
  @IsProgramme()
  programme!: string;
}

export class ShopEntry extends Named {
  /** Whose points the shop takes. */
  @IsArray({ message: 'must be a list' })
  @IsProgramme(true)
  programmes!: string[];

  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @IsString({ each: true, message: 'must be texts' })
  tags?: string[];
}

export class GroupEntry extends Named {
  @Parts(() => ShopEntry)
  shops!: ShopEntry[];
}

export class FacilityEntry extends Named {
  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @IsString({ each: true, message: 'must be texts' })
  tags?: string[];
}

export class PriceEntry {
  @IsProgramme()
  programme!: string;

  @IsCount()
  points!: number;
}

export class ProductEntry extends Named {
  @IsIn(['mail-order', 'facility-ticket', 'goods'], { message: 'must be one of $constraint1' })
  kind!: string;

  @IsOptional()
  @IsString({ message: 'must be the id of a facility' })
  facility?: string;

  @Parts(() => PriceEntry)
  prices!: PriceEntry[];

  /** Null: without limit. */
  @ValidateIf((product: ProductEntry) => product.stock !== null)
  @IsInt({ message: 'must be a whole number, or null for no limit' })
  @Min(0, { message: 'must be 0 or more' })
  stock!: number | null;
}

export class FundEntry extends Named {
  @IsProgramme()
  programme!: string;
}

export class ActivityEntry extends Named {
  @IsProgramme()
  programme!: string;

  @IsCount()
  points!: number;
}

export class MunicipalityFile {
  @Part(() => MunicipalityEntry)
  municipality!: MunicipalityEntry;

  @IsOptional()
  @IsString()
  source?: string;

  @ArrayMinSize(1, { message: 'must hold one programme or more' })
  @Parts(() => ProgrammeEntry)
  programmes!: ProgrammeEntry[];

  @OptionalParts(() => PartnerEntry)
  partners?: PartnerEntry[];

  @OptionalParts(() => SchemeEntry)
  schemes?: SchemeEntry[];

  @OptionalParts(() => GroupEntry)
  groups?: GroupEntry[];

  /** Shops of no group. */
  @OptionalParts(() => ShopEntry)
  shops?: ShopEntry[];

  @OptionalParts(() => FacilityEntry)
  facilities?: FacilityEntry[];

  @OptionalParts(() => ProductEntry)
  products?: ProductEntry[];

  @OptionalParts(() => FundEntry)
  funds?: FundEntry[];

  @OptionalParts(() => ActivityEntry)
  activities?: ActivityEntry[];
}

function Part(type: () => new () => object): PropertyDecorator {
  return all(
    Checked((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object'),
    ValidateNested(),
    Type(type),
  );
}

function Parts(type: () => new () => object): PropertyDecorator {
  return all(
    IsArray({ message: 'must be a list' }),
    ArrayMaxSize(listMax, { message: `must hold at most ${listMax} entries` }),
    ValidateNested({ each: true, message: 'must hold objects' }),
    Type(type),
  );
}

function OptionalParts(type: () => new () => object): PropertyDecorator {
  return all(IsOptional(), Parts(type));
}

function IsDay(): PropertyDecorator {
  return Checked((value) => typeof value === 'string' && isLocalDate(value), 'must be a day of the calendar, such as 2018-02-28');
}

function IsProgramme(each = false): PropertyDecorator {
  return Checked(
    (value) => typeof value === 'string' && isProgrammeId(value),
    'must be a programme id: municipality code, hyphen, up to 40 of a–z, 0–9 and hyphen',
    each,
  );
}

function IsCount(): PropertyDecorator {
  return all(
    IsInt({ message: 'must be a whole number' }),
    Min(1, { message: 'must be 1 or more' }),
    Max(1_000_000_000, { message: 'must be at most 1,000,000,000' }),
  );
}

function Checked(accepts: (value: unknown) => boolean, message: string, each = false): PropertyDecorator {
  return ValidateBy({ name: 'checked', validator: { validate: accepts, defaultMessage: () => message } }, { each });
}

function all(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
