import { parsePoints, ratio, type LocalDate } from '@points/kernel';
import { IsInstant, IsListOf, IsNested } from '@points/http';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { partnerKinds, type PartnerKind } from '../rules/channel.js';
import type { Terms } from '../rules/quote.js';
import { Rate, TermsShape } from './terms-shapes.js';

export const partnersPageMax = 200;

export class PutPartner extends TermsShape {
  /** Cannot be changed later. `direct` when absent. */
  @IsOptional()
  @IsIn([...partnerKinds])
  kind?: PartnerKind;
}

export class RateVersion extends Rate {
  /** Of the terms as a whole. */
  @IsInt()
  @Min(1)
  version!: number;

  /** Absent for the first version: it holds for all the time before the second. */
  @IsOptional()
  @IsInstant()
  holdsFrom?: string;
}

/** The terms that hold now. */
export class PartnerView extends TermsShape {
  @IsString()
  partner!: string;

  @IsIn([...partnerKinds])
  kind!: PartnerKind;

  @IsNested(() => RateVersion)
  declare rate: RateVersion;

  @IsArray()
  @IsString({ each: true })
  declare clients: string[];
}

export class PartnersView {
  @IsListOf(() => PartnerView, partnersPageMax)
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

/** One version of a partner's terms, as `termsColumns` selects it. */
export interface TermsRow {
  readonly partner: string;
  readonly kind: PartnerKind;
  readonly name: string;
  readonly lot: string;
  readonly min: string | null;
  readonly max: string | null;
  readonly valid_from: LocalDate | null;
  readonly valid_to: LocalDate | null;
  readonly opening_hours: TermsShape['openingHours'] | null;
  readonly caps: TermsShape['caps'] | null;
  readonly reversal_days: number | null;
  readonly yen_per_point: TermsShape['yenPerPoint'] | null;
  readonly points_tax_category: TermsShape['pointsTaxCategory'] | null;
  readonly fees: TermsShape['fees'] | null;
  readonly clients: readonly string[];
  readonly version: number;
  readonly numerator: number;
  readonly denominator: number;
  readonly holds_from: Date | null;
}

/** Of `partner p` joined with `partner_terms t`. Days leave as text: pg would make local midnights of them. */
export const termsColumns = `
  p.partner, p.kind, t.name, t.lot_partner_points as lot, t.min_partner_points as min, t.max_partner_points as max,
  t.valid_from::text as valid_from, t.valid_to::text as valid_to, t.opening_hours, t.caps, t.reversal_days, t.yen_per_point, t.points_tax_category, t.fees, t.clients,
  t.version, t.numerator, t.denominator, case when isfinite(t.holds_from) then t.holds_from end as holds_from`;

/** The terms that hold at a time given as SQL: of those that had begun, the ones that began last. */
export const termsAt = (time: string, alias = 't') => `
  join lateral (
    select * from partner_terms
    where programme = p.programme and partner = p.partner and holds_from <= ${time}
    order by holds_from desc, version desc limit 1
  ) ${alias} on true`;

export function termsOf(row: TermsRow): Terms {
  return {
    rate: ratio(row.numerator, row.denominator),
    lotPartnerPoints: parsePoints(row.lot),
    ...(row.min !== null && { minPartnerPoints: parsePoints(row.min) }),
    ...(row.max !== null && { maxPartnerPoints: parsePoints(row.max) }),
    ...(row.valid_from !== null && { validFrom: row.valid_from }),
    ...(row.valid_to !== null && { validTo: row.valid_to }),
    ...(row.opening_hours && { openingHours: row.opening_hours }),
    ...(row.caps && { caps: row.caps.map((cap) => ({ ...cap, points: parsePoints(String(cap.points)) })) }),
    ...(row.reversal_days !== null && { reversalDays: row.reversal_days }),
  };
}

export function partnerView(row: TermsRow): PartnerView {
  const { rate, openingHours, caps, ...limits } = termsOf(row);
  return {
    partner: row.partner,
    kind: row.kind,
    name: row.name,
    rate: {
      numerator: rate.numerator,
      denominator: rate.denominator,
      version: row.version,
      ...(row.holds_from && { holdsFrom: row.holds_from.toISOString() }),
    },
    ...limits,
    ...(openingHours && { openingHours: openingHours.map((one) => ({ ...one, days: [...one.days] })) }),
    ...(caps && { caps: caps.map((cap) => ({ ...cap })) }),
    ...(row.yen_per_point && { yenPerPoint: row.yen_per_point }),
    ...(row.points_tax_category && { pointsTaxCategory: row.points_tax_category }),
    ...(row.fees && { fees: row.fees }),
    clients: [...row.clients],
  };
}
