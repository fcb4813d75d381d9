import type { Tx } from '@points/database';
import { parseInstant, parsePoints, points, type Instant, type Points } from '@points/kernel';
import { instantOf } from '../clock.js';
import { orderReference } from '../reference.js';
import { termsAt, termsColumns, type TermsRow } from '../set-up-partners/partner.js';
import { orderOf, selectOrdersByReference, type Order, type OrderRow } from './order-row.js';
import type { OrderWish } from './place-orders.js';

/** All that is known about a wish before it is decided. */
export interface OrderFacts {
  readonly wish: OrderWish;
  readonly reference: string;
  readonly acceptedAt: Instant;
  /** Absent: the programme has no such partner. */
  readonly settings?: { readonly terms: TermsRow; readonly clientsNow: readonly string[] };
  /** To whom the My Key ID belongs now. */
  readonly holder?: string;
  /** The order, if it exists. */
  readonly before?: Order;
  readonly quoted?: QuotedTerms;
  readonly isQuoteUsed: boolean;
}

export interface QuotedTerms {
  readonly id: string;
  readonly terms: TermsRow;
  readonly holder: string;
  readonly partnerPoints: Points;
  readonly bonus?: { readonly campaign: string; readonly points: Points };
  readonly validUntil: Instant;
}

/** Three reads whatever the number of wishes, one more when quotes are named; all in one round trip. */
export async function readFacts(tx: Tx, wishes: readonly OrderWish[], now: Instant): Promise<OrderFacts[]> {
  const asked = wishes.map((wish) => {
    const { programme, order } = wish;
    return {
      wish,
      reference: orderReference({ programme, partner: order.partner, orderId: order.orderId }),
      acceptedAt: acceptedAt(wish, now),
    };
  });
  const [settings, holders, before, quotes] = await Promise.all([
    readSettings(tx, asked, now),
    readHolders(tx, [...new Set(wishes.map((one) => one.order.myKeyId))]),
    readOrders(tx, [...new Set(asked.map((one) => one.reference))]),
    readQuotes(tx, [...new Set(wishes.flatMap(({ order }) => order.quote ?? []))]),
  ]);
  return asked.map(({ wish, reference, acceptedAt }) => {
    const { programme, order } = wish;
    const [found, holder, existing] = [settings.get(settingsKey(wish, acceptedAt)), holders.get(order.myKeyId), before.get(reference)];
    const quote = order.quote === undefined ? undefined : quotes.get(order.quote);
    const isOfPartner = quote?.programme === programme && quote.quoted.terms.partner === order.partner;
    return {
      wish,
      reference,
      acceptedAt,
      ...(found && { settings: found }),
      ...(holder !== undefined && { holder }),
      ...(existing && { before: existing }),
      ...(quote && isOfPartner && { quoted: quote.quoted }),
      isQuoteUsed: quote?.isUsed ?? false,
    };
  });
}

/** Now, unless the wish brings history in. */
export function acceptedAt({ order }: OrderWish, now: Instant): Instant {
  return order.acceptedAt === undefined ? now : parseInstant(order.acceptedAt);
}

type Asked = Pick<OrderFacts, 'wish' | 'acceptedAt'>;

async function readSettings(tx: Tx, asked: readonly Asked[], now: Instant): Promise<Map<string, NonNullable<OrderFacts['settings']>>> {
  const keys = new Map(asked.map(({ wish, acceptedAt }) => [settingsKey(wish, acceptedAt), { wish, acceptedAt }]));
  const names = [...keys.keys()];
  const all = [...keys.values()];
  const rows = await tx.query<TermsRow & { n: number; clients_now: string[] }>(selectSettings, [
    all.map(({ wish }) => wish.programme),
    all.map(({ wish }) => wish.order.partner),
    all.map((one) => one.acceptedAt),
    now,
  ]);
  // The statement numbers from 1 what it was given.
  return new Map(rows.map((row) => [names[row.n - 1] ?? '', { terms: row, clientsNow: row.clients_now }]));
}

async function readHolders(tx: Tx, myKeyIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await tx.query<{ my_key_id: string; holder: string }>(selectHolders, [myKeyIds]);
  return new Map(rows.map((row) => [row.my_key_id, row.holder]));
}

async function readOrders(tx: Tx, references: readonly string[]): Promise<Map<string, Order>> {
  const rows = await tx.query<OrderRow>(selectOrders, [references]);
  return new Map(rows.map((row) => [row.reference, orderOf(row)]));
}

async function readQuotes(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, { programme: string; quoted: QuotedTerms; isUsed: boolean }>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<QuoteRow>(selectQuotes, [ids]);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        programme: row.programme,
        isUsed: row.is_used,
        quoted: {
          id: row.id,
          terms: row,
          holder: row.holder,
          partnerPoints: parsePoints(row.partner_points),
          ...(row.campaign !== null && {
            bonus: { campaign: row.campaign, points: parsePoints(row.bonus_points ?? points(0).toString()) },
          }),
          validUntil: instantOf(row.valid_until),
        },
      },
    ]),
  );
}

interface QuoteRow extends TermsRow {
  readonly id: string;
  readonly programme: string;
  readonly holder: string;
  readonly partner_points: string;
  readonly campaign: string | null;
  readonly bonus_points: string | null;
  readonly valid_until: Date;
  readonly is_used: boolean;
}

function settingsKey({ programme, order }: OrderWish, acceptedAt: Instant): string {
  return `${programme} ${order.partner} ${acceptedAt}`;
}

const selectSettings = {
  name: 'order_settings',
  text: `
    select w.n::int as n, ${termsColumns}, c.clients as clients_now
    from unnest($1::text[], $2::text[], $3::timestamptz[]) with ordinality as w (programme, partner, accepted_at, n)
    join partner p on p.programme = w.programme and p.partner = w.partner
    ${termsAt('w.accepted_at')} ${termsAt('$4::timestamptz', 'c')}`,
};

const selectHolders = {
  name: 'order_holders',
  text: `
    select distinct on (my_key_id) my_key_id, holder from holder_link where my_key_id = any ($1)
    order by my_key_id, registered_at desc`,
};

const selectOrders = { name: 'orders_by_reference', text: selectOrdersByReference };

const selectQuotes = {
  name: 'order_quotes',
  text: `
    select ${termsColumns}, q.id, q.programme, q.holder, q.partner_points, q.campaign, q.bonus_points, q.valid_until,
           exists (select from exchange_order where quote = q.id) as is_used
    from quote q
    join partner p on p.programme = q.programme and p.partner = q.partner
    join partner_terms t on t.programme = q.programme and t.partner = q.partner and t.version = q.terms_version
    where q.id = any ($1::uuid[])`,
};
