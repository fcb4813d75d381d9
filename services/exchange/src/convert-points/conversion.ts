import { parsePoints, type LocalDate } from '@points/kernel';
import { IsCount, IsDay, IsInstant, IsMyKeyId, IsNested, IsPoints } from '@points/http';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { instantOf } from '../clock.js';
import { idForm, paperIdForm } from '../ids.js';
import { RefusalView } from '../place-exchange-order/order-view.js';
import { conversionStates, type ConversionState } from '../rules/conversion-state.js';
import { deliveries, type Delivery } from '../rules/scheme-delivery.js';

export class RequestConversion {
  /** The caller's own id: the same id with the same content is the same conversion, whatever the Idempotency-Key. */
  @Matches(paperIdForm)
  conversionId!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @Matches(idForm)
  scheme!: string;

  @IsPoints()
  points!: number;

  /** Only to bring history in (scope history:write): the effective time of every step. */
  @IsOptional()
  @IsInstant()
  requestedAt?: string;
}

export class AtScheme {
  /** As the scheme was set up when the conversion was requested. */
  @IsIn([...deliveries])
  delivery!: Delivery;

  /** By file: the day of the file that asks for the credit; absent until it is made. */
  @IsOptional()
  @IsDay()
  fileDay?: string;

  /** When the points go back where the scheme has not answered by then; by file, known once the file is made. */
  @IsOptional()
  @IsInstant()
  giveBackAt?: string;

  /** By api. */
  @IsOptional()
  @IsCount()
  attempts?: number;

  /** Absent when the attempts are used up: an operator has to ask for more. */
  @IsOptional()
  @IsInstant()
  nextAttemptAt?: string;

  @IsOptional()
  @IsString()
  lastProblem?: string;
}

export class ConversionView {
  @IsString()
  conversionId!: string;

  @IsString()
  scheme!: string;

  @IsIn([...conversionStates])
  state!: ConversionState;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  points!: number;

  @IsInstant()
  requestedAt!: string;

  /** The scheme's own number of the credit; present once it has acknowledged. */
  @IsOptional()
  @IsString()
  receipt?: string;

  /** Present once refused, by the ledger or by the scheme. */
  @IsOptional()
  @IsNested(() => RefusalView)
  refusal?: RefusalView;

  /** Present in dispute: what the ledger said against the capture or release of points that it holds. */
  @IsOptional()
  @IsString()
  dispute?: string;

  /** Present while the scheme is to credit the points, which stay held. */
  @IsOptional()
  @IsNested(() => AtScheme)
  atScheme?: AtScheme;
}

export interface ConversionRow {
  readonly id: string;
  readonly conversion_id: string;
  readonly scheme: string;
  readonly state: ConversionState;
  readonly my_key_id: string;
  readonly points: string;
  readonly requested_at: Date;
  readonly receipt: string | null;
  readonly refusal: RefusalView | null;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly last_problem: string | null;
  readonly delivery: Delivery;
  readonly file_day: LocalDate | null;
  readonly give_back_at: Date | null;
}

/** A conversion under its id of the table, by which callers wait for it. */
export interface Conversion {
  readonly id: string;
  readonly view: ConversionView;
}

export const conversionColumns =
  'id, conversion_id, scheme, state, my_key_id, points, requested_at, receipt, refusal, attempts, next_attempt_at, last_problem, delivery, ' +
  'file_day::text as file_day, give_back_at';

export function conversionOf(row: ConversionRow): Conversion {
  return {
    id: row.id,
    view: {
      conversionId: row.conversion_id,
      scheme: row.scheme,
      state: row.state,
      myKeyId: row.my_key_id,
      points: parsePoints(row.points),
      requestedAt: instantOf(row.requested_at),
      ...(row.receipt !== null && { receipt: row.receipt }),
      ...(row.refusal && { refusal: row.refusal }),
      ...(row.state === 'in-dispute' && row.last_problem !== null && { dispute: row.last_problem }),
      ...(row.state === 'at-scheme' && {
        atScheme: {
          delivery: row.delivery,
          ...(row.file_day !== null && { fileDay: row.file_day }),
          ...(row.give_back_at && { giveBackAt: instantOf(row.give_back_at) }),
          ...(row.delivery === 'api' && { attempts: row.attempts }),
          ...(row.next_attempt_at && { nextAttemptAt: instantOf(row.next_attempt_at) }),
          ...(row.last_problem !== null && { lastProblem: row.last_problem }),
        },
      }),
    },
  };
}
