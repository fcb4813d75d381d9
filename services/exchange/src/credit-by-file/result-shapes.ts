import { IsCount, IsInstant, IsListOf, pageLinesMax } from '@points/http';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Matches } from 'class-validator';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import { contradictionCodes, schemeResults, type ContradictionCode, type ListedResult } from '../rules/scheme-result.js';

export class ContradictionView {
  /** In the file; the header is line 1. */
  @IsInt()
  line!: number;

  @IsString()
  creditId!: string;

  @IsIn([...schemeResults])
  result!: ListedResult['result'];

  @IsIn([...contradictionCodes])
  code!: ContradictionCode;

  @IsString()
  reason!: string;
}

class ResultFileLineView {
  @IsUUID()
  resultFile!: string;

  @IsString()
  client!: string;

  @IsInstant()
  receivedAt!: string;

  /** Of the bytes that were sent, in hexadecimal digits. */
  @Matches(/^[0-9a-f]{64}$/)
  sha256!: string;

  @IsCount()
  lines!: number;

  /** Of these the held points are spent. */
  @IsCount()
  accepted!: number;

  /** Of these the held points go back. */
  @IsCount()
  refused!: number;

  /** They say what was known already. */
  @IsCount()
  unchanged!: number;
}

export class ResultFileView extends ResultFileLineView {
  /** Nothing was done for these lines. */
  @IsListOf(() => ContradictionView, listRowsMax)
  contradictions!: readonly ContradictionView[];
}

export class ResultFileSumView extends ResultFileLineView {
  /** Lines for which nothing was done; the file itself tells them. */
  @IsCount()
  contradictions!: number;
}

export class ResultFilesView {
  @IsListOf(() => ResultFileSumView, pageLinesMax.csv)
  resultFiles!: ResultFileSumView[];

  /** Send as `after` for the next page; absent on the last one. */
  @IsOptional()
  @IsString()
  next?: string;
}
