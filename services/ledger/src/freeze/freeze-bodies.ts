import { IsInstant, IsListOf } from '@points/http';
import { IsBoolean, IsInt, IsString, MaxLength, MinLength } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

export class PutFreeze {
  @IsBoolean()
  frozen!: boolean;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @JSONSchema({ description: 'why it is frozen or freed; without personal data' })
  reason!: string;
}

export class FreezeChangeView {
  @IsBoolean()
  frozen!: boolean;

  @IsString()
  reason!: string;

  @IsString()
  actor!: string;

  @IsInstant()
  changedAt!: string;
}

/** Enough to see a history by eye; an older one is in the table. */
export const freezeChangesMax = 100;

export class FreezeView {
  @IsBoolean()
  frozen!: boolean;

  @IsListOf(() => FreezeChangeView, freezeChangesMax)
  @JSONSchema({ description: 'newest first' })
  changes!: FreezeChangeView[];
}

export class StandingView extends FreezeView {
  @IsInt()
  @JSONSchema({ description: 'what reversals could not take back: the next grants pay it first' })
  debt!: number;
}
