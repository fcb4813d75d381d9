import { IsCount, IsInstant, IsListOf } from '@points/http';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { instantOf } from '../clock.js';
import { idForm, PartnerPath } from '../ids.js';
import { disableReasons, type DisableReason } from '../rules/webhook-retry.js';
import { partnerEventTypes } from './event-types.js';

/** A company, a few systems of it, a test system each. */
export const endpointsMax = 10;
export const overlapHoursDefault = 24;
/** A week: the next regular deployment of the slowest partner. */
const overlapHoursMax = 168;
const typesMax = 50;

export class WebhookEndpointPath extends PartnerPath {
  @Matches(idForm)
  endpoint!: string;
}

export const endpointStates = ['active', 'disabled'] as const;
export type EndpointState = (typeof endpointStates)[number];

export class PutWebhookEndpoint {
  /** https, to an address of the public internet, port 443 or from 1024 on. */
  @IsString()
  @Length(8, 500)
  url!: string;

  /** Absent: all that there are, also those that come later. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(typesMax)
  @ArrayUnique()
  @IsIn(partnerEventTypes, { each: true })
  types?: string[];

  /** active unless told. A disabled endpoint gets pings only; what happens meanwhile can be replayed. */
  @IsOptional()
  @IsIn([...endpointStates])
  state?: EndpointState;
}

export class ValidSecret {
  @IsUUID()
  id!: string;

  @IsInstant()
  createdAt!: string;

  /** Absent: until another one takes its place. */
  @IsOptional()
  @IsInstant()
  validUntil?: string;
}

export class WebhookEndpointView {
  @IsString()
  endpoint!: string;

  @IsString()
  url!: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(typesMax)
  @IsString({ each: true })
  types?: string[];

  @IsIn([...endpointStates])
  state!: EndpointState;

  @IsOptional()
  @IsInstant()
  disabledAt?: string;

  /** Present when the cloud disabled it. gone: it answered 410. failing: it took nothing for 3 days. */
  @IsOptional()
  @IsIn([...disableReasons])
  disabledReason?: DisableReason;

  /** The first failure after the last success. */
  @IsOptional()
  @IsInstant()
  failingSince?: string;

  /** Webhooks that wait for an attempt. */
  @IsCount()
  waiting!: number;

  /** Those that sign now, the newest first. */
  @IsListOf(() => ValidSecret, 2)
  secrets!: ValidSecret[];
}

export class NewWebhookEndpointView extends WebhookEndpointView {
  /** whsec_ and base64. Shown this once: keep it. */
  @IsString()
  secret!: string;
}

export class WebhookEndpointsView {
  @IsListOf(() => WebhookEndpointView, endpointsMax)
  endpoints!: WebhookEndpointView[];
}

export class RotateWebhookSecret {
  /** How long the secret before signs too; 0 ends it now. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(overlapHoursMax)
  overlapHours?: number;
}

export class NewWebhookSecretView extends ValidSecret {
  /** whsec_ and base64. Shown in the answer to this request only: keep it. */
  @IsString()
  secret!: string;
}

/** What is to be sent. */
export class AnnouncedView {
  /** The webhook-id. */
  @IsUUID()
  event!: string;
}

export interface EndpointRow {
  readonly id: string;
  readonly endpoint: string;
  readonly url: string;
  readonly types: readonly string[] | null;
  readonly state: EndpointState;
  readonly disabled_reason: DisableReason | null;
  readonly disabled_at: Date | null;
  readonly failing_since: Date | null;
  readonly waiting: number;
  readonly secrets: readonly { readonly id: string; readonly createdAt: string; readonly validUntil: string | null }[];
}

/** An endpoint under its id of the tables. */
export interface Endpoint {
  readonly id: string;
  readonly view: WebhookEndpointView;
}

/** Counts no further than is said here: a number of waiting webhooks, not a scan of them. */
export const waitingCountMax = 100_000;

export const selectEndpoint = `
  select e.id, e.endpoint, e.url, e.types, e.state, e.disabled_reason, e.disabled_at, e.failing_since,
    (select count(*)::int from (
      select from webhook_delivery d where d.endpoint_id = e.id and d.next_attempt_at is not null limit ${waitingCountMax}
    ) w) as waiting,
    (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'createdAt', s.created_at, 'validUntil', s.valid_until) order by s.created_at desc), '[]')
     from webhook_secret s where s.endpoint_id = e.id and (s.valid_until is null or s.valid_until > now())) as secrets
  from webhook_endpoint e`;

export function endpointOf(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    view: {
      endpoint: row.endpoint,
      url: row.url,
      ...(row.types && { types: [...row.types] }),
      state: row.state,
      ...(row.disabled_at && { disabledAt: instantOf(row.disabled_at) }),
      ...(row.disabled_reason && { disabledReason: row.disabled_reason }),
      ...(row.failing_since && { failingSince: instantOf(row.failing_since) }),
      waiting: row.waiting,
      secrets: row.secrets.map(({ id, createdAt, validUntil }) => ({
        id,
        createdAt: instantOf(new Date(createdAt)),
        ...(validUntil !== null && { validUntil: instantOf(new Date(validUntil)) }),
      })),
    },
  };
}
