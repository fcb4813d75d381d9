import type { Tx } from '@points/database';
import { problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { partnerView, termsAt, termsColumns, type PartnerView, type PutPartner, type TermsRow } from './partner.js';
import { checkTerms, differences, insertTerms, termsParameters } from './terms.js';

export interface PartnerKey {
  readonly municipality: string;
  readonly programme: string;
  readonly partner: string;
}

/**
 * Sets a partner up. One that exists stays as it is: its terms are changed by a second person's approval (change-terms), because a
 * rate moves money between two companies.
 * @throws Problem 422 when the limits contradict each other, 409 when the partner exists with other terms
 */
export async function putPartner(
  tx: Tx,
  key: PartnerKey,
  terms: PutPartner,
  { client, now }: { readonly client: string; readonly now: Instant },
): Promise<{ readonly isNew: boolean; readonly partner: PartnerView }> {
  checkTerms(terms);
  const { municipality, programme, partner } = key;
  // Two first calls at the same time: the second waits here for the first, and finds the row.
  const isNew = (await tx.write(insertPartner, [municipality, programme, partner, terms.kind ?? 'direct', now])) === 1;
  if (isNew)
    await tx.write(insertTerms, termsParameters(key, { version: 1, holdsFrom: '-infinity', madeBy: client, approvedBy: null }, terms));
  const found = await findPartner(tx, key, now);
  if (!found) throw new Error('assertion failed: a partner that was just written must be there');
  const differs = isNew ? [] : differences(found, terms);
  if (differs.length)
    throw problem(
      409,
      'change-needs-approval',
      `the partner exists with another ${differs.join(', ')}; propose a change, which a second person approves`,
      { errors: differs.map((field) => ({ field, reason: 'differs from the terms that hold' })) },
    );
  return { isNew, partner: found };
}

export async function findPartner(tx: Tx, key: Omit<PartnerKey, 'municipality'>, now: Instant): Promise<PartnerView | undefined> {
  const [row] = await tx.query<TermsRow>(selectPartner, [key.programme, key.partner, now]);
  return row && partnerView(row);
}

/** In order of id, after the last one of the page before. */
export async function listPartners(
  tx: Tx,
  programme: string,
  page: { after?: string; limit: number; now: Instant },
): Promise<PartnerView[]> {
  const rows = await tx.query<TermsRow>(
    `select ${termsColumns} from partner p ${termsAt('$2')}
     where p.programme = $1 and p.partner > $3 collate "C" order by p.partner collate "C" limit $4`,
    [programme, page.now, page.after ?? '', page.limit],
  );
  return rows.map(partnerView);
}

const selectPartner = {
  name: 'select_partner',
  text: `select ${termsColumns} from partner p ${termsAt('$3')} where p.programme = $1 and p.partner = $2`,
};

const insertPartner = `
  insert into partner (tenant, programme, partner, kind, created_at) values ($1, $2, $3, $4, $5)
  on conflict on constraint partner_pk do nothing`;
