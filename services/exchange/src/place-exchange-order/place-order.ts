import { postingRequestedV1 } from '@points/contracts';
import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { parseInstant, points, uuidv7, type Instant } from '@points/kernel';
import { event, publish } from '@points/messaging';
import { orderReference } from '../reference.js';
import { quote } from '../rules/quote.js';
import { partnerColumns, rateAt, termsOf, type PartnerRow } from '../set-up-partners/partner.js';
import { orderOf, selectOrder, type Order, type OrderRow, type ExchangeOrderView, type PlaceExchangeOrder } from './order.js';

/**
 * Stores the order and asks the ledger to issue its points. What the partner's terms do not allow is thrown, so nothing is stored and
 * the same key may be used again once the cause is gone (a My Key ID registered a second ago). What the ledger refuses stays stored.
 * @throws Problem
 */
export async function placeOrder(
  tx: Tx,
  cause: Cause,
  programme: string,
  order: PlaceExchangeOrder,
  now: Instant,
): Promise<{ readonly isNew: boolean; readonly order: Order }> {
  if (order.acceptedAt !== undefined && !cause.scopes.has('history:write'))
    throw problem(403, 'scope-missing', 'acceptedAt brings history in; this needs a token with the scope history:write', {
      scope: 'history:write',
    });
  const acceptedAt = order.acceptedAt === undefined ? now : parseInstant(order.acceptedAt);
  const known = await findSettings(tx, programme, order, acceptedAt);
  if (!known) throw problem(422, 'unknown-partner', 'the programme has no such partner', { partner: order.partner });
  if (!cause.scopes.has('exchange:on-behalf') && !known.clients.includes(cause.client))
    throw problem(403, 'client-not-of-partner', 'this client may not place orders for this partner', { partner: order.partner });

  const before = await findOrder(tx, programme, order);
  if (before) return { isNew: false, order: sameOrder(before, order) };
  if (known.holder === null) throw problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID');
  const { partnerPoints, municipalPoints } = order;
  const quoted = quote(termsOf(known), {
    partnerPoints: points(partnerPoints),
    acceptedAt,
    ...(municipalPoints !== undefined && { municipalPoints: points(municipalPoints) }),
  });
  if (!quoted.ok) throw problem(422, quoted.refusal.code, quoted.refusal.detail, quoted.refusal.facts);

  const reference = orderReference({ programme, partner: order.partner, orderId: order.orderId });
  const id = uuidv7();
  const { holder, version } = known;
  const { municipality, client } = cause;
  const isNew = await tx.write(insertOrder, [
    ...[id, municipality, programme, order.partner, order.orderId, reference, order.myKeyId, holder],
    ...[partnerPoints, quoted.value, version, acceptedAt, client],
  ]);
  if (!isNew) {
    // Another request with the same order id and another key was faster.
    const faster = await findOrder(tx, programme, order);
    if (!faster) throw new Error('assertion failed: an order that was in the way must be there');
    return { isNew: false, order: sameOrder(faster, order) };
  }
  await publish(tx, [
    event(
      postingRequestedV1,
      {
        reference,
        municipality,
        programme,
        account: `holder:${holder}`,
        instruction: { kind: 'issue', amount: quoted.value, source: `partner:${order.partner}`, funding: 'paid' },
        // A live order takes effect when the ledger books it: only history has a time of its own there.
        ...(order.acceptedAt !== undefined && { effectiveAt: acceptedAt }),
        cause: { actor: client },
      },
      { requester: 'exchange' },
    ),
  ]);
  const view: ExchangeOrderView = {
    orderId: order.orderId,
    partner: order.partner,
    state: 'pending',
    myKeyId: order.myKeyId,
    partnerPoints,
    municipalPoints: quoted.value,
    rate: { numerator: known.numerator, denominator: known.denominator, version },
    acceptedAt,
  };
  return { isNew: true, order: { id, view } };
}

export async function findOrder(
  tx: Tx,
  programme: string,
  { partner, orderId }: { readonly partner: string; readonly orderId: string },
): Promise<Order | undefined> {
  const [row] = await tx.query<OrderRow>(findOrderById, [programme, partner, orderId]);
  return row && orderOf(row);
}

/**
 * A partner's system may ask for its own orders only; a client that is no partner's (the municipality's staff) sees all of the
 * programme. Order ids can be guessed, and what a company's customers exchange is its own business.
 */
export async function maySeeOrdersOf(tx: Tx, programme: string, partner: string, client: string): Promise<boolean> {
  const partners = await tx.query<{ partner: string }>('select partner from partner where programme = $1 and $2 = any (clients)', [
    programme,
    client,
  ]);
  return partners.length === 0 || partners.some((one) => one.partner === partner);
}

/** What a repeated order says must be what the first one said. @throws Problem 409 */
function sameOrder(stored: Order, order: PlaceExchangeOrder): Order {
  const { view } = stored;
  const differs = [
    ...(view.myKeyId !== order.myKeyId ? ['myKeyId'] : []),
    ...(view.partnerPoints !== order.partnerPoints ? ['partnerPoints'] : []),
    ...(order.municipalPoints !== undefined && view.municipalPoints !== order.municipalPoints ? ['municipalPoints'] : []),
    ...(order.acceptedAt !== undefined && view.acceptedAt !== parseInstant(order.acceptedAt) ? ['acceptedAt'] : []),
  ];
  if (differs.length)
    throw problem(409, 'order-exists', `an order with this id exists with other content: ${differs.join(', ')}`, {
      errors: differs.map((field) => ({ field, reason: 'differs from the order that exists' })),
    });
  return stored;
}

interface Settings extends PartnerRow {
  readonly holder: string | null;
}

async function findSettings(tx: Tx, programme: string, order: PlaceExchangeOrder, at: Instant): Promise<Settings | undefined> {
  const [row] = await tx.query<Settings>(selectSettings, [programme, order.partner, at, order.myKeyId]);
  return row;
}

const selectSettings = {
  name: 'order_settings',
  text: `
    select ${partnerColumns},
      (select holder from holder_link where my_key_id = $4 order by registered_at desc limit 1) as holder
    from partner p ${rateAt('$3')}
    where p.programme = $1 and p.partner = $2`,
};

const findOrderById = { name: 'find_order', text: `${selectOrder} where o.programme = $1 and o.partner = $2 and o.order_id = $3` };

const insertOrder = {
  name: 'insert_order',
  text: `
    insert into exchange_order (id, tenant, programme, partner, order_id, reference, my_key_id, holder, partner_points, municipal_points,
                                rate_version, accepted_at, client, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending')
    on conflict on constraint exchange_order_pk do nothing`,
};
