import type { Tx } from '@points/database';
import { IsCount, IsInstant, IsListOf } from '@points/http';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, Min } from 'class-validator';
import { instantOf } from '../clock.js';

export const attemptsPageMax = 200;

const outcomes = ['delivered', 'waiting', 'failed', 'stale'] as const;
type Outcome = (typeof outcomes)[number];

export class AttemptView {
  @IsUUID()
  id!: string;

  /** The webhook-id. */
  @IsUUID()
  event!: string;

  @IsString()
  type!: string;

  @IsInt()
  @Min(1)
  attempt!: number;

  @IsInstant()
  attemptedAt!: string;

  /** waiting: it is tried again at nextAttemptAt. failed: it is not. stale: another attempt of the same webhook had taken over. */
  @IsIn([...outcomes])
  outcome!: Outcome;

  /** Of the answer; absent when there was none. */
  @IsOptional()
  @IsInt()
  status?: number;

  @IsCount()
  durationMs!: number;

  /** The first 500 characters of it. */
  @IsOptional()
  @IsString()
  answer?: string;

  @IsOptional()
  @IsString()
  problem?: string;

  @IsOptional()
  @IsInstant()
  nextAttemptAt?: string;
}

export class AttemptsView {
  @IsListOf(() => AttemptView, attemptsPageMax)
  attempts!: AttemptView[];

  /** Send as `before` for the next, older page; absent on the last one. */
  @IsOptional()
  @IsUUID()
  next?: string;
}

export class AttemptsQuery {
  /** The last attempt of the page before. */
  @IsOptional()
  @IsUUID()
  before?: string;

  /** Of one webhook-id only. */
  @IsOptional()
  @IsUUID()
  event?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(attemptsPageMax)
  limit?: number;
}

/** The newest first. */
export async function listAttempts(
  tx: Tx,
  endpointId: string,
  { before, event, limit = attemptsPageMax }: AttemptsQuery,
): Promise<AttemptsView> {
  const rows = await tx.query<AttemptRow>(selectAttempts, [endpointId, before ?? null, event ?? null, limit]);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return { attempts: rows.map(attemptOf), ...(last && { next: last.id }) };
}

interface AttemptRow {
  readonly id: string;
  readonly event_id: string;
  readonly type: string;
  readonly attempt: number;
  readonly attempted_at: Date;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly duration_ms: number;
  readonly answer: string | null;
  readonly problem: string | null;
  readonly next_attempt_at: Date | null;
}

function attemptOf(row: AttemptRow): AttemptView {
  return {
    id: row.id,
    event: row.event_id,
    type: row.type,
    attempt: row.attempt,
    attemptedAt: instantOf(row.attempted_at),
    outcome: row.outcome,
    ...(row.status !== null && { status: row.status }),
    durationMs: row.duration_ms,
    ...(row.answer !== null && { answer: row.answer }),
    ...(row.problem !== null && { problem: row.problem }),
    ...(row.next_attempt_at && { nextAttemptAt: instantOf(row.next_attempt_at) }),
  };
}

const selectAttempts = `
  select id, event_id, type, attempt, attempted_at, outcome, status, duration_ms, answer, problem, next_attempt_at
  from webhook_attempt
  where endpoint_id = $1 and ($2::uuid is null or id < $2) and ($3::uuid is null or event_id = $3)
  order by id desc limit $4`;
