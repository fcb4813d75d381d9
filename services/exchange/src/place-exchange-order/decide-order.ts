import { problem, type Problem } from '@points/http';
import { parseInstant, points } from '@points/kernel';
import { linkKey } from '../exchange-by-link/link-order.js';
import type { Campaign } from '../rules/campaign.js';
import { channelOf, takesChannel } from '../rules/channel.js';
import type { OrderState } from '../rules/order-state.js';
import { price, type Price, type PricedOrder } from '../rules/price.js';
import { hardestAction, screen, type Hit } from '../rules/screening.js';
import type { OrderToScreen, Screening } from '../screen-orders/screen-orders.js';
import { termsOf } from '../set-up-partners/partner.js';
import type { Tally } from './counters.js';
import type { NewOrder } from './insert-orders.js';
import type { OrderFacts } from './order-facts.js';
import type { PlaceExchangeOrder } from './order-request.js';
import type { Order } from './order-row.js';
import type { ExchangeOrderView } from './order-view.js';

/** Who may not ask is told so before anything about the order. */
export function mayAsk({ wish, settings }: OrderFacts): Problem | undefined {
  const { order, mayBringHistory, isOnBehalf, client } = wish;
  if (order.acceptedAt !== undefined && !mayBringHistory)
    return problem(403, 'scope-missing', 'acceptedAt brings history in; this needs a token with the scope history:write', {
      scope: 'history:write',
    });
  if (!settings) return problem(422, 'unknown-partner', 'the programme has no such partner', { partner: order.partner });
  if (!isOnBehalf && !settings.clientsNow.includes(client))
    return problem(403, 'client-not-of-partner', 'this client may not place orders for this partner', { partner: order.partner });
  const { kind } = settings.terms;
  if (!takesChannel(kind, wish.channel, { isHistory: order.acceptedAt !== undefined }))
    return problem(422, 'wrong-channel', `the partner is of the kind ${kind}: its orders come by another way`, {
      kind,
      channel: wish.channel,
    });
  return undefined;
}

interface Deciding {
  readonly campaigns: readonly Campaign[];
  readonly tally: Tally;
  readonly usedQuotes: ReadonlySet<string>;
  readonly links: ReadonlyMap<string, string>;
  readonly screening: Screening;
}

type Decided = ((NewOrder & { readonly price: Price }) | { readonly problem: Problem }) & { readonly hits: readonly Hit[] };

/** What becomes of a new order, by the rules and by what the ones before it have counted. */
export function decide(fact: OrderFacts, { campaigns, tally, usedQuotes, links, screening }: Deciding): Decided {
  const refused = (trouble: Problem, hits: readonly Hit[] = []) => ({ problem: trouble, hits });
  const { wish, holder, settings, quoted, acceptedAt, reference } = fact;
  const { order, programme, municipality } = wish;
  if (!settings) throw new Error('assertion failed: an order without a partner was refused before');
  if (holder === undefined) return refused(problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID'));
  const [screened] = orderToScreen(fact);
  const stopped = screened && screening.stopOf(screened);
  if (stopped) return refused(stopped);
  if (order.quote !== undefined) {
    const trouble = quoteTrouble(fact, usedQuotes);
    if (trouble) return refused(trouble);
  }
  const row = quoted?.terms ?? settings.terms;
  const priced: PricedOrder = {
    partner: order.partner,
    holder,
    partnerPoints: points(order.partnerPoints),
    acceptedAt,
    ...(order.municipalPoints !== undefined && { municipalPoints: points(order.municipalPoints) }),
    ...(quoted && { isQuoted: true }),
    ...(quoted?.bonus && { promisedBonus: quoted.bonus }),
  };
  const decided = price(termsOf(row), campaigns, priced, (counter) => tally.of(programme, counter));
  if (!decided.ok) return refused(problem(422, decided.refusal.code, decided.refusal.detail, decided.refusal.facts));
  const { municipalPoints, rest, bonus } = decided.value;
  // History was exchanged already: nobody is asked to reserve for it.
  const channel = channelOf(settings.terms.kind, wish.channel, { isHistory: order.acceptedAt !== undefined });
  const isByLink = channel === 'link';
  const link = links.get(linkKey({ programme, partner: order.partner, holder }));
  if (isByLink && link === undefined)
    return refused(
      problem(422, 'account-not-linked', 'the holder has no account of this partner linked; link one first', { partner: order.partner }),
    );
  const hits = screened
    ? screen(screening.rulesOf(programme), { ...screened, municipalPoints }, (rule, subject) => screening.seenOf(programme, rule, subject))
    : [];
  const action = hardestAction(hits);
  // Which rule it was is for the guards of the programme, not for whoever tries it.
  if (action === 'refuse') return refused(problem(422, 'screened', 'the order is refused for safety; the municipality knows why'), hits);
  const state: OrderState = action === 'review' ? 'in-review' : isByLink ? 'reserving' : 'pending';
  const view: ExchangeOrderView = {
    orderId: order.orderId,
    partner: order.partner,
    state,
    myKeyId: order.myKeyId,
    partnerPoints: order.partnerPoints,
    municipalPoints,
    rate: { numerator: row.numerator, denominator: row.denominator, version: row.version },
    ...(rest !== 0 && { rest }),
    channel,
    ...(order.quote !== undefined && { quote: order.quote }),
    ...(bonus && { bonus: { ...bonus, state: 'waiting' as const } }),
    acceptedAt,
  };
  return {
    ...{ municipality, programme, reference, holder, wish, price: decided.value, order: { id: wish.id, view }, hits },
    ...(isByLink && link !== undefined && { link }),
  };
}

/** The holder's account at a partner of the kind account-link. */
export function linkWanted({ wish: { programme, order }, settings, holder }: OrderFacts) {
  return settings?.terms.kind !== 'account-link' || holder === undefined ? [] : [{ programme, partner: order.partner, holder }];
}

/** History was screened elsewhere. */
export function orderToScreen({ wish, holder }: OrderFacts): OrderToScreen[] {
  const { programme, order } = wish;
  if (holder === undefined || order.acceptedAt !== undefined) return [];
  const { address, device } = order.origin ?? {};
  return [
    { programme, partner: order.partner, holder, ...(address !== undefined && { address }), ...(device !== undefined && { device }) },
  ];
}

function quoteTrouble({ wish, quoted, holder, isQuoteUsed, acceptedAt }: OrderFacts, usedQuotes: ReadonlySet<string>): Problem | undefined {
  const { order } = wish;
  if (!quoted)
    return problem(422, 'unknown-quote', 'there is no such quote of this partner; it may have been too long ago', { quote: order.quote });
  const differs = [
    ...(quoted.holder === holder ? [] : ['myKeyId']),
    ...(quoted.partnerPoints === order.partnerPoints ? [] : ['partnerPoints']),
  ];
  if (differs.length)
    return problem(422, 'quote-differs', `the quote was given for another ${differs.join(' and ')}`, {
      errors: differs.map((field) => ({ field, reason: 'differs from the quote' })),
    });
  if (isQuoteUsed || usedQuotes.has(quoted.id))
    return problem(409, 'quote-used', 'another order was placed with this quote; ask for a new one');
  if (quoted.validUntil <= acceptedAt)
    return problem(422, 'quote-expired', 'the quote is over; ask for a new one', { validUntil: quoted.validUntil });
  return undefined;
}

/** What a repeated order says must be what the first one said. */
export function differsFrom({ view }: Order, order: PlaceExchangeOrder): Problem | undefined {
  const differs = [
    ...(view.myKeyId !== order.myKeyId ? ['myKeyId'] : []),
    ...(view.partnerPoints !== order.partnerPoints ? ['partnerPoints'] : []),
    ...(order.municipalPoints !== undefined && view.municipalPoints !== order.municipalPoints ? ['municipalPoints'] : []),
    ...(order.quote !== undefined && view.quote !== order.quote ? ['quote'] : []),
    ...(order.acceptedAt !== undefined && view.acceptedAt !== parseInstant(order.acceptedAt) ? ['acceptedAt'] : []),
  ];
  if (differs.length === 0) return undefined;
  return problem(409, 'order-exists', `an order with this id exists with other content: ${differs.join(', ')}`, {
    errors: differs.map((field) => ({ field, reason: 'differs from the order that exists' })),
  });
}
