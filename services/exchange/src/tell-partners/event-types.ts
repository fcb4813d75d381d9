import { IsCount, IsInstant, IsPoints, IsProgramme } from '@points/http';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID } from 'class-validator';
import { channels, type Channel } from '../rules/channel.js';
import { reversalReasons, type ReversalReason } from '../rules/reversal.js';
import { uploadEnds, type UploadEnd } from '../rules/upload-end.js';
import { disableReasons, type DisableReason } from '../rules/webhook-retry.js';

/** In the data of every event. No personal data beyond what the partner gave us: its own order id, amounts, states. */
export class AboutPartner {
  @IsProgramme()
  programme!: string;

  @IsString()
  partner!: string;
}

class AboutOrder extends AboutPartner {
  /** The one that the partner gave it; of another channel than api or upload one of ours. */
  @IsString()
  orderId!: string;

  @IsIn([...channels])
  channel!: Channel;

  @IsPoints()
  partnerPoints!: number;

  @IsPoints()
  municipalPoints!: number;
}

export class ExchangeOrderCompleted extends AboutOrder {
  /** When the points count from. */
  @IsInstant()
  bookedAt!: string;

  /** The ledger's posting. */
  @IsUUID()
  posting!: string;
}

export class ExchangeOrderRefused extends AboutOrder {
  /** As in the answer to the order, such as outside-period. */
  @IsString()
  code!: string;

  @IsString()
  detail!: string;
}

/** Rules that watch for fraud hold it; which ones is not told. */
export class ExchangeOrderInReview extends AboutOrder {
  @IsInstant()
  heldAt!: string;
}

export class ExchangeOrderReviewApproved extends AboutOrder {
  @IsInstant()
  approvedAt!: string;
}

export class ExchangeOrderReversed extends AboutOrder {
  @IsIn([...reversalReasons])
  reason!: ReversalReason;

  /** Of the order's own points: those that were still there. */
  @IsCount()
  takenBack!: number;

  /** Those that were used already and are a debt of the holder now. */
  @IsCount()
  owed!: number;

  @IsInstant()
  reversedAt!: string;
}

export class ExchangeOrderReversalRefused extends AboutOrder {
  @IsIn([...reversalReasons])
  reason!: ReversalReason;

  /** As in the answer to the reversal, such as reverse-exceeds. */
  @IsString()
  code!: string;

  @IsString()
  detail!: string;
}

/** By its place in the batch that the partner sent: the code itself is told to nobody. */
export class CouponRedeemed extends AboutOrder {
  @IsString()
  batch!: string;

  @IsString()
  serial!: string;

  @IsInstant()
  bookedAt!: string;

  @IsUUID()
  posting!: string;
}

/** Its numbers are those of the upload in the API. */
export class OrderUploadEnded extends AboutPartner {
  @IsUUID()
  upload!: string;

  @IsIn([...uploadEnds])
  state!: UploadEnd;

  @IsBoolean()
  dryRun!: boolean;

  /** Absent where the file was not read to its end. */
  @IsOptional()
  @IsCount()
  lines?: number;

  @IsCount()
  bad!: number;

  @IsCount()
  known!: number;

  @IsCount()
  placed!: number;

  @IsCount()
  booked!: number;

  @IsCount()
  refused!: number;

  @IsCount()
  inReview!: number;

  /** Why the file as a whole was not booked, such as bad-lines. */
  @IsOptional()
  @IsString()
  code?: string;

  @IsOptional()
  @IsString()
  detail?: string;

  @IsInstant()
  endedAt!: string;
}

export class StatementClosed extends AboutPartner {
  /** Of the calendar in Tokyo. */
  @IsString()
  month!: string;

  /** What the partner owes, without tax; negative: the other way. */
  @IsInt()
  totalYen!: number;

  @IsInstant()
  closedAt!: string;
}

export class WebhookEndpointDisabled extends AboutPartner {
  @IsString()
  endpoint!: string;

  /** gone: it answered 410. failing: it took nothing for 3 days. */
  @IsIn([...disableReasons])
  reason!: DisableReason;

  @IsInstant()
  disabledAt!: string;
}

export class WebhookPing extends AboutPartner {
  @IsString()
  endpoint!: string;
}

/** All that partners are told. Another type is a class above, a line here, and a call of `announce` where it becomes true. */
export const partnerEvents = {
  'exchange-order.completed': { summary: 'The points of an exchange order are issued', data: ExchangeOrderCompleted },
  'exchange-order.reversed': { summary: 'The points of an exchange order are taken back', data: ExchangeOrderReversed },
  'exchange-order.reversal-refused': {
    summary: 'The ledger has refused to take an exchange order back; it stands as before',
    data: ExchangeOrderReversalRefused,
  },
  'statement.closed': { summary: 'The statement of a month is closed, for good', data: StatementClosed },
  'exchange-order.refused': { summary: 'An exchange order is refused; nothing was issued', data: ExchangeOrderRefused },
  'exchange-order.in-review': { summary: 'An exchange order waits for a person; nothing is issued yet', data: ExchangeOrderInReview },
  'exchange-order.review-approved': {
    summary:
      'A person has let an exchange order go on; its end is told when it comes. One that is refused is told as exchange-order.refused',
    data: ExchangeOrderReviewApproved,
  },
  'coupon.redeemed': {
    summary: 'The points of a coupon are issued; told beside exchange-order.completed',
    data: CouponRedeemed,
  },
  'order-upload.ended': {
    summary: 'A file of orders is worked off, and every order of it has its end or waits for a person',
    data: OrderUploadEnded,
  },
  'webhook-endpoint.disabled': {
    summary: 'Nothing is sent to one of the partner’s endpoints any more; told to the others',
    data: WebhookEndpointDisabled,
  },
  'webhook.ping': { summary: 'A test that was asked for, sent to one endpoint, once', data: WebhookPing },
} as const;

export type PartnerEventType = keyof typeof partnerEvents;
// The keys of a literal are its own.
export const partnerEventTypes = Object.keys(partnerEvents) as PartnerEventType[];

type DataOf<T extends PartnerEventType> = InstanceType<(typeof partnerEvents)[T]['data']>;

/** Something to tell a partner. Programme and partner are put into the data from here. */
export type PartnerFact = {
  [T in PartnerEventType]: {
    readonly municipality: string;
    readonly programme: string;
    readonly partner: string;
    readonly type: T;
    readonly data: Readonly<Omit<DataOf<T>, keyof AboutPartner>>;
  };
}[PartnerEventType];

/** The body of the webhook: type, timestamp and data as in Standard Webhooks. The same text for every attempt. */
export function bodyOf(event: { readonly type: string; readonly data: unknown; readonly createdAt: string }): string {
  return JSON.stringify({ type: event.type, timestamp: event.createdAt, data: event.data });
}
