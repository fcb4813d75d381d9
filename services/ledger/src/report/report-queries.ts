import { FormatQuery, IsDay, IsInstant, PageQuery, ProgrammePath } from '@points/http';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { ageBuckets } from './book-lines.js';
import { type Total, totalNames } from './totals.js';

const listOf = (names: string) => new RegExp(`^(${names})(,(${names}))*$`);

const month = /^[0-9]{4}-(0[1-9]|1[0-2])$/;

class KnownQuery extends FormatQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'as the books were known at this instant, without what was recorded later' })
  knownAt?: string;
}

export class MovementsQuery extends KnownQuery {
  @IsDay()
  @JSONSchema({ description: 'first day, in Tokyo' })
  from!: string;

  @IsDay()
  @JSONSchema({ description: 'last day, in Tokyo' })
  to!: string;

  @IsOptional()
  @Matches(listOf('month|source|funding|age|cohort'))
  @JSONSchema({
    description:
      'what rows are kept apart by, with commas between: month, source, funding, age (days since the grant), cohort (month of the grant)',
  })
  by?: string;
}

export class OutstandingQuery extends KnownQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'what was there when this instant came; now unless told' })
  at?: string;

  @IsOptional()
  @Matches(listOf('source|funding|age|ending|cohort'))
  @JSONSchema({
    description:
      'what rows are kept apart by, with commas between: source, funding, age (days since the grant), ending (month of the last day), cohort (month of the grant)',
  })
  by?: string;
}

export class AtQuery extends KnownQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'what counts before this instant; now unless told' })
  at?: string;
}

export class KnownAtQuery extends KnownQuery {}

/** Which figure of which row: the labels of the row as the report gave them. */
class LinesQuery extends PageQuery {
  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'the same as the report was asked with; it keeps the lines still while they are paged' })
  knownAt?: string;

  @IsOptional()
  @IsString()
  @MaxLength(150)
  source?: string;

  @IsOptional()
  @IsIn(['paid', 'free'])
  funding?: string;
}

class TotalLinesQuery extends LinesQuery {
  @IsIn(totalNames)
  @JSONSchema({ description: 'the figure whose lines are wanted; redeemed and lapsed are those of a base date' })
  total!: Total;

  @IsOptional()
  @IsIn(ageBuckets)
  age?: string;

  @IsOptional()
  @Matches(month)
  @JSONSchema({ description: 'month of the grant' })
  cohort?: string;
}

export class MovementLinesQuery extends TotalLinesQuery {
  @IsDay()
  from!: string;

  @IsDay()
  to!: string;

  @IsOptional()
  @Matches(month)
  month?: string;
}

export class PeriodLinesQuery extends TotalLinesQuery {
  @IsOptional()
  @Matches(month)
  month?: string;
}

export class BreakageLinesQuery extends TotalLinesQuery {
  @IsOptional()
  @IsInstant()
  at?: string;
}

export class OutstandingLinesQuery extends LinesQuery {
  @IsOptional()
  @IsInstant()
  at?: string;

  @IsOptional()
  @IsIn(ageBuckets)
  age?: string;

  @IsOptional()
  @Matches(/^([0-9]{4}-(0[1-9]|1[0-2])|never)$/)
  ending?: string;

  @IsOptional()
  @Matches(month)
  cohort?: string;
}

export class BaseDatePath extends ProgrammePath {
  @Matches(/^[0-9]{4}-(03-31|09-30)$/)
  @JSONSchema({ description: '31 March or 30 September' })
  day!: string;
}

export class YearPath extends ProgrammePath {
  @IsInt()
  @Min(1_900)
  @Max(9_998)
  @JSONSchema({ description: 'fiscal year (年度): 2017 is 1 April 2017 to 31 March 2018' })
  year!: number;
}

export class ChangeClose {
  @IsBoolean()
  closed!: boolean;

  @IsString()
  @MinLength(1)
  @MaxLength(500)
  reason!: string;
}
