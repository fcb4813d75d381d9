import { IsInstant, IsListOf, IsNested } from '@points/http';
import { IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Length, Min } from 'class-validator';
import { PartnerPath } from '../ids.js';
import { TermsShape } from '../set-up-partners/terms-shapes.js';

export const changesListedMax = 200;
export const changeStates = ['waiting', 'approved', 'withdrawn'] as const;
export type ChangeState = (typeof changeStates)[number];

export class ChangePath extends PartnerPath {
  @IsUUID()
  change!: string;
}

export class ProposeChange {
  /** The whole terms as they will be: a field that is absent will have no value. */
  @IsNested(() => TermsShape)
  @IsObject()
  terms!: TermsShape;

  /** From when on; absent: from the approval on. A time that has passed when the second person approves is refused. */
  @IsOptional()
  @IsInstant()
  holdsFrom?: string;

  @IsString()
  @Length(1, 300)
  reason!: string;
}

/** The change that is meant, so that nobody approves by mistake what was replaced meanwhile. */
export class DecideChange {
  @IsUUID()
  change!: string;
}

export class ChangeView {
  @IsUUID()
  change!: string;

  @IsString()
  partner!: string;

  @IsNested(() => TermsShape)
  terms!: TermsShape;

  @IsOptional()
  @IsInstant()
  holdsFrom?: string;

  @IsString()
  reason!: string;

  @IsIn([...changeStates])
  state!: ChangeState;

  @IsString()
  proposedBy!: string;

  @IsInstant()
  proposedAt!: string;

  @IsOptional()
  @IsString()
  decidedBy?: string;

  @IsOptional()
  @IsInstant()
  decidedAt?: string;

  /** Of the terms; present once approved. */
  @IsOptional()
  @IsInt()
  @Min(1)
  version?: number;
}

export class ChangesView {
  /** Newest first. */
  @IsListOf(() => ChangeView, changesListedMax)
  changes!: ChangeView[];
}
