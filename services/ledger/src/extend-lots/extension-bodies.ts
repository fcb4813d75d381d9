import { IsDay, IsInstant, IsListOf, IsNested, pageLinesMax, ProgrammePath } from '@points/http';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { NextView } from '../statement/next-view.js';

/** Some 800 kB of JSON: what a request may have. A longer list is several extensions. */
export const extensionHoldersMax = 20_000;
/** Ten years. */
export const extensionDaysMax = 3_653;

const states = ['pending-approval', 'running', 'done'] as const;

export class ExtensionPath extends ProgrammePath {
  @IsUUID()
  extension!: string;
}

export class PostExtension {
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(extensionHoldersMax)
  @IsUUID(undefined, { each: true })
  @JSONSchema({ description: 'these holders; without it, all of the programme' })
  holders?: string[];

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'lots whose last day is this one or later' })
  endingFrom?: string;

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'lots whose last day is this one or earlier' })
  endingTo?: string;

  @IsOptional()
  @Matches(/^\S{1,120}$/)
  @JSONSchema({ description: 'lots of this source, or of a kind: `activity:*`' })
  source?: string;

  @IsOptional()
  @IsIn(['paid', 'free'])
  funding?: 'paid' | 'free';

  @IsOptional()
  @IsDay()
  @JSONSchema({ description: 'the new last day of use; a lot that ends later keeps its end. This or days' })
  lastDay?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(extensionDaysMax)
  @JSONSchema({ description: 'so many days after the last day that each lot has. This or lastDay' })
  days?: number;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  @JSONSchema({ description: 'why; without personal data' })
  reason!: string;
}

export class ApproveExtension {
  @IsUUID()
  @JSONSchema({ description: 'the extension of the path once more: whoever approves says which one' })
  extension!: string;
}

export class TouchedView {
  @IsInt()
  lots!: number;

  @IsInt()
  @JSONSchema({ description: 'what these lots have left, points on hold with it' })
  points!: number;

  @IsInt()
  holders!: number;
}

export class ExtensionDryRunView extends TouchedView {
  @IsBoolean()
  dryRun!: true;

  @IsInt()
  @JSONSchema({ description: 'lots that are meant and end as late already' })
  alreadyLater!: number;

  @IsOptional()
  @IsInt()
  @JSONSchema({ description: 'different holders of the list; those who are not in `holders` have no lot that would move' })
  holdersAsked?: number;

  @IsBoolean()
  @JSONSchema({ description: 'more points than one person may adjust alone' })
  needsApproval!: boolean;
}

export class ExtensionView {
  @IsUUID()
  extension!: string;

  @IsIn(states)
  state!: (typeof states)[number];

  @IsOptional()
  @IsInt()
  @JSONSchema({ description: 'different holders of the list; absent when all of the programme are meant' })
  holdersAsked?: number;

  @IsOptional()
  @IsDay()
  endingFrom?: string;

  @IsOptional()
  @IsDay()
  endingTo?: string;

  @IsOptional()
  @IsString()
  source?: string;

  @IsOptional()
  @IsIn(['paid', 'free'])
  funding?: 'paid' | 'free';

  @IsOptional()
  @IsDay()
  lastDay?: string;

  @IsOptional()
  @IsInt()
  days?: number;

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

  @IsNested(() => TouchedView)
  @JSONSchema({ description: 'what it would have touched when it was asked for' })
  expected!: TouchedView;

  @IsNested(() => TouchedView)
  @JSONSchema({ description: 'what it has extended so far' })
  extended!: TouchedView;

  @IsOptional()
  @IsInstant()
  finishedAt?: string;
}

export class ExtendedLotView {
  @IsUUID()
  holder!: string;

  @IsUUID()
  lot!: string;

  @IsInt()
  points!: number;

  @IsString()
  source!: string;

  @IsString()
  funding!: string;

  @IsDay()
  @JSONSchema({ description: 'the last day of use before' })
  fromDay!: string;

  @IsDay()
  @JSONSchema({ description: 'the last day of use since then' })
  toDay!: string;

  @IsInstant()
  effectiveAt!: string;

  @IsUUID()
  @JSONSchema({ description: 'the transfer of kind extend that says who and why; the audit chain seals it' })
  posting!: string;
}

export class ExtendedLotsView extends NextView {
  @IsListOf(() => ExtendedLotView, pageLinesMax.csv)
  lines!: readonly ExtendedLotView[];
}
