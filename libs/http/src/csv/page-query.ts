import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { pageLinesMax, type Format } from './json-or-csv.js';

/** Of every list and report. */
export class FormatQuery {
  @IsOptional()
  @IsIn(['json', 'csv'])
  @JSONSchema({ description: 'csv: the lines as text/csv, as with Accept: text/csv' })
  format?: Format;
}

export class PageQuery extends FormatQuery {
  @IsOptional()
  @IsString()
  @MaxLength(500)
  @JSONSchema({ description: '`next` of the page before' })
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(pageLinesMax.csv)
  @JSONSchema({ description: `lines; at most ${pageLinesMax.json} for JSON, ${pageLinesMax.csv} for CSV` })
  limit?: number;
}
