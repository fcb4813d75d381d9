import { IsInstant, IsListOf, IsNested, IsPoints } from '@points/http';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

const kinds = ['issue', 'hold', 'capture', 'release', 'spend', 'convert', 'donate', 'refund', 'transfer'] as const;
const name = /^[a-z]+:\S{1,100}$/;

/** All kinds in one class: which fields belong to a kind is said by the contract ledger.posting-requested.v1 and checked against it. */
export class InstructionBody {
  @IsIn(kinds)
  kind!: (typeof kinds)[number];

  @IsOptional()
  @IsPoints()
  @JSONSchema({ description: 'every kind but release' })
  amount?: number;

  @IsOptional()
  @Matches(name)
  @JSONSchema({ description: 'issue: who pays, such as partner:<id>, activity:<id>, staff:<id>' })
  source?: string;

  @IsOptional()
  @IsIn(['paid', 'free'])
  @JSONSchema({ description: 'issue' })
  funding?: 'paid' | 'free';

  @IsOptional()
  @IsUUID()
  @JSONSchema({ description: 'hold, capture, release: the id of the hold, made by whoever holds' })
  hold?: string;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(20)
  @Matches(name, { each: true })
  @JSONSchema({ description: 'hold, spend, convert, donate: the tags of the place of use' })
  places?: string[];

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'hold: when it ends by itself' })
  expiresAt?: string;

  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'capture: release the rest' })
  final?: boolean;

  @IsOptional()
  @Matches(name)
  @JSONSchema({ description: 'capture, spend, convert, donate, transfer: the receiving account' })
  to?: string;

  @IsOptional()
  @IsIn(['spend', 'convert', 'donate'])
  @JSONSchema({ description: 'capture: what it is reported as; spend unless told' })
  use?: 'spend' | 'convert' | 'donate';

  @IsOptional()
  @IsString()
  @MaxLength(500)
  @JSONSchema({ description: 'refund: the reference of the posting that is refunded' })
  of?: string;
}

export class PostInstruction {
  @IsUUID()
  holder!: string;

  @IsNested(() => InstructionBody)
  instruction!: InstructionBody;

  @IsOptional()
  @IsInstant()
  @JSONSchema({ description: 'when it took effect, for a programme that takes history in; needs the scope history:write' })
  effectiveAt?: string;

  @IsOptional()
  @IsString()
  @MaxLength(200)
  reason?: string;
}

export class PostedView {
  @IsString()
  @JSONSchema({ description: 'names this posting for refunds' })
  reference!: string;

  @IsUUID()
  posting!: string;

  @IsInt()
  amount!: number;

  @IsInstant()
  effectiveAt!: string;

  @IsInt()
  @JSONSchema({ description: 'posted balance of the holder after it' })
  balance!: number;

  @IsInt()
  @JSONSchema({ description: 'balance less what is held' })
  available!: number;
}

export class PostingQuery {
  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'true: answer what would become of it now, and write nothing' })
  dryRun?: boolean;
}

export class DryRunView {
  @IsBoolean()
  dryRun!: true;

  @IsInt()
  amount!: number;

  @IsInstant()
  effectiveAt!: string;

  @IsInt()
  balance!: number;

  @IsInt()
  available!: number;
}

export class BatchPosting extends PostInstruction {
  @Matches(/^[\x21-\x7e]{1,100}$/)
  @JSONSchema({ description: 'what the Idempotency-Key is to a single posting: unique for the client in the programme, for ever' })
  reference!: string;
}

/** About 60 ms of locks at the door, and 400 kB of body. */
export const postingsPerBatchMax = 500;

export class PostBatch {
  @IsIn(['atomic', 'each'])
  @JSONSchema({ description: 'atomic: all are carried out or none; each: what is refused does not hinder the others' })
  mode!: 'atomic' | 'each';

  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'true: decide all, one after the other, and write nothing' })
  dryRun?: boolean;

  @IsListOf(() => BatchPosting, postingsPerBatchMax)
  @ArrayMinSize(1)
  postings!: BatchPosting[];
}

const batchStates = ['posted', 'refused', 'not-carried-out'] as const;

export class BatchOutcomeView {
  @IsString()
  @JSONSchema({ description: 'as it was sent' })
  reference!: string;

  @IsIn(batchStates)
  status!: (typeof batchStates)[number];

  @IsOptional()
  @IsString()
  @JSONSchema({ description: 'names this posting for refunds and reversals; absent in a dry run' })
  postingReference?: string;

  @IsOptional()
  @IsUUID()
  posting?: string;

  @IsOptional()
  @IsInt()
  amount?: number;

  @IsOptional()
  @IsInstant()
  effectiveAt?: string;

  @IsOptional()
  @IsInt()
  balance?: number;

  @IsOptional()
  @IsInt()
  available?: number;

  @IsOptional()
  @IsBoolean()
  @JSONSchema({ description: 'the reference was known: this is what became of it the first time' })
  repeated?: boolean;

  @IsOptional()
  @IsString()
  code?: string;

  @IsOptional()
  @IsString()
  detail?: string;

  @IsOptional()
  @IsObject()
  facts?: Record<string, string | number | boolean>;
}

export class BatchView {
  @IsIn(['atomic', 'each'])
  mode!: 'atomic' | 'each';

  @IsBoolean()
  dryRun!: boolean;

  @IsInt()
  posted!: number;

  @IsInt()
  refused!: number;

  @IsListOf(() => BatchOutcomeView, postingsPerBatchMax)
  outcomes!: BatchOutcomeView[];
}
