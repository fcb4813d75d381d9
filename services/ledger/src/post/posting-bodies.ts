import { IsInstant, IsPoints } from '@points/http';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateNested,
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

  @ValidateNested()
  @Type(() => InstructionBody)
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
