import { IsInstant, IsPoints, ProgrammePath } from '@points/http';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, MaxLength, MinLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

const states = ['pending-approval', 'posted', 'refused'] as const;

export class AdjustmentPath extends ProgrammePath {
  @IsUUID()
  adjustment!: string;
}

export class AdjustmentQuery {
  @IsOptional()
  @IsIn(['pending-approval', 'all'])
  @JSONSchema({ description: 'pending-approval unless told' })
  state?: 'pending-approval' | 'all';
}

export class PostAdjustment {
  @IsUUID()
  holder!: string;

  @IsIn(['add', 'take'])
  direction!: 'add' | 'take';

  @IsPoints()
  amount!: number;

  @IsOptional()
  @IsIn(['paid', 'free'])
  @JSONSchema({ description: 'add: who bears the points; free unless told' })
  funding?: 'paid' | 'free';

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @JSONSchema({ description: 'why; without personal data' })
  reason!: string;
}

export class ApproveAdjustment {
  @IsUUID()
  @JSONSchema({ description: 'the adjustment of the path once more: whoever approves says which one' })
  adjustment!: string;
}

export class AdjustmentView {
  @IsUUID()
  adjustment!: string;

  @IsIn(states)
  state!: (typeof states)[number];

  @IsUUID()
  holder!: string;

  @IsIn(['add', 'take'])
  direction!: 'add' | 'take';

  @IsInt()
  amount!: number;

  @IsIn(['paid', 'free'])
  funding!: 'paid' | 'free';

  @IsString()
  reason!: string;

  @IsString()
  askedBy!: string;

  @IsInstant()
  askedAt!: string;

  @IsOptional()
  @IsString()
  approvedBy?: string;

  @IsOptional()
  @IsInstant()
  approvedAt?: string;

  @IsOptional()
  @IsUUID()
  @JSONSchema({ description: 'posted: the transfer' })
  posting?: string;

  @IsOptional()
  @IsString()
  @JSONSchema({ description: 'refused: the code' })
  code?: string;
}
