import { problem } from '@points/http';
import { sameRate } from '../rules/quote.js';
import type { PartnerView, PutPartner } from './partner.js';
import type { PartnerKey } from './put-partner.js';
import type { TermsShape } from './terms-shapes.js';

export interface TermsVersion {
  readonly version: number;
  readonly holdsFrom: string;
  readonly madeBy: string;
  readonly approvedBy: string | null;
}

/** What no single field shows. @throws Problem 422 */
export function checkTerms(terms: TermsShape): void {
  const { minPartnerPoints: min, maxPartnerPoints: max, validFrom, validTo, lotPartnerPoints: lot, openingHours = [] } = terms;
  const errors = [
    ...(min !== undefined && max !== undefined && min > max
      ? [{ field: 'maxPartnerPoints', reason: 'must not be below minPartnerPoints' }]
      : []),
    ...(max !== undefined && max < lot ? [{ field: 'maxPartnerPoints', reason: 'must leave room for one lot' }] : []),
    ...(validFrom !== undefined && validTo !== undefined && validFrom > validTo
      ? [{ field: 'validTo', reason: 'must not lie before validFrom' }]
      : []),
    ...openingHours.flatMap(({ from, to }, index) =>
      from < to ? [] : [{ field: `openingHours.${index}.to`, reason: 'must lie after from; hours over midnight are two entries' }],
    ),
  ];
  const [first] = errors;
  if (first) throw problem(422, 'invalid-request', `the body is wrong: ${first.field} ${first.reason}`, { errors });
}

/** The fields in which terms differ from those that hold. Fields that are absent count: they would be taken away. */
export function differences(held: PartnerView, asked: PutPartner): string[] {
  const plain = [
    'name',
    'lotPartnerPoints',
    'minPartnerPoints',
    'maxPartnerPoints',
    'validFrom',
    'validTo',
    'openingHours',
    'caps',
    'reversalDays',
    'yenPerPoint',
    'pointsTaxCategory',
    'fees',
  ] as const;
  return [
    ...((asked.kind ?? 'direct') === held.kind ? [] : ['kind']),
    ...(sameRate(held.rate, asked.rate) ? [] : ['rate']),
    ...plain.filter((field) => canonical(held[field]) !== canonical(asked[field])),
    ...(canonical(sortedClients(held)) === canonical(sortedClients(asked)) ? [] : ['clients']),
  ];
}

export function termsParameters(key: PartnerKey, version: TermsVersion, terms: TermsShape): unknown[] {
  return [
    ...[key.municipality, key.programme, key.partner, version.version, version.holdsFrom],
    ...[terms.name, terms.rate.numerator, terms.rate.denominator, terms.lotPartnerPoints],
    ...[terms.minPartnerPoints ?? null, terms.maxPartnerPoints ?? null, terms.validFrom ?? null, terms.validTo ?? null],
    ...[jsonOf(terms.openingHours), jsonOf(terms.caps)],
    ...[sortedClients(terms), version.madeBy, version.approvedBy, terms.reversalDays ?? null],
    ...[jsonOf(terms.yenPerPoint), terms.pointsTaxCategory ?? null, jsonOf(terms.fees)],
  ];
}

export const insertTerms = `
  insert into partner_terms (tenant, programme, partner, version, holds_from, name, numerator, denominator, lot_partner_points,
    min_partner_points, max_partner_points, valid_from, valid_to, opening_hours, caps, clients, made_by, approved_by, reversal_days, yen_per_point,
    points_tax_category, fees)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`;

function jsonOf(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function sortedClients({ clients = [] }: Pick<TermsShape, 'clients'>): string[] {
  return [...clients].sort();
}

/** Text that is equal for equal content, whatever the order of fields. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
        : one,
    ) ?? ''
  );
}
