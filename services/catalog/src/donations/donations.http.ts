import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import {
  type Answer,
  answer,
  type Cause,
  CauseOf,
  IsInstant,
  IsMyKeyId,
  IsNested,
  IsPoints,
  IsProgramme,
  once,
  Operation,
  ProgrammePath,
} from '@points/http';
import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { Decisions } from '../ledger-answers/decisions.js';
import { Reason } from '../ledger-answers/reason.js';
import { IsId } from '../listing/fields.js';
import type { Decision } from '../rules/decision.js';
import { donate, readDonation } from './donate.js';

export class DonationPath extends ProgrammePath {
  @IsUUID()
  donation!: string;
}

export class Donate {
  @IsId()
  fund!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  amount!: number;
}

export class DonationView {
  @IsUUID()
  donation!: string;

  @IsProgramme()
  programme!: string;

  @IsId()
  fund!: string;

  @IsPoints()
  amount!: number;

  @IsIn(['pending', 'confirmed', 'refused'])
  state!: Decision['state'];

  @IsInstant()
  askedAt!: string;

  @IsOptional()
  @IsNested(() => Reason)
  refusal?: Reason;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/donations')
export class DonationsController {
  constructor(
    private readonly database: Database,
    private readonly decisions: Decisions,
  ) {}

  @Post()
  @Operation({
    summary: 'Donate points to a fund',
    description:
      'Answers when the ledger has decided; 202 when it has not within 3 s. Then the donation ends by itself, and reading it tells how.',
    scope: 'donations:write',
    status: 201,
    answer: DonationView,
    also: { 202: DonationView },
    problems: ['unknown-fund', 'fund-of-other-programme', 'unknown-my-key-id', 'a code of the ledger'],
  })
  async place(@Param() path: ProgrammePath, @Body() body: Donate, @CauseOf() cause: Cause): Promise<Answer<DonationView>> {
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, await donate(tx, { ...path, ...body, client: cause.client }))),
    );
    const donation = { ...path, donation: asked.body.donation };
    const location = `/v1/municipalities/${path.municipality}/programmes/${path.programme}/donations/${donation.donation}`;
    return this.decisions.answer({ id: donation.donation, asked, location, read: () => this.find(donation) });
  }

  @Get(':donation')
  @Operation({ summary: 'Read a donation', scope: 'donations:read', answer: DonationView, problems: ['unknown-donation'] })
  async read(@Param() path: DonationPath): Promise<DonationView> {
    return (await this.find(path)).view;
  }

  private find(path: DonationPath) {
    return this.database.transaction(tenants(path.municipality), (tx) => readDonation(tx, path));
  }
}
