import { IsInstant, IsMyKeyId, IsNested, IsPoints } from '@points/http';
import { IsOptional, IsUUID, Matches } from 'class-validator';
import { idForm, paperIdForm } from '../ids.js';

/** Long enough for a hash in hexadecimal; with dots or colons it could be an address. */
const originForm = /^[A-Za-z0-9_-]{8,100}$/;

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
  @IsNested(() => OrderOrigin)
  origin?: OrderOrigin;

  /** Only to bring history in (scope history:write): the order's own time, under whose rules it is booked. */
  @IsOptional()
  @IsInstant()
  acceptedAt?: string;
}
