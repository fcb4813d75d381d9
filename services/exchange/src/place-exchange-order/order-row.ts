import { parsePoints } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { Bearer } from '../rules/campaign.js';
import type { Channel } from '../rules/channel.js';
import type { OrderState } from '../rules/order-state.js';
import type { ReversalReason, ReversalState } from '../rules/reversal.js';
import type { BonusState, BonusView, ExchangeOrderView, RefusalView, ReversalView, TakenBackView } from './order-view.js';

/** As `reversalColumns` selects it; all null where an order has none. */
export interface ReversalRow {
  readonly reversal_id: string | null;
  readonly reversal_state: ReversalState;
  readonly reversal_reason: ReversalReason;
  readonly reversal_note: string | null;
  readonly requested_by: string;
  readonly requested_at: Date;
  readonly is_late: boolean;
  readonly taken_points: string | null;
  readonly owed_points: string | null;
  readonly reversed_at: Date | null;
  readonly reversal_refusal: RefusalView | null;
  readonly bonus_taken_points: string | null;
  readonly bonus_owed_points: string | null;
  readonly bonus_reversed_at: Date | null;
  readonly bonus_reversal_refusal: RefusalView | null;
}

export interface OrderRow extends ReversalRow {
  readonly id: string;
  readonly order_id: string;
  readonly reference: string;
  readonly partner: string;
  readonly my_key_id: string;
  readonly partner_points: string;
  readonly municipal_points: string;
  readonly rest: string;
  readonly channel: Channel;
  readonly quote: string | null;
  readonly campaign: string | null;
  readonly bonus_points: string | null;
  readonly bonus_borne_by: Bearer | null;
  readonly bonus_state: BonusState | null;
  readonly bonus_refusal: RefusalView | null;
  readonly version: number;
  readonly numerator: number;
  readonly denominator: number;
  readonly accepted_at: Date;
  readonly state: OrderState;
  readonly posting: string | null;
  readonly booked_at: Date | null;
  readonly refusal: RefusalView | null;
}

/** What the end of an order adds to what was placed. */
export type OrderEnd = Pick<ExchangeOrderView, 'state' | 'bookedAt' | 'posting' | 'refusal'> & { readonly bonusState?: BonusState };

/** As its row would be read. */
export function endedOrder({ id, view }: Order, { bonusState, ...end }: OrderEnd): Order {
  return { id, view: { ...view, ...end, ...(view.bonus && bonusState && { bonus: { ...view.bonus, state: bonusState } }) } };
}

/** An order under its id of the table, by which callers wait for it. */
export interface Order {
  readonly id: string;
  readonly view: ExchangeOrderView;
}

/** Of `order_reversal r`. */
export const reversalColumns = `
  r.id as reversal_id, r.state as reversal_state, r.reason as reversal_reason, r.note as reversal_note, r.requested_by, r.requested_at, r.is_late,
  r.taken_points, r.owed_points, r.reversed_at, r.refusal as reversal_refusal, r.bonus_taken_points, r.bonus_owed_points, r.bonus_reversed_at,
  r.bonus_refusal as bonus_reversal_refusal`;

const readColumns = [
  ...['id', 'order_id', 'reference', 'partner', 'my_key_id', 'partner_points', 'municipal_points', 'rest', 'channel', 'quote', 'campaign'],
  ...['bonus_points', 'bonus_borne_by', 'bonus_state', 'bonus_refusal', 'accepted_at', 'state', 'posting', 'booked_at', 'refusal'],
];

const orderColumns = `
  ${readColumns.map((name) => `o.${name}`).join(', ')}, t.version, t.numerator, t.denominator, ${reversalColumns}`;

const orderJoins = `
  left join order_reversal r on r.id = o.reversal
  join partner_terms t on t.programme = o.programme and t.partner = o.partner and t.version = o.terms_version`;

export const selectOrder = `select ${orderColumns} from exchange_order o ${orderJoins}`;

/**
 * Each by its key, whatever the planner thinks: without fresh statistics it read all orders of the partner for every batch, and compared
 * them with the references one by one.
 */
export const selectOrdersByReference = `
  select ${orderColumns}
  from unnest($1::text[]) as w (reference)
  cross join lateral (
    select ${[...readColumns, 'programme', 'terms_version', 'reversal'].join(', ')} from exchange_order where reference = w.reference offset 0) o
  ${orderJoins}`;

export function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    view: {
      orderId: row.order_id,
      partner: row.partner,
      state: row.state,
      myKeyId: row.my_key_id,
      partnerPoints: parsePoints(row.partner_points),
      municipalPoints: parsePoints(row.municipal_points),
      rate: { numerator: row.numerator, denominator: row.denominator, version: row.version },
      ...(row.rest !== '0' && { rest: Number(row.rest) }),
      channel: row.channel,
      ...(row.quote !== null && { quote: row.quote }),
      ...bonusOf(row),
      acceptedAt: instantOf(row.accepted_at),
      ...(row.booked_at && { bookedAt: instantOf(row.booked_at) }),
      ...(row.posting && { posting: row.posting }),
      ...(row.refusal && { refusal: row.refusal }),
      ...(row.reversal_id !== null && { reversal: reversalOf({ ...row, reversal_id: row.reversal_id }) }),
    },
  };
}

export function reversalOf(row: ReversalRow & { readonly reversal_id: string }): ReversalView {
  const taken = takenBack(row.taken_points, row.owed_points, row.reversed_at);
  const bonusTaken = takenBack(row.bonus_taken_points, row.bonus_owed_points, row.bonus_reversed_at);
  const { reversal_refusal: refusal, bonus_reversal_refusal: bonusRefusal } = row;
  return {
    reversal: row.reversal_id,
    state: row.reversal_state,
    reason: row.reversal_reason,
    ...(row.reversal_note !== null && { note: row.reversal_note }),
    requestedBy: row.requested_by,
    requestedAt: instantOf(row.requested_at),
    ...(row.is_late && { isLate: true }),
    ...(taken && { taken }),
    ...((bonusTaken ?? bonusRefusal) && {
      bonus: { ...(bonusTaken && { taken: bonusTaken }), ...(bonusRefusal && { refusal: bonusRefusal }) },
    }),
    ...(refusal && { refusal }),
  };
}

function takenBack(taken: string | null, owed: string | null, at: Date | null): TakenBackView | undefined {
  if (taken === null || owed === null || at === null) return undefined;
  return { takenBack: parsePoints(taken), owed: parsePoints(owed), reversedAt: instantOf(at) };
}

function bonusOf(row: OrderRow): { bonus?: BonusView } {
  const { campaign, bonus_points: given, bonus_borne_by: borneBy, bonus_state: state, bonus_refusal: refusal } = row;
  if (campaign === null || given === null || borneBy === null || state === null) return {};
  return { bonus: { campaign, points: parsePoints(given), borneBy, state, ...(refusal && { refusal }) } };
}
