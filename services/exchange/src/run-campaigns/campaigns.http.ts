import { Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { parseInstant } from '@points/kernel';
import { now } from '../clock.js';
import { ApproveCampaign, CampaignPath, CampaignsView, CampaignView, DecideCampaign, PutCampaign } from './campaign-shapes.js';
import { approveCampaign, listCampaigns, putCampaign, readCampaign, stopCampaign } from './campaigns.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/campaigns')
export class CampaignsController {
  constructor(private readonly database: Database) {}

  @Put(':campaign')
  @Operation({
    summary: 'Propose a campaign of bonus points',
    description: 'It runs once a second person has approved it. While it waits it may be replaced; later it can only be stopped.',
    scope: 'partners:write',
    answer: CampaignView,
    also: { 201: CampaignView },
    problems: ['campaign-decided'],
  })
  async put(@Param() path: CampaignPath, @Body() body: PutCampaign, @CauseOf() cause: Cause): Promise<Answer<CampaignView>> {
    const { isNew, campaign } = await this.database.transaction(tenants(path.municipality), (tx) =>
      putCampaign(tx, path, body, { client: cause.client, now: now() }),
    );
    return answer(isNew ? 201 : 200, campaign);
  }

  @Get()
  @Operation({ summary: 'Campaigns of a programme, newest first', scope: 'partners:read', answer: CampaignsView })
  async list(@Param() path: ProgrammePath): Promise<CampaignsView> {
    return { campaigns: await this.database.transaction(tenants(path.municipality), (tx) => listCampaigns(tx, path.programme)) };
  }

  @Get(':campaign')
  @Operation({
    summary: 'A campaign and how much of its budget is used',
    scope: 'partners:read',
    answer: CampaignView,
    problems: ['unknown-campaign'],
  })
  read(@Param() path: CampaignPath): Promise<CampaignView> {
    return this.database.transaction(tenants(path.municipality), (tx) => readCampaign(tx, path));
  }

  @Post(':campaign/approvals')
  @Operation({
    summary: 'Approve a campaign that somebody else proposed',
    description: 'As it was read: `proposedAt` says which. One that was replaced meanwhile is 409.',
    scope: 'partners:approve',
    status: 201,
    answer: CampaignView,
    problems: ['unknown-campaign', 'same-person', 'already-decided', 'campaign-replaced'],
  })
  approve(@Param() path: CampaignPath, @Body() body: ApproveCampaign, @CauseOf() cause: Cause): Promise<Answer<CampaignView>> {
    meansTheSame(path, body);
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () =>
        answer(201, await approveCampaign(tx, path, parseInstant(body.proposedAt), { client: cause.client, now: now() })),
      ),
    );
  }

  @Post(':campaign/stops')
  @Operation({
    summary: 'Stop a campaign for good',
    scope: 'partners:write',
    status: 201,
    answer: CampaignView,
    problems: ['unknown-campaign', 'already-decided'],
  })
  stop(@Param() path: CampaignPath, @Body() body: DecideCampaign, @CauseOf() cause: Cause): Promise<Answer<CampaignView>> {
    meansTheSame(path, body);
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await stopCampaign(tx, path, { client: cause.client, now: now() }))),
    );
  }
}

function meansTheSame(path: CampaignPath, body: DecideCampaign): void {
  if (body.campaign !== path.campaign) throw problem(422, 'invalid-request', 'the body names another campaign than the path');
}
