import { IsInstant, IsListOf, OrNull, ProgrammePath } from '@points/http';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, IsUUID, Max, Min } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

const blockNumberMax = 2 ** 31 - 1;

export class TransferPath extends ProgrammePath {
  @IsUUID()
  transfer!: string;
}

export class ProofQuery {
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(blockNumberMax)
  @JSONSchema({ description: 'the number of the head that the proof is to lead to; the latest unless told' })
  head?: number;
}

export class BlockHeaderView {
  @IsString()
  programme!: string;

  @IsInt()
  number!: number;

  @IsString()
  @OrNull('hash of the block before; null for the first')
  previous!: string | null;

  @IsString()
  @OrNull('hash of the block whose number is this one without its lowest bit; null where that is 0')
  skip!: string | null;

  @IsInt()
  @JSONSchema({ description: 'leaves in the block' })
  count!: number;

  @IsString()
  @JSONSchema({ description: 'root of the Merkle tree (RFC 6962) over the leaves' })
  root!: string;

  @IsInstant()
  sealedAt!: string;

  @IsString()
  hash!: string;
}

export class ProofView {
  @IsString()
  programme!: string;

  @IsUUID()
  transfer!: string;

  @IsString()
  @JSONSchema({ description: 'the canonical text that was sealed: one JSON array, fields by place' })
  leaf!: string;

  @IsInt()
  index!: number;

  @IsArray()
  @ArrayMaxSize(32)
  @IsString({ each: true })
  path!: readonly string[];

  @IsListOf(() => BlockHeaderView, 500)
  headers!: readonly BlockHeaderView[];
}
