import type { Tx } from '@points/database';
import type { Problem } from '@points/http';
import type { Instant } from '@points/kernel';
import { publish } from '@points/messaging';
import { insertLinkOrders, readLinks } from '../exchange-by-link/link-order.js';
import type { Campaign } from '../rules/campaign.js';
import type { Channel } from '../rules/channel.js';
import type { Counter } from '../rules/caps.js';
import { countersFor } from '../rules/price.js';
import { runningCampaigns } from '../run-campaigns/campaigns.js';
import { termsOf } from '../set-up-partners/partner.js';
import { announce } from '../tell-partners/announce.js';
import type { PartnerFact } from '../tell-partners/event-types.js';
import { flaggedEvent, type FlaggedOrder } from '../screen-orders/flagged.js';
import { readGuards, Screening, type Guards } from '../screen-orders/screen-orders.js';
import { lockCounters, readTally, writeCounts, type Tally } from './counters.js';
import { decide, differsFrom, linkWanted, mayAsk, orderToScreen } from './decide-order.js';
import { issueOf, type OrderToIssue } from './issue.js';
import { insertOrders, orderParameters, type NewOrder } from './insert-orders.js';
import type { PlaceExchangeOrder } from './order-request.js';
import type { Order } from './order-row.js';
import { acceptedAt, readFacts, type OrderFacts } from './order-facts.js';

/** An order that somebody wants, by whatever way it came. */
export interface OrderWish {
  /** Of the row that it becomes, by which callers wait for its end. */
  readonly id: string;
  readonly municipality: string;
  readonly programme: string;
  readonly order: PlaceExchangeOrder;
  readonly channel: Channel;
  /** The file that it came in. */
  readonly upload?: string;
  readonly client: string;
  /** May place orders for every partner. */
  readonly isOnBehalf: boolean;
  readonly mayBringHistory: boolean;
  readonly traceparent?: string | undefined;
}

/** A problem leaves nothing behind: the same order may come again once the cause is gone. */
export type Placed = { readonly isNew: boolean; readonly order: Order } | { readonly problem: Problem };

/**
 * The one way by which orders come into being, one or many in a transaction: those that the rules allow are stored, counted by caps
 * and campaigns, and asked of the ledger. Decided in their order, each seeing the ones before it. Two round trips, a third where something is
 * counted, screened by rules or linked.
 * @throws OrdersRaced when another transaction placed one of them meanwhile: roll back and call again
 */
export async function placeOrders(
  tx: Tx,
  wishes: readonly OrderWish[],
  now: Instant,
  ahead = readAhead(tx, wishes, now),
): Promise<Placed[]> {
  const { placed, fresh, flagged, tally } = await decideAll(tx, wishes, await ahead, now, (wanted) => lockCounters(tx, wanted));
  const alerts = flagged.map((one) => flaggedEvent(one, now));
  if (fresh.length === 0) {
    await publish(tx, alerts);
    return placed;
  }
  const issues = fresh.filter(({ order }) => order.view.state === 'pending').map((one) => issueOf(toIssue(one)));
  const [written] = await Promise.all([
    tx.write(insertOrders, orderParameters(fresh)),
    writeCounts(tx, tally.changes),
    publish(tx, [...issues, ...alerts]),
    announce(
      tx,
      fresh.filter(({ order }) => order.view.state === 'in-review').map((one) => inReviewFact(one, now)),
    ),
    insertLinkOrders(
      tx,
      fresh.flatMap(({ order, municipality, link }) =>
        link === undefined ? [] : [{ id: order.id, municipality, link, isDue: order.view.state === 'reserving' }],
      ),
      now,
    ),
  ]);
  if (written !== fresh.length) throw new OrdersRaced();
  return placed;
}

/** What is known of wishes before any is decided; some of them may be left out then. */
export interface ReadAhead {
  readonly facts: readonly OrderFacts[];
  readonly campaigns: ReadonlyMap<string, readonly Campaign[]>;
  readonly guards: Guards;
}

/** In one round trip, which reads of the caller can share. */
export async function readAhead(tx: Tx, wishes: readonly OrderWish[], now: Instant): Promise<ReadAhead> {
  const [facts, campaigns, guards] = await Promise.all([
    readFacts(tx, wishes, now),
    campaignsOf(tx, wishes, now),
    readGuards(
      tx,
      wishes.map(({ programme, order }) => ({ programme, partner: order.partner, myKeyId: order.myKeyId })),
    ),
  ]);
  return { facts, campaigns, guards };
}

export interface Trial {
  readonly programme: string;
  readonly wishes: readonly OrderWish[];
  readonly now: Instant;
  /** What earlier wishes of the same trial add to a counter. */
  readonly before: (counter: Counter) => number;
}

/** What `placeOrders` would say now to wishes of one programme, with nothing written, locked or told; the tally has what these add. */
export async function tryOrders(tx: Tx, { programme, wishes, now, before }: Trial): Promise<Pick<DecidedAll, 'placed' | 'tally'>> {
  return decideAll(tx, wishes, await readAhead(tx, wishes, now), now, (wanted) => readTally(tx, programme, wanted, before));
}

interface DecidedAll {
  readonly placed: Placed[];
  readonly fresh: readonly NewOrder[];
  readonly flagged: readonly FlaggedOrder[];
  readonly tally: Tally;
}

async function decideAll(
  tx: Tx,
  wishes: readonly OrderWish[],
  { facts: all, campaigns, guards }: ReadAhead,
  now: Instant,
  tallyOf: (wanted: ReturnType<typeof countersWanted>) => Promise<Tally>,
): Promise<DecidedAll> {
  const wanted = new Set(wishes);
  const facts = all.filter((one) => wanted.has(one.wish));
  // What has been seen is read behind the locks.
  const [tally, links, screening] = await Promise.all([
    tallyOf(countersWanted(facts, campaigns)),
    readLinks(tx, facts.flatMap(linkWanted)),
    Screening.load(tx, guards, facts.flatMap(orderToScreen), now),
  ]);

  const flagged: FlaggedOrder[] = [];
  const fresh = new Map<string, NewOrder>();
  const usedQuotes = new Set<string>();
  const placed = facts.map((fact): Placed => {
    const { wish, reference } = fact;
    const before = fact.before ?? fresh.get(reference)?.order;
    const trouble = mayAsk(fact) ?? (before ? differsFrom(before, wish.order) : undefined);
    if (trouble) return { problem: trouble };
    if (before) return { isNew: false, order: before };
    const decided = decide(fact, { campaigns: campaigns.get(wish.programme) ?? [], tally, usedQuotes, links, screening });
    if (decided.hits.length > 0 && fact.holder !== undefined)
      flagged.push({ ...wish, partner: wish.order.partner, orderId: wish.order.orderId, holder: fact.holder, hits: decided.hits });
    if ('problem' in decided) return decided;
    fresh.set(reference, decided);
    if (wish.order.quote !== undefined) usedQuotes.add(wish.order.quote);
    tally.add(wish, decided.price.counts);
    for (const one of orderToScreen(fact)) screening.add(wish.programme, { ...one, municipalPoints: decided.price.municipalPoints });
    return { isNew: true, order: decided.order };
  });
  return { placed, fresh: [...fresh.values()], flagged, tally };
}

function toIssue({ municipality, programme, reference, holder, wish, order }: NewOrder): OrderToIssue {
  const { partner, municipalPoints, acceptedAt } = order.view;
  return {
    ...{ municipality, programme, reference, holder, partner, points: municipalPoints, client: wish.client },
    ...(wish.order.acceptedAt !== undefined && { effectiveAt: acceptedAt }),
    traceparent: wish.traceparent,
  };
}

/** For the partner, without the rules that hold it. */
function inReviewFact({ municipality, programme, order }: NewOrder, heldAt: Instant): PartnerFact {
  const { partner, orderId, channel, partnerPoints, municipalPoints } = order.view;
  return {
    ...{ municipality, programme, partner, type: 'exchange-order.in-review' },
    data: { orderId, channel, partnerPoints, municipalPoints, heldAt },
  };
}

/** Another transaction placed one of the orders, or used its quote, between the look and the insert. */
export class OrdersRaced extends Error {
  /** As PostgreSQL says "serialization failure": whoever runs the transaction tries again. */
  readonly code = '40001';

  constructor() {
    super('another transaction placed one of these orders');
  }
}

async function campaignsOf(tx: Tx, wishes: readonly OrderWish[], now: Instant): Promise<Map<string, Campaign[]>> {
  const times = wishes.map((one) => acceptedAt(one, now)).sort();
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return new Map();
  return runningCampaigns(tx, [...new Set(wishes.map((one) => one.programme))], { first, last });
}

function countersWanted(facts: readonly OrderFacts[], campaigns: ReadAhead['campaigns']) {
  return facts.flatMap(({ wish, settings, quoted, holder, before, acceptedAt }) => {
    if (!settings || holder === undefined || before) return [];
    const { municipality, programme, order } = wish;
    const running = campaigns.get(programme) ?? [];
    return countersFor(termsOf(quoted?.terms ?? settings.terms), running, { partner: order.partner, holder, acceptedAt }).map(
      (counter) => ({ municipality, programme, ...counter }),
    );
  });
}
