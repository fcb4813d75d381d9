import { IsListOf, OrNull } from '@points/http';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { historyLinesMax } from './import-history.js';

export class ImportHistory {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(historyLinesMax)
  @IsObject({ each: true })
  @JSONSchema({
    type: 'array',
    items: { type: 'object' },
    description:
      'each {reference: "history:…", holder, instruction, effectiveAt, reason?}; the lines of one holder are taken in their order',
  } as never)
  lines!: Record<string, unknown>[];
}

class FieldErrorView {
  @IsString()
  field!: string;

  @IsString()
  reason!: string;
}

class LineResultView {
  @IsInt()
  line!: number;

  @IsString()
  @OrNull()
  reference!: string | null;

  @IsIn(['posted', 'repeated', 'refused', 'invalid', 'failed'])
  status!: 'posted' | 'repeated' | 'refused' | 'invalid' | 'failed';

  @IsOptional()
  @IsUUID()
  posting?: string;

  @IsOptional()
  @IsString()
  code?: string;

  @IsOptional()
  @IsString()
  detail?: string;

  @IsOptional()
  @IsListOf(() => FieldErrorView, 30)
  errors?: readonly FieldErrorView[];
}

export class ImportHistoryView {
  @IsInt()
  posted!: number;

  @IsInt()
  @JSONSchema({ description: 'known by their reference: posted before, not again' })
  repeated!: number;

  @IsInt()
  refused!: number;

  @IsInt()
  invalid!: number;

  @IsInt()
  @JSONSchema({ description: 'may be sent again as they are' })
  failed!: number;

  @IsListOf(() => LineResultView, historyLinesMax)
  @JSONSchema({ description: 'the lines that were not posted or repeated; all of them when ?results=all' })
  lines!: readonly LineResultView[];
}

export class ImportQuery {
  @IsOptional()
  @IsIn(['wrong', 'all'])
  results?: 'wrong' | 'all';
}
