import { parsePoints } from '@points/kernel';
import { IsInstant, IsMyKeyId, IsPoints } from '@points/http';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Matches, Min, ValidateNested } from 'class-validator';
import { instantOf } from '../clock.js';
import { idForm, paperIdForm } from '../ids.js';
import { AtPartnerView } from '../exchange-by-link/link-order.js';
import { bearers, type Bearer } from '../rules/campaign.js';
import { channels, type Channel } from '../rules/channel.js';
import { orderStates, type OrderState } from '../rules/order-state.js';
import { reversalReasons, reversalStates, type ReversalReason, type ReversalState } from '../rules/reversal.js';
import { Rate } from '../set-up-partners/terms-shapes.js';

/** Long enough for a hash in hexadecimal; with dots or colons it could be an address. */
const originForm = /^[A-Za-z0-9_-]{8,100}$/;

export const bonusStates = ['waiting', 'pending', 'posted', 'refused', 'void', 'reversed'] as const;
/** waiting: for the order's own points. pending: asked of the ledger. void: the order came to nothing. reversed: taken back with it. */
export type BonusState = (typeof bonusStates)[number];

/** Where an order comes from, as pseudonyms of the caller's making (a keyed hash, never the address itself): rules against fraud compare them. */
export class OrderOrigin {
  @IsOptional()
  @Matches(originForm)
  address?: string;

  @IsOptional()
  @Matches(originForm)
  device?: string;
}

export class PlaceExchangeOrder {
  /** The partner's own id of the order: the same id with the same content is the same order, whatever the Idempotency-Key. */
  @Matches(paperIdForm)
  orderId!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @Matches(idForm)
  partner!: string;

  @IsPoints()
  partnerPoints!: number;

  /** What the partner expects the rate to give; checked when given. */
  @IsOptional()
  @IsPoints()
  municipalPoints?: number;

  /** A quote of this partner for this person and amount: the order gives what it says, or is refused. */
  @IsOptional()
  @IsUUID()
  quote?: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => OrderOrigin)
  origin?: OrderOrigin;

  /** Only to bring history in (scope history:write): the order's own time, under whose rules it is booked. */
  @IsOptional()
  @IsInstant()
  acceptedAt?: string;
}

/** Why the ledger, or the card scheme, said no. */
export class RefusalView {
  @IsString()
  code!: string;

  @IsString()
  detail!: string;

  @IsOptional()
  @IsObject()
  facts?: Record<string, string | number | boolean>;
}

export class AppliedRate extends Rate {
  /** Of the partner's terms. */
  @IsInt()
  @Min(1)
  version!: number;
}

export class BonusView {
  @IsString()
  campaign!: string;

  @IsPoints()
  points!: number;

  @IsIn([...bearers])
  borneBy!: Bearer;

  @IsIn([...bonusStates])
  state!: BonusState;

  /** Present once refused by the ledger; the order's own points are there all the same. */
  @IsOptional()
  @ValidateNested()
  @Type(() => RefusalView)
  refusal?: RefusalView;
}

/** Of points that were taken back. */
export class TakenBackView {
  /** Points that were still there. */
  @IsInt()
  @Min(0)
  takenBack!: number;

  /** Points that were used already and are a debt of the holder now, which the next grants pay (the programme's rule). */
  @IsInt()
  @Min(0)
  owed!: number;

  @IsInstant()
  reversedAt!: string;
}

export class ReversedBonusView {
  @IsOptional()
  @ValidateNested()
  @Type(() => TakenBackView)
  taken?: TakenBackView;

  /** The bonus stays with the holder; the order's own points are taken back all the same. */
  @IsOptional()
  @ValidateNested()
  @Type(() => RefusalView)
  refusal?: RefusalView;
}

export class ReversalView {
  @IsUUID()
  reversal!: string;

  @IsIn([...reversalStates])
  state!: ReversalState;

  @IsIn([...reversalReasons])
  reason!: ReversalReason;

  @IsOptional()
  @IsString()
  note?: string;

  @IsString()
  requestedBy!: string;

  @IsInstant()
  requestedAt!: string;

  /** By staff, after the partner's own time for it. */
  @IsOptional()
  @IsBoolean()
  isLate?: boolean;

  @IsOptional()
  @ValidateNested()
  @Type(() => TakenBackView)
  taken?: TakenBackView;

  @IsOptional()
  @ValidateNested()
  @Type(() => ReversedBonusView)
  bonus?: ReversedBonusView;

  /** Present once refused by the ledger: nothing was taken back. */
  @IsOptional()
  @ValidateNested()
  @Type(() => RefusalView)
  refusal?: RefusalView;
}

export class ExchangeOrderView {
  @IsString()
  orderId!: string;

  @IsString()
  partner!: string;

  @IsIn([...orderStates])
  state!: OrderState;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  partnerPoints!: number;

  @IsPoints()
  municipalPoints!: number;

  @ValidateNested()
  @Type(() => AppliedRate)
  rate!: AppliedRate;

  /** What rounding left, over the rate's denominator: partnerPoints × numerator = municipalPoints × denominator + rest. Absent when nothing. */
  @IsOptional()
  @IsInt()
  @Min(1)
  rest?: number;

  @IsIn([...channels])
  channel!: Channel;

  @IsOptional()
  @IsUUID()
  quote?: string;

  /** Issued by themselves once the order's own points are. */
  @IsOptional()
  @ValidateNested()
  @Type(() => BonusView)
  bonus?: BonusView;

  @IsInstant()
  acceptedAt!: string;

  /** When the points count from in the ledger; present once completed. */
  @IsOptional()
  @IsInstant()
  bookedAt?: string;

  /** The ledger's posting; present once completed. */
  @IsOptional()
  @IsUUID()
  posting?: string;

  /** Present once refused. */
  @IsOptional()
  @ValidateNested()
  @Type(() => RefusalView)
  refusal?: RefusalView;

  /** The last wish to take it back, and what became of it. */
  @IsOptional()
  @ValidateNested()
  @Type(() => ReversalView)
  reversal?: ReversalView;

  /** Of an order of a linked account, when it is read. */
  @IsOptional()
  @ValidateNested()
  @Type(() => AtPartnerView)
  atPartner?: AtPartnerView;
}

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

export const selectOrder = `
  select o.id, o.order_id, o.reference, o.partner, o.my_key_id, o.partner_points, o.municipal_points, o.rest, o.channel, o.quote, o.campaign,
         o.bonus_points, o.bonus_borne_by, o.bonus_state, o.bonus_refusal, o.accepted_at, o.state, o.posting, o.booked_at,
         o.refusal, t.version, t.numerator, t.denominator, ${reversalColumns}
  from exchange_order o
  left join order_reversal r on r.id = o.reversal
  join partner_terms t on t.programme = o.programme and t.partner = o.partner and t.version = o.terms_version`;

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
