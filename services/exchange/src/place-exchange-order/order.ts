import { parsePoints } from '@points/kernel';
import { IsInstant, IsMyKeyId, IsPoints } from '@points/http';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Matches, Min, ValidateNested } from 'class-validator';
import { instantOf } from '../clock.js';
import { idForm, paperIdForm } from '../ids.js';
import { orderStates, type OrderState } from '../rules/order-state.js';
import { Rate } from '../set-up-partners/partner.js';

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
  @IsInt()
  @Min(1)
  version!: number;
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
  readonly partner: string;
  readonly my_key_id: string;
  readonly partner_points: string;
  readonly municipal_points: string;
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
  select o.id, o.order_id, o.partner, o.my_key_id, o.partner_points, o.municipal_points, o.accepted_at, o.state, o.posting, o.booked_at,
         o.refusal, r.version, r.numerator, r.denominator
  from exchange_order o
  join partner_rate r on r.programme = o.programme and r.partner = o.partner and r.version = o.rate_version`;

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
      acceptedAt: instantOf(row.accepted_at),
      ...(row.booked_at && { bookedAt: instantOf(row.booked_at) }),
      ...(row.posting && { posting: row.posting }),
      ...(row.refusal && { refusal: row.refusal }),
    },
  };
}
