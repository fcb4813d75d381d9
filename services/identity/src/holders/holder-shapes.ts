import { IsInstant, IsMyKeyId, MunicipalityPath } from '@points/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsInt, IsOptional, IsUUID, Matches, Max, Min, ValidateNested } from 'class-validator';
import { republishHoldersMax } from './republish-holders.js';

/** One request body of some 6 kB and one transaction of some 10 ms. */
export const holdersBulkMax = 500;

export class HolderPath extends MunicipalityPath {
  @IsUUID()
  holder!: string;
}

export class MyKeyIdPath extends MunicipalityPath {
  @IsMyKeyId()
  myKeyId!: string;
}

export class RegisterHolder {
  /** Absent for a person who has none yet: one is made. */
  @IsOptional()
  @IsMyKeyId()
  myKeyId?: string;
}

export class RegisterHolders {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(holdersBulkMax)
  @Matches(/^[0-9A-Za-z]{8}$/, { each: true })
  myKeyIds!: string[];
}

export class ChangeMyKeyId {
  @IsMyKeyId()
  myKeyId!: string;
}

export class HolderView {
  @IsUUID()
  holder!: string;

  @IsMyKeyId()
  myKeyId!: string;
}

export class RegisteredHolderView {
  /** A retired My Key ID was given up for another one and has no holder. */
  @IsIn(['created', 'known', 'retired'])
  state!: 'created' | 'known' | 'retired';

  @IsMyKeyId()
  myKeyId!: string;

  @IsOptional()
  @IsUUID()
  holder?: string;
}

export class RegisteredHoldersView {
  /** In the order of the request, each My Key ID once. */
  @ValidateNested({ each: true })
  @Type(() => RegisteredHolderView)
  holders!: RegisteredHolderView[];
}

export class ChangedMyKeyIdView extends HolderView {
  @IsInstant()
  since!: string;
}

export class RepublishHolders {
  /** `next` of the answer before; absent to begin. */
  @IsOptional()
  @IsUUID()
  after?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(republishHoldersMax)
  limit?: number;
}

export class RepublishedView {
  @IsInt()
  published!: number;

  /** Send it as `after` to go on; absent when all are told. */
  @IsOptional()
  @IsUUID()
  next?: string;
}
