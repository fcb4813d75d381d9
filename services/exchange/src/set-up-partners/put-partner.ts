import type { Tx } from '@points/database';
import { problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { sameRate } from '../rules/quote.js';
import { partnerColumns, partnerView, rateAt, type PartnerRow, type PartnerView, type PutPartner } from './partner.js';

export interface PartnerKey {
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
}

/**
 * Sets a partner up or changes its terms. Another rate becomes a new version that holds from `now`; orders placed before keep theirs.
 * @throws Problem 422 when the limits contradict each other
 */
export async function putPartner(
  tx: Tx,
  key: PartnerKey,
  terms: PutPartner,
  now: Instant,
): Promise<{ readonly isNew: boolean; readonly partner: PartnerView }> {
  checkLimits(terms);
  const { municipality, programme, partner } = key;
  const content = [
    terms.name,
    terms.lotPartnerPoints,
    terms.minPartnerPoints ?? null,
    terms.maxPartnerPoints ?? null,
    terms.validFrom ?? null,
    terms.validTo ?? null,
    [...(terms.clients ?? [])].sort(),
  ];
  // Two first calls at the same time: the second waits here for the first, and finds the row.
  const isNew = (await tx.write(insertPartner, [municipality, programme, partner, ...content, now])) === 1;
  if (isNew) await tx.write(insertRate, [municipality, programme, partner, 1, terms.rate.numerator, terms.rate.denominator, '-infinity']);
  else await changePartner(tx, key, terms, content, now);
  const found = await findPartner(tx, key, now);
  if (!found) throw new Error('assertion failed: a partner that was just written must be there');
  return { isNew, partner: found };
}

export async function findPartner(tx: Tx, key: Omit<PartnerKey, 'municipality'>, now: Instant): Promise<PartnerView | undefined> {
  const [row] = await tx.query<PartnerRow>(selectPartner, [key.programme, key.partner, now]);
  return row && partnerView(row);
}

/** In order of id, after the last one of the page before. */
export async function listPartners(
  tx: Tx,
  programme: string,
  page: { after?: string; limit: number; now: Instant },
): Promise<PartnerView[]> {
  const rows = await tx.query<PartnerRow>(
    `select ${partnerColumns} from partner p ${rateAt('$2')}
     where p.programme = $1 and p.partner > $3 collate "C" order by p.partner collate "C" limit $4`,
    [programme, page.now, page.after ?? '', page.limit],
  );
  return rows.map(partnerView);
}

async function changePartner(tx: Tx, key: PartnerKey, terms: PutPartner, content: readonly unknown[], now: Instant): Promise<void> {
  const { municipality, programme, partner } = key;
  // Locked, so that two changes of the rate get two versions.
  await tx.query('select 1 from partner where programme = $1 and partner = $2 for update', [programme, partner]);
  const [last] = await tx.query<{ version: number; numerator: number; denominator: number }>(lastRate, [programme, partner]);
  if (!last) throw new Error('assertion failed: a partner always has a rate');
  await tx.write(updatePartner, [programme, partner, ...content, now]);
  if (!sameRate(last, terms.rate))
    await tx.write(insertRate, [municipality, programme, partner, last.version + 1, terms.rate.numerator, terms.rate.denominator, now]);
}

function checkLimits(terms: PutPartner): void {
  const { minPartnerPoints: min, maxPartnerPoints: max, validFrom, validTo, lotPartnerPoints: lot } = terms;
  const errors = [
    ...(min !== undefined && max !== undefined && min > max
      ? [{ field: 'maxPartnerPoints', reason: 'must not be below minPartnerPoints' }]
      : []),
    ...(max !== undefined && max < lot ? [{ field: 'maxPartnerPoints', reason: 'must leave room for one lot' }] : []),
    ...(validFrom !== undefined && validTo !== undefined && validFrom > validTo
      ? [{ field: 'validTo', reason: 'must not lie before validFrom' }]
      : []),
  ];
  const [first] = errors;
  if (first) throw problem(422, 'invalid-request', `the body is wrong: ${first.field} ${first.reason}`, { errors });
}

const selectPartner = {
  name: 'select_partner',
  text: `select ${partnerColumns} from partner p ${rateAt('$3')} where p.programme = $1 and p.partner = $2`,
};

const insertPartner = `
  insert into partner (tenant, programme, partner, name, lot_partner_points, min_partner_points, max_partner_points, valid_from, valid_to,
                       clients, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
  on conflict on constraint partner_pk do nothing`;

/** Writes only what differs: an equal PUT leaves the row, and its `updated_at`, alone. */
const updatePartner = `
  update partner set name = $3, lot_partner_points = $4, min_partner_points = $5, max_partner_points = $6, valid_from = $7, valid_to = $8,
                     clients = $9, updated_at = $10
  where programme = $1 and partner = $2
    and (name, lot_partner_points, min_partner_points, max_partner_points, valid_from, valid_to, clients)
        is distinct from ($3, $4::bigint, $5::bigint, $6::bigint, $7::date, $8::date, $9::text[])`;

const lastRate =
  'select version, numerator, denominator from partner_rate where programme = $1 and partner = $2 order by version desc limit 1';

const insertRate = `
  insert into partner_rate (tenant, programme, partner, version, numerator, denominator, holds_from) values ($1, $2, $3, $4, $5, $6, $7)`;
