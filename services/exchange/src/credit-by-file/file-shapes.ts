import { IsCount, IsDay, IsInstant, IsListOf, IsNested, pageLinesMax } from '@points/http';
import { IsOptional, IsString, Matches } from 'class-validator';

export class SchemeFileView {
  /** Of the cut-off, in Tokyo. */
  @IsDay()
  day!: string;

  @IsInstant()
  cutOffAt!: string;

  @IsInstant()
  madeAt!: string;

  /** Credits, without the header. */
  @IsCount()
  lines!: number;

  /** Sum of the lines. */
  @IsCount()
  points!: number;

  /** Of the bytes of the file, in hexadecimal digits. */
  @Matches(/^[0-9a-f]{64}$/)
  sha256!: string;
}

export class SchemeFilesView {
  @IsListOf(() => SchemeFileView, pageLinesMax.csv)
  files!: SchemeFileView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}

export class CreditCountView {
  @IsCount()
  lines!: number;

  @IsCount()
  points!: number;
}

/** What has become of the file's lines until now. */
export class SchemeFileStandView extends SchemeFileView {
  /** Not answered yet. */
  @IsNested(() => CreditCountView)
  open!: CreditCountView;

  @IsNested(() => CreditCountView)
  accepted!: CreditCountView;

  @IsNested(() => CreditCountView)
  refused!: CreditCountView;

  /** Not answered within the scheme's days. */
  @IsNested(() => CreditCountView)
  givenBack!: CreditCountView;
}
