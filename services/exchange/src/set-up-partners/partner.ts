import { parsePoints, ratio, type LocalDate } from '@points/kernel';
import { IsDay, IsInstant, IsPoints } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import type { Terms } from '../rules/quote.js';

/** One company, a few systems of it. */
const clientsMax = 20;
/** The bound of kernel's ratio. */
const ratioPartMax = 1_000_000_000;
export const partnersPageMax = 200;

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

export class PutPartner {
  @IsString()
  @Length(1, 100)
  name!: string;

  @ValidateNested()
  @Type(() => Rate)
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

  /** OAuth clients that may place orders for this partner. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(clientsMax)
  @ArrayUnique()
  @Matches(/^[\x21-\x7e]{1,100}$/, { each: true })
  clients?: string[];
}

export class RateVersion extends Rate {
  @IsInt()
  @Min(1)
  version!: number;

  /** Absent for the first version: it holds for all the time before the second. */
  @IsOptional()
  @IsInstant()
  holdsFrom?: string;
}

export class PartnerView {
  @IsString()
  partner!: string;

  @IsString()
  name!: string;

  /** The version that holds now. */
  @ValidateNested()
  @Type(() => RateVersion)
  rate!: RateVersion;

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

  @IsArray()
  @ArrayMaxSize(clientsMax)
  @IsString({ each: true })
  clients!: string[];
}

export class PartnersView {
  @ValidateNested({ each: true })
  @Type(() => PartnerView)
  @IsArray()
  @ArrayMaxSize(partnersPageMax)
  partners!: PartnerView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

export class PartnersQuery {
  /** The last partner of the page before. */
  @IsOptional()
  @IsString()
  @Length(1, 60)
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(partnersPageMax)
  limit?: number;
}

/** A partner with one version of its rate, as `partnerColumns` selects it. */
export interface PartnerRow {
  readonly partner: string;
  readonly name: string;
  readonly lot: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly valid_from: LocalDate | null;
  readonly valid_to: LocalDate | null;
  readonly clients: readonly string[];
  readonly version: number;
  readonly numerator: number;
  readonly denominator: number;
  readonly holds_from: Date | null;
}

/** Of `partner p` joined with `partner_rate r`. Days leave as text: pg would make local midnights of them. */
export const partnerColumns = `
  p.partner, p.name, p.lot_partner_points as lot, p.min_partner_points as min, p.max_partner_points as max,
  p.valid_from::text as valid_from, p.valid_to::text as valid_to, p.clients,
  r.version, r.numerator, r.denominator, case when isfinite(r.holds_from) then r.holds_from end as holds_from`;

/** The rate that holds at a time given as parameter: of those that had begun, the one set last. */
export const rateAt = (parameter: string) => `
  join lateral (
    select version, numerator, denominator, holds_from from partner_rate
    where programme = p.programme and partner = p.partner and holds_from <= ${parameter}
    order by version desc limit 1
  ) r on true`;

export function termsOf(row: PartnerRow): Terms {
  return {
    rate: ratio(row.numerator, row.denominator),
    lotPartnerPoints: parsePoints(row.lot),
    ...(row.min !== null && { minPartnerPoints: parsePoints(row.min) }),
    ...(row.max !== null && { maxPartnerPoints: parsePoints(row.max) }),
    ...(row.valid_from !== null && { validFrom: row.valid_from }),
    ...(row.valid_to !== null && { validTo: row.valid_to }),
  };
}

export function partnerView(row: PartnerRow): PartnerView {
  const { rate, ...limits } = termsOf(row);
  return {
    partner: row.partner,
    name: row.name,
    rate: {
      numerator: rate.numerator,
      denominator: rate.denominator,
      version: row.version,
      ...(row.holds_from && { holdsFrom: row.holds_from.toISOString() }),
    },
    ...limits,
    clients: [...row.clients],
  };
}
