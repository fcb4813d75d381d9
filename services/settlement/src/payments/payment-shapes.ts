import { IsCount, IsInstant, IsMyKeyId, IsNested, IsPoints, ProgrammePath } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { actionsMax } from '../rules/limits.js';
import { paymentStates, type PaymentState } from '../rules/payment.js';
import { shopIdForm } from '../shops/shop-shapes.js';

const labelCharsMax = 64;

export class PaymentPath extends ProgrammePath {
  @IsUUID()
  payment!: string;
}

export class TakePayment {
  @Matches(shopIdForm)
  shop!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  amount!: number;

  /** `later` holds the points until they are captured, a week at most. */
  @IsOptional()
  @IsIn(['now', 'later'])
  capture?: 'now' | 'later';

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(labelCharsMax)
  terminal?: string;

  /** The shop's own number of the sale. */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(labelCharsMax)
  receipt?: string;
}

export class CapturePayment {
  /** All that is left when absent. */
  @IsOptional()
  @IsPoints()
  amount?: number;

  /** Gives back what is not captured. True unless told. */
  @IsOptional()
  @IsBoolean()
  final?: boolean;
}

export class RefundPayment {
  @IsPoints()
  amount!: number;
}

/** An empty object; unknown fields are refused. */
export class CancelPayment {
  /** For the shop's own books. */
  @IsOptional()
  @IsString()
  @MaxLength(labelCharsMax)
  receipt?: string;
}

export class PaymentActionView {
  @IsUUID()
  action!: string;

  @IsIn(['capture', 'refund', 'cancellation', 'lapse'])
  kind!: 'capture' | 'refund' | 'cancellation' | 'lapse';

  @IsCount()
  amount!: number;

  @IsIn(['pending', 'done', 'refused'])
  state!: 'pending' | 'done' | 'refused';

  @IsOptional()
  @IsString()
  code?: string;

  @IsInstant()
  createdAt!: string;
}

export class PaymentView {
  @IsUUID()
  payment!: string;

  @IsIn([...paymentStates])
  state!: PaymentState;

  @IsInt()
  @Min(1)
  amount!: number;

  @IsCount()
  captured!: number;

  @IsCount()
  refunded!: number;

  @IsString()
  shop!: string;

  @IsIn(['now', 'later'])
  capture!: 'now' | 'later';

  /** Available to the holder after the last answer of the ledger. */
  @IsOptional()
  @IsInt()
  balance?: number;

  /** Of a refused payment. */
  @IsOptional()
  @IsString()
  code?: string;

  @IsOptional()
  @IsString()
  detail?: string;

  /** While points are held. */
  @IsOptional()
  @IsInstant()
  holdUntil?: string;

  @IsOptional()
  @IsString()
  terminal?: string;

  @IsOptional()
  @IsString()
  receipt?: string;

  @IsInstant()
  createdAt!: string;
}

/** The payment as it stands, and what was just asked of it. */
export class ActedPaymentView extends PaymentView {
  @IsNested(() => PaymentActionView)
  asked!: PaymentActionView;
}

export class PaymentWithActionsView extends PaymentView {
  @ValidateNested({ each: true })
  @Type(() => PaymentActionView)
  @ArrayMaxSize(actionsMax)
  actions!: PaymentActionView[];
}
