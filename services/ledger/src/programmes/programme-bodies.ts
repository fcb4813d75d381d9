import { IsDay, IsInstant, IsListOf, IsNested, IsPoints, OrNull } from '@points/http';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

const expiryKinds = ['days-after-grant', 'end-of-month', 'fiscal-year-end', 'fixed-day', 'months-after-last-use', 'none'] as const;
const refundKinds = ['restore-and-expire', 'new-lot', 'to-municipality'] as const;
/** 100 years: far above any programme seen (15 months) and below what a date can hold. */
const daysMax = 36_525;
const tag = /^[a-z]+:\S{1,100}$/;

export class ExpiryBody {
  @IsIn(expiryKinds)
  kind!: (typeof expiryKinds)[number];

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(daysMax)
  @JSONSchema({ description: 'days-after-grant: a lot of day D is usable through D + days, 23:59:59 JST' })
  days?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_200)
  @JSONSchema({ description: 'end-of-month: months after the month of the grant, 0 is that month; months-after-last-use: from 1' })
  months?: number;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  @JSONSchema({ description: 'fiscal-year-end: fiscal years after that of the grant, 0 is that year (ends 31 March)' })
  years?: number;

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'fixed-day: the last day of use' })
  day?: string;
}

const limitKinds = ['granted', 'budget', 'balance', 'uses'] as const;
const periods = ['minute', 'hour', 'day', 'month', 'fiscal-year', 'lifetime'] as const;

export class LimitBody {
  @IsIn(limitKinds)
  @JSONSchema({
    description:
      'granted: points granted to one holder; budget: points granted to all holders together; balance: what a holder may have after a grant or a ' +
      'transfer; uses: how often and how much a holder may hold, spend, convert, donate and transfer',
  })
  kind!: (typeof limitKinds)[number];

  @IsOptional()
  @IsIn(periods)
  @JSONSchema({ description: 'of the calendar in Tokyo. granted and budget: day, month, fiscal-year, lifetime; uses: minute, hour, day' })
  per?: (typeof periods)[number];

  @IsOptional()
  @IsPoints()
  points?: number;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  @JSONSchema({ description: 'uses' })
  times?: number;

  @IsOptional()
  @Matches(/^[a-z]+:\S{1,100}$/)
  @JSONSchema({ description: 'granted, budget: only grants of this source, or of a kind of source: activity:*' })
  source?: string;
}

/** More would be read by nobody; each costs a counter per posting that it concerns. */
export const limitsMax = 20;

export class RulesBody {
  @IsNested(() => ExpiryBody)
  expiry!: ExpiryBody;

  @IsArray()
  @ArrayMaxSize(20)
  @Matches(tag, { each: true })
  @JSONSchema({ description: 'a lot can be used where the place shares one of these tags; anywhere when there are none' })
  usableAt!: string[];

  @IsOptional()
  @IsIn(refundKinds)
  @JSONSchema({ description: 'what becomes of points that come back after their lot has ended; restore-and-expire unless told' })
  refundOfExpired?: (typeof refundKinds)[number];

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(daysMax)
  @JSONSchema({ description: 'days of the new lot, for refundOfExpired new-lot' })
  refundedLotDays?: number;

  @IsOptional()
  @IsInt()
  @Min(-1_000)
  @Max(1_000)
  @JSONSchema({ description: 'lots with a lower number are drawn first; 0 unless told' })
  priority?: number;

  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'may holders transfer points to each other; false unless told' })
  transferAllowed?: boolean;

  @IsOptional()
  @IsListOf(() => LimitBody, limitsMax)
  @JSONSchema({
    description: 'caps and velocity limits, in the order in which they are checked; each counts from the day on which rules have it',
  })
  limits?: LimitBody[];

  @IsOptional()
  @IsPoints()
  @JSONSchema({ description: 'adjustments by staff above this many points need a second person; none does unless told' })
  adjustmentAlone?: number;

  @IsOptional()
  @IsIn(['refuse', 'debt'])
  @JSONSchema({ description: 'what a reversal does about points of the grant that are gone; refuse unless told' })
  reverseOfSpent?: 'refuse' | 'debt';

  @IsOptional()
  @IsBoolean()
  @JSONSchema({
    description:
      'lots wait here for their holder to give them to municipalities (留保), and the balance says until when; false unless told',
  })
  reserve?: boolean;
}

export class PutProgramme {
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  name!: string;

  @IsDay()
  firstDay!: string;

  @IsOptional()
  @IsDay()
  @OrNull('the last day on which points can be moved; null or absent while no end is planned')
  lastDay?: string | null;

  @IsOptional()
  @IsDay()
  @OrNull('the last day on which points can be granted, where that is before lastDay; null or absent: lastDay')
  lastGrantDay?: string | null;

  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'while true, effective times in the past are accepted and expiry runs on request only; false unless told' })
  historyOpen?: boolean;

  @IsNested(() => RulesBody)
  rules!: RulesBody;
}

export class AddRules {
  @IsDay()
  @JSONSchema({ description: 'the JST day from which the rules hold; after that of every earlier version' })
  validFrom!: string;

  @IsNested(() => RulesBody)
  rules!: RulesBody;
}

export class RuleVersionView {
  @IsInt()
  version!: number;

  @IsDay()
  validFrom!: string;

  @IsNested(() => RulesBody)
  rules!: RulesBody;
}

export class ProgrammeView {
  @IsString()
  programme!: string;

  @IsString()
  municipality!: string;

  @IsString()
  name!: string;

  @IsDay()
  firstDay!: string;

  @IsDay()
  @OrNull()
  lastDay!: string | null;

  @IsOptional()
  @IsDay()
  @OrNull()
  lastGrantDay?: string | null;

  @IsBoolean()
  historyOpen!: boolean;

  @IsBoolean()
  frozen!: boolean;

  @IsListOf(() => RuleVersionView, 1_000)
  versions!: RuleVersionView[];
}

export class RunExpiry {
  @IsInstant()
  @JSONSchema({ description: 'lots that end up to this instant expire; it may not be in the future' })
  until!: string;
}

export class ExpiryRunView {
  @IsInt()
  lots!: number;

  @IsInt()
  points!: number;

  @IsInt()
  holders!: number;
}
