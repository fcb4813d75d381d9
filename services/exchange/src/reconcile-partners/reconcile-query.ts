import { FormatQuery, IsDay, problem } from '@points/http';
import { endOfDayJst, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

/** The day of the other side may be that of its acceptance, ours is that of the booking. */
const toleranceDaysMax = 7;

export class ReconcileQuery extends FormatQuery {
  /** First day, in Tokyo. */
  @IsDay()
  from!: string;

  /** Last day, in Tokyo. */
  @IsDay()
  to!: string;

  /** Days by which dates may differ; none unless told. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(toleranceDaysMax)
  toleranceDays?: number;
}

export interface Period {
  readonly from: Instant;
  readonly to: Instant;
  readonly toleranceDays: number;
}

/** @throws Problem 422 `invalid-request` */
export function periodOf({ from, to, toleranceDays }: ReconcileQuery): Period {
  if (to < from)
    throw problem(422, 'invalid-request', 'the query is wrong: to is before from', {
      errors: [{ field: 'to', reason: 'is before from' }],
    });
  // Days were checked by the query's class.
  return { from: startOfDayJst(from as LocalDate), to: endOfDayJst(to as LocalDate), toleranceDays: toleranceDays ?? 0 };
}
