import { IsCount, IsInstant, IsListOf, IsNested } from '@points/http';
import { IsBoolean, IsIn, IsInt, IsNumber, IsOptional, IsString, IsUUID, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { instantOf } from '../clock.js';
import { uploadFormats, type UploadFormat } from './read-orders.js';

/**
 * receiving: its bytes arrive. received: whole, and waits for a worker. checking: all lines are read. booking: orders are placed, and
 * the ledger's answers awaited. done: every order has ended. failed: the file as a whole cannot be booked, and nothing of it was.
 * cancelled: what was booked stays booked, the rest never will be.
 */
export const uploadStates = ['receiving', 'received', 'checking', 'booking', 'done', 'failed', 'cancelled'] as const;
export type UploadState = (typeof uploadStates)[number];

/** lines: each good line is booked. whole-file: nothing is, unless every line is good when the file is checked. */
export const uploadModes = ['lines', 'whole-file'] as const;
export type UploadMode = (typeof uploadModes)[number];

/** With the longest ids a million lines have 130 MB. */
export const uploadBytesMax = 268_435_456;
export const uploadLinesMax = 1_000_000;
/** A file with more is not what it was meant to be; its sender looks at these first. */
export const badLinesMax = 100_000;
/** Of one partner, not yet ended. */
export const openUploadsMax = 10;
/** The file, its errors and results, from its end on. */
export const uploadKeptDays = 90;
export const uploadsPageMax = 100;

export class UploadFailure {
  @IsString()
  code!: string;

  @IsString()
  detail!: string;
}

export class UploadView {
  @IsUUID()
  upload!: string;

  @IsString()
  partner!: string;

  @IsIn([...uploadStates])
  state!: UploadState;

  @IsIn([...uploadFormats])
  format!: UploadFormat;

  @IsIn([...uploadModes])
  mode!: UploadMode;

  /** Checks all that can be known without the ledger, and books nothing. */
  @IsBoolean()
  dryRun!: boolean;

  @IsInt()
  bytes!: number;

  /** Lines with an order, good or bad; known once all are checked. */
  @IsOptional()
  @IsInt()
  lines?: number;

  @IsInt()
  @JSONSchema({ description: 'lines that were read and checked' })
  checked!: number;

  @IsInt()
  @JSONSchema({ description: 'lines that were booked or found bad' })
  processed!: number;

  @IsInt()
  @JSONSchema({ description: 'lines with errors: nothing of them is booked' })
  bad!: number;

  @IsInt()
  @JSONSchema({ description: 'lines whose order existed before with the same content' })
  known!: number;

  @IsInt()
  @JSONSchema({ description: 'orders that this upload placed' })
  placed!: number;

  @IsInt()
  @JSONSchema({ description: 'of the orders placed: the ledger has issued the points' })
  booked!: number;

  @IsInt()
  @JSONSchema({ description: 'of the orders placed: the ledger has refused them' })
  refused!: number;

  @IsInt()
  @JSONSchema({ description: 'of the orders placed: they waited for a person when the upload ended; see each order for what came of it' })
  inReview!: number;

  /** Lines a second in this state so far. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  linesPerSecond?: number;

  /** At this rate. */
  @IsOptional()
  @IsCount()
  remainingSeconds?: number;

  /** Of the key that signed it. */
  @IsOptional()
  @IsString()
  kid?: string;

  @IsOptional()
  @IsNested(() => UploadFailure)
  failure?: UploadFailure;

  @IsInstant()
  receivedAt!: string;

  @IsOptional()
  @IsInstant()
  cancelAskedAt?: string;

  @IsOptional()
  @IsInstant()
  endedAt?: string;
}

export class UploadsView {
  @IsListOf(() => UploadView, uploadsPageMax)
  uploads!: UploadView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

export interface UploadRow {
  readonly id: string;
  readonly tenant: string;
  readonly programme: string;
  readonly partner: string;
  readonly client: string;
  readonly is_on_behalf: boolean;
  readonly may_bring_history: boolean;
  readonly traceparent: string | null;
  readonly format: UploadFormat;
  readonly mode: UploadMode;
  readonly is_dry_run: boolean;
  readonly kid: string | null;
  readonly state: UploadState;
  readonly bytes: string;
  readonly lines: number | null;
  readonly checked: number;
  readonly processed: number;
  readonly bad: number;
  readonly placed: number;
  readonly known: number;
  readonly completed: number;
  readonly refused: number;
  readonly in_review: number;
  readonly read_bytes: string;
  readonly read_lines: number;
  readonly failure: UploadFailure | null;
  readonly cancel_asked_at: Date | null;
  readonly received_at: Date;
  readonly checking_at: Date | null;
  readonly booking_at: Date | null;
  readonly ended_at: Date | null;
  readonly is_pruned: boolean;
}

/** Of `order_upload u`, with the ends that nobody has added up yet. */
export const uploadColumns = `
  u.id, u.tenant, u.programme, u.partner, u.client, u.is_on_behalf, u.may_bring_history, u.traceparent, u.format, u.mode, u.is_dry_run, u.kid,
  u.state, u.bytes, u.lines, u.checked, u.processed, u.bad, u.placed, u.known,
  u.completed + (select coalesce(sum(completed), 0)::int from order_upload_end where upload = u.id) as completed,
  u.refused + (select coalesce(sum(refused), 0)::int from order_upload_end where upload = u.id) as refused,
  u.in_review, u.read_bytes, u.read_lines, u.failure, u.cancel_asked_at, u.received_at, u.checking_at, u.booking_at, u.ended_at, u.is_pruned`;

export function uploadView(row: UploadRow, now: Date): UploadView {
  return {
    upload: row.id,
    partner: row.partner,
    state: row.state,
    format: row.format,
    mode: row.mode,
    dryRun: row.is_dry_run,
    bytes: Number(row.bytes),
    ...(row.lines !== null && { lines: row.lines }),
    checked: row.checked,
    processed: row.processed,
    bad: row.bad,
    known: row.known,
    placed: row.placed,
    booked: row.completed,
    refused: row.refused,
    inReview: row.in_review,
    ...paceOf(row, now),
    ...(row.kid !== null && { kid: row.kid }),
    ...(row.failure && { failure: row.failure }),
    receivedAt: instantOf(row.received_at),
    ...(row.cancel_asked_at && { cancelAskedAt: instantOf(row.cancel_asked_at) }),
    ...(row.ended_at && { endedAt: instantOf(row.ended_at) }),
  };
}

/** While booking: of the lines whose orders have ended. */
function paceOf(row: UploadRow, now: Date): Pick<UploadView, 'linesPerSecond' | 'remainingSeconds'> {
  const { state, lines, booking_at: since } = row;
  if (lines === null || !since || (state !== 'booking' && state !== 'done')) return {};
  const seconds = ((row.ended_at ?? now).getTime() - since.getTime()) / 1_000;
  const ended = row.processed - (row.placed - row.completed - row.refused - row.in_review);
  if (seconds <= 0 || ended <= 0) return {};
  const rate = ended / seconds;
  return {
    linesPerSecond: Math.round(rate * 10) / 10,
    ...(state === 'booking' && { remainingSeconds: Math.ceil((lines - ended) / rate) }),
  };
}
