import { IsDay, IsListOf, IsNested, IsPoints } from '@points/http';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { feePers, type FeePer } from '../rules/account.js';
import { capPeriods, type Cap, type CapPeriod } from '../rules/caps.js';
import { weekdays, type Weekday } from '../rules/opening-hours.js';
import { taxCategories, type TaxCategory } from '../rules/tax.js';

/** One company, a few systems of it. */
export const clientsMax = 20;
/** The bound of kernel's ratio. */
const ratioPartMax = 1_000_000_000;
const openingHoursMax = 20;
const capsMax = 10;
const feesMax = 10;
/** A year and the month in which its last statement is read. */
const reversalDaysMax = 400;

export class Rate {
  /** Municipal points … */
  @IsInt()
  @Min(1)
  @Max(ratioPartMax)
  numerator!: number;

  /** … for this many partner points. */
  @IsInt()
  @Min(1)
  @Max(ratioPartMax)
  denominator!: number;
}

/** Hours in Tokyo at which orders are taken; over midnight they are two entries. */
export class OpeningHoursShape {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(weekdays.length)
  @ArrayUnique()
  @IsIn([...weekdays], { each: true })
  days!: Weekday[];

  @Matches(/^([01]\d|2[0-3]):[0-5]\d$/)
  from!: string;

  /** Later than `from`; 24:00 is the end of the day. */
  @Matches(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/)
  to!: string;
}

/** How many municipal points one person, or all together, may exchange from the partner per calendar period in Tokyo. */
export class CapShape {
  @IsIn(['holder', 'partner'])
  of!: Cap['of'];

  @IsIn([...capPeriods])
  per!: CapPeriod;

  @IsPoints()
  points!: number;
}

/** What the partner pays beside its points. */
export class FeeShape {
  @IsString()
  @Length(1, 60)
  name!: string;

  /** For each order, each reversal, each municipal point of orders less reversals, or once a month. */
  @IsIn([...feePers])
  per!: FeePer;

  /** Without tax, an exact fraction. */
  @IsNested(() => Rate)
  yen!: Rate;

  @IsIn([...taxCategories])
  taxCategory!: TaxCategory;
}

/** What a partner and the municipality have agreed. */
export class TermsShape {
  @IsString()
  @Length(1, 100)
  name!: string;

  @IsNested(() => Rate)
  rate!: Rate;

  @IsPoints()
  lotPartnerPoints!: number;

  @IsOptional()
  @IsPoints()
  minPartnerPoints?: number;

  @IsOptional()
  @IsPoints()
  maxPartnerPoints?: number;

  @IsOptional()
  @IsDay()
  validFrom?: string;

  @IsOptional()
  @IsDay()
  validTo?: string;

  /** Absent: at any time. */
  @IsOptional()
  @IsListOf(() => OpeningHoursShape, openingHoursMax)
  @ArrayMinSize(1)
  openingHours?: OpeningHoursShape[];

  @IsOptional()
  @IsListOf(() => CapShape, capsMax)
  @ArrayMinSize(1)
  caps?: CapShape[];

  /** The partner may take an order back through this many days after the day of its booking (Tokyo). Absent: not at all. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(reversalDaysMax)
  reversalDays?: number;

  /** What the partner pays for a municipal point; 1/1 when absent. */
  @IsOptional()
  @IsNested(() => Rate)
  yenPerPoint?: Rate;

  /** Of what is paid for points: `outside` (不課税) when absent. */
  @IsOptional()
  @IsIn([...taxCategories])
  pointsTaxCategory?: TaxCategory;

  @IsOptional()
  @IsListOf(() => FeeShape, feesMax)
  @ArrayMinSize(1)
  @ArrayUnique((fee: FeeShape) => fee.name)
  fees?: FeeShape[];

  /** OAuth clients that may act for this partner. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(clientsMax)
  @ArrayUnique()
  @Matches(/^[\x21-\x7e]{1,100}$/, { each: true })
  clients?: string[];
}
