import { parsePoints } from '@points/kernel';
import { IsInstant, IsMyKeyId, IsPoints } from '@points/http';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Matches, Min, ValidateNested } from 'class-validator';
import { instantOf } from '../clock.js';
import { idForm, paperIdForm } from '../ids.js';
import { bearers, type Bearer } from '../rules/campaign.js';
import { channels, type Channel } from '../rules/channel.js';
import { orderStates, type OrderState } from '../rules/order-state.js';
import { Rate } from '../set-up-partners/terms-shapes.js';

/** Long enough for a hash in hexadecimal; with dots or colons it could be an address. */
const originForm = /^[A-Za-z0-9_-]{8,100}$/;

export const bonusStates = ['waiting', 'pending', 'posted', 'refused', 'void'] as const;
/** waiting: for the order's own points. pending: asked of the ledger. void: the order came to nothing. */
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
}

export interface OrderRow {
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

/** An order under its id of the table, by which callers wait for it. */
export interface Order {
  readonly id: string;
  readonly view: ExchangeOrderView;
}

export const selectOrder = `
  select o.id, o.order_id, o.reference, o.partner, o.my_key_id, o.partner_points, o.municipal_points, o.rest, o.channel, o.quote, o.campaign,
         o.bonus_points, o.bonus_borne_by, o.bonus_state, o.bonus_refusal, o.accepted_at, o.state, o.posting, o.booked_at,
         o.refusal, t.version, t.numerator, t.denominator
  from exchange_order o
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
    },
  };
}

function bonusOf(row: OrderRow): { bonus?: BonusView } {
  const { campaign, bonus_points: given, bonus_borne_by: borneBy, bonus_state: state, bonus_refusal: refusal } = row;
  if (campaign === null || given === null || borneBy === null || state === null) return {};
  return { bonus: { campaign, points: parsePoints(given), borneBy, state, ...(refusal && { refusal }) } };
}
