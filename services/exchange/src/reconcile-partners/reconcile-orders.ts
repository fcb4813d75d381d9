import type { Tx } from '@points/database';
import { problem, type CsvTable } from '@points/http';
import { parsePoints, type Instant } from '@points/kernel';
import { instantOf } from '../clock.js';
import { matchKey, matchOrders, type Elsewhere, type ListedOrder, type OrderMatch, type OwnOrder } from '../rules/match-orders.js';
import { listRowsMax, readOrdersList } from './read-orders-list.js';
import { malformedList } from './take-lists.js';

/** Five times the longest list. */
export const ownLinesMax = 100_000;

export interface Question {
  readonly programme: string;
  readonly partner: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly toleranceDays: number;
}

/**
 * Compares a partner's own file with what is booked here. Nothing is stored and nothing is set right: that is for people.
 * @throws Problem 422 `malformed-list`, `period-too-large`
 */
export async function reconcileOrders(tx: Tx, text: string, question: Question): Promise<OrderMatch> {
  const list = readOrdersList(text);
  if ('errors' in list) throw malformedList(list.errors);
  const { programme, partner, from, to, toleranceDays } = question;
  const own = (await tx.query<OwnRow>(readOwn, [programme, partner, from, to, ownLinesMax + 1])).map(ownOf);
  if (own.length > ownLinesMax)
    throw problem(422, 'period-too-large', `the days have more than ${ownLinesMax} orders and reversals; compare fewer days`, {
      ownLinesMax,
      listRowsMax,
    });
  const known = new Set(own.map(matchKey));
  const unknown = list.lines.filter((one) => !known.has(matchKey(one)));
  return matchOrders(list.lines, own, await elsewhereOf(tx, question, unknown), toleranceDays);
}

/** Every line that does not agree. */
export function differencesTable({ missingHere, missingThere, different }: OrderMatch): CsvTable {
  const header = [
    'finding',
    'line',
    'orderId',
    'kind',
    'partnerPointsThere',
    'partnerPointsHere',
    'municipalPointsThere',
    'municipalPointsHere',
  ];
  const row = (finding: string, there: ListedOrder | null, here: OwnOrder | null, reason: string) => [
    ...[finding, there?.line, there?.orderId ?? here?.orderId, there?.kind ?? here?.kind],
    ...[there?.partnerPoints, here?.partnerPoints, there?.municipalPoints, here?.municipalPoints, there?.date, here?.bookedAt, reason],
  ];
  return {
    header: [...header, 'dateThere', 'bookedAt', 'reason'],
    rows: [
      ...missingHere.map(({ listed, reason }) => row('missingHere', listed, null, reason)),
      ...different.map(({ listed, own, reasons }) => row('different', listed, own, reasons.join('; '))),
      ...missingThere.map((own) => row('missingThere', null, own, 'not in the list')),
    ],
  };
}

/** Lines that are not among those compared: booked at another time, or in a state in which nothing is booked. */
async function elsewhereOf(tx: Tx, { programme, partner }: Question, unknown: readonly ListedOrder[]): Promise<Map<string, Elsewhere>> {
  if (unknown.length === 0) return new Map();
  const ids = [...new Set(unknown.map((one) => one.orderId))];
  const rows = await tx.query<OwnRow & { state: string; reversed_at: Date | null }>(readElsewhere, [programme, partner, ids]);
  return new Map(
    rows.flatMap((row): [string, Elsewhere][] => {
      const { order_id: orderId, state, happened_at: bookedAt, reversed_at: reversedAt } = row;
      const as = (kind: OwnOrder['kind'], at: Date | null): [string, Elsewhere] => [
        matchKey({ orderId, kind }),
        at ? { own: ownOf({ ...row, kind, happened_at: at }) } : { state },
      ];
      return [as('order', bookedAt), as('reversal', reversedAt)];
    }),
  );
}

interface OwnRow {
  readonly order_id: string;
  readonly kind: OwnOrder['kind'];
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly happened_at: Date;
}

function ownOf(row: OwnRow): OwnOrder {
  return {
    orderId: row.order_id,
    kind: row.kind,
    partnerPoints: parsePoints(row.partner_points),
    municipalPoints: parsePoints(row.municipal_points),
    bookedAt: instantOf(row.happened_at),
  };
}

const readOwn = {
  name: 'read_own_orders',
  text: `
    select order_id, case kind when 'order' then 'order' else 'reversal' end as kind, abs(partner_points) as partner_points,
           abs(municipal_points) as municipal_points, happened_at
    from account_line
    where programme = $1 and partner = $2 and kind in ('order', 'order-reversal') and happened_at >= $3 and happened_at < $4
    order by happened_at, id, kind limit $5`,
};

const readElsewhere = {
  name: 'read_orders_elsewhere',
  text: `
    select o.order_id, o.state, o.partner_points, o.municipal_points, o.booked_at as happened_at, r.reversed_at
    from exchange_order o left join order_reversal r on r.id = o.reversal
    where o.programme = $1 and o.partner = $2 and o.order_id = any ($3)`,
};
