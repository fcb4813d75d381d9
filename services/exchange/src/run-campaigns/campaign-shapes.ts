import { IsCount, IsInstant, IsListOf, IsNested, IsPoints, ProgrammePath } from '@points/http';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { idForm } from '../ids.js';
import { bearers, type Bearer } from '../rules/campaign.js';
import { Rate } from '../set-up-partners/terms-shapes.js';

export const campaignsListedMax = 200;
const partnersMax = 50;
export const campaignStates = ['waiting', 'approved', 'stopped'] as const;
export type CampaignState = (typeof campaignStates)[number];

export class CampaignPath extends ProgrammePath {
  /** Stands in the ledger as the source of the bonus points: `campaign:<id>`. */
  @Matches(idForm)
  campaign!: string;
}

export class PutCampaign {
  @IsString()
  @Length(1, 100)
  name!: string;

  /** Absent or empty: every partner of the programme. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(partnersMax)
  @ArrayUnique()
  @Matches(idForm, { each: true })
  partners?: string[];

  /** Bonus points per municipal point of the order, rounded down. Exactly one of `bonusRate` and `bonusPoints` is given. */
  @IsOptional()
  @IsNested(() => Rate)
  bonusRate?: Rate;

  /** Bonus points per order. */
  @IsOptional()
  @IsPoints()
  bonusPoints?: number;

  @IsInstant()
  from!: string;

  /** The first instant at which it no longer runs. */
  @IsInstant()
  to!: string;

  /** Never passed: the last order gets what is left. */
  @IsPoints()
  budget!: number;

  /** What one person may get of it. */
  @IsOptional()
  @IsPoints()
  perHolder?: number;

  @IsIn([...bearers])
  borneBy!: Bearer;
}

export class CampaignView extends PutCampaign {
  @IsString()
  campaign!: string;

  @IsArray()
  @IsString({ each: true })
  declare partners: string[];

  @IsIn([...campaignStates])
  state!: CampaignState;

  /** Of the budget: given, or promised to orders that are under way. */
  @IsCount()
  used!: number;

  @IsString()
  proposedBy!: string;

  @IsInstant()
  proposedAt!: string;

  @IsOptional()
  @IsString()
  approvedBy?: string;

  @IsOptional()
  @IsInstant()
  approvedAt?: string;

  @IsOptional()
  @IsString()
  stoppedBy?: string;

  @IsOptional()
  @IsInstant()
  stoppedAt?: string;
}

export class CampaignsView {
  @IsListOf(() => CampaignView, campaignsListedMax)
  campaigns!: CampaignView[];
}

/** The campaign that is meant. */
export class DecideCampaign {
  @Matches(idForm)
  campaign!: string;
}

/** What the second person has read: a campaign that waits may be replaced meanwhile. */
export class ApproveCampaign extends DecideCampaign {
  /** That of the campaign as it was read. */
  @IsInstant()
  proposedAt!: string;
}
