import type { Tx } from '@points/database';
import { findHolder, unknownMyKeyId } from '@points/holders';
import { problem, type Cause } from '@points/http';
import { parseInstant, points, uuidv7, type Instant } from '@points/kernel';
import { findProgrammeFacts } from '../know-programmes/programme-facts.js';
import { readTally } from '../place-exchange-order/counters.js';
import { lotOfQuote } from '../rules/lot-of-quote.js';
import { countersFor, price } from '../rules/price.js';
import { wholeLots } from '../rules/quote.js';
import { runningCampaigns } from '../run-campaigns/campaigns.js';
import { termsAt, termsColumns, termsOf, type TermsRow } from '../set-up-partners/partner.js';
import type { AskQuote, QuoteView } from './quote-shapes.js';

/** Long enough to read a page and confirm, short enough that a bonus is not promised to many who do not come. */
export const quoteValidMinutes = 10;
/** An order may name a quote a little after its end and is told so by name; then the quote is forgotten. */
const quoteKeptHours = 24;
export const quotePruneRowsMax = 10_000;

/** What an order of now would give. Nothing is reserved: a bonus that is gone when the order comes refuses the order. @throws Problem */
export async function askQuote(tx: Tx, cause: Cause, programme: string, asked: AskQuote, now: Instant): Promise<QuoteView> {
  const [row] = await tx.query<TermsRow>(selectTerms, [programme, asked.partner, now]);
  if (!row) throw problem(422, 'unknown-partner', 'the programme has no such partner', { partner: asked.partner });
  if (!cause.scopes.has('exchange:on-behalf') && !row.clients.includes(cause.client))
    throw problem(403, 'client-not-of-partner', 'this client may not ask for quotes of this partner', { partner: asked.partner });
  const holder = await findHolder(tx, asked.myKeyId);
  if (holder === undefined) throw unknownMyKeyId();

  const terms = termsOf(row);
  const { taken: partnerPoints, left } = wholeLots(terms, points(asked.partnerPoints));
  if (partnerPoints === 0)
    throw problem(422, 'not-whole-lots', `partner points are exchanged in whole lots of ${terms.lotPartnerPoints}`, {
      lot: terms.lotPartnerPoints,
    });
  const campaigns = (await runningCampaigns(tx, [programme], { first: now, last: now })).get(programme) ?? [];
  const order = { partner: asked.partner, holder, partnerPoints, acceptedAt: now };
  const tally = await readTally(tx, programme, countersFor(terms, campaigns, order));
  const priced = price(terms, campaigns, order, (counter) => tally.of(programme, counter));
  if (!priced.ok) throw problem(422, priced.refusal.code, priced.refusal.detail, priced.refusal.facts);

  const { municipalPoints, rest, bonus } = priced.value;
  const programmeFacts = await findProgrammeFacts(tx, programme);
  const lot = programmeFacts && lotOfQuote(programmeFacts, now);
  const view: QuoteView = {
    quote: uuidv7(),
    partner: asked.partner,
    partnerPoints,
    leftPartnerPoints: left,
    municipalPoints,
    ...(rest !== 0 && { rest }),
    ...(bonus && { bonus: { ...bonus } }),
    rate: { numerator: row.numerator, denominator: row.denominator, version: row.version },
    ...(lot && { points: { name: programmeFacts.name, ...lot, usableAt: [...lot.usableAt] } }),
    quotedAt: now,
    validUntil: parseInstant(new Date(Date.parse(now) + quoteValidMinutes * 60_000).toISOString()),
  };
  await tx.write(insertQuote, [
    ...[view.quote, cause.municipality, programme, asked.partner, holder, asked.myKeyId, partnerPoints, municipalPoints],
    ...[row.version, bonus?.campaign ?? null, bonus?.points ?? null, cause.client, now, view.validUntil],
  ]);
  return view;
}

/** Deletes quotes that are long over; answers how many. Call again while it answers the maximum. */
export function pruneQuotes(tx: Tx): Promise<number> {
  return tx.write(
    `delete from quote where ctid = any (array(select ctid from quote where valid_until < now() - make_interval(hours => $1) limit $2))`,
    [quoteKeptHours, quotePruneRowsMax],
  );
}

const selectTerms = {
  name: 'quote_terms',
  text: `select ${termsColumns} from partner p ${termsAt('$3')} where p.programme = $1 and p.partner = $2`,
};

const insertQuote = {
  name: 'insert_quote',
  text: `
    insert into quote (id, tenant, programme, partner, holder, my_key_id, partner_points, municipal_points, terms_version, campaign,
                       bonus_points, client, quoted_at, valid_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
};
