import { IsDay, IsInstant, pageLinesMax } from '@points/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';

export class SchemeFileView {
  /** Of the cut-off, in Tokyo. */
  @IsDay()
  day!: string;

  @IsInstant()
  cutOffAt!: string;

  @IsInstant()
  madeAt!: string;

  /** Credits, without the header. */
  @IsInt()
  @Min(0)
  lines!: number;

  /** Sum of the lines. */
  @IsInt()
  @Min(0)
  points!: number;

  /** Of the bytes of the file, in hexadecimal digits. */
  @Matches(/^[0-9a-f]{64}$/)
  sha256!: string;
}

export class SchemeFilesView {
  @IsArray()
  @ArrayMaxSize(pageLinesMax.csv)
  @ValidateNested({ each: true })
  @Type(() => SchemeFileView)
  files!: SchemeFileView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

export class CreditCountView {
  @IsInt()
  @Min(0)
  lines!: number;

  @IsInt()
  @Min(0)
  points!: number;
}

/** What has become of the file's lines until now. */
export class SchemeFileStandView extends SchemeFileView {
  /** Not answered yet. */
  @ValidateNested()
  @Type(() => CreditCountView)
  open!: CreditCountView;

  @ValidateNested()
  @Type(() => CreditCountView)
  accepted!: CreditCountView;

  @ValidateNested()
  @Type(() => CreditCountView)
  refused!: CreditCountView;

  /** Not answered within the scheme's days. */
  @ValidateNested()
  @Type(() => CreditCountView)
  givenBack!: CreditCountView;
}
