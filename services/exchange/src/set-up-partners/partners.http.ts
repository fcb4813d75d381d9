import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { PartnersQuery, PartnersView, partnersPageMax, PartnerView, PutPartner } from './partner.js';
import { findPartner, listPartners, putPartner } from './put-partner.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners')
export class PartnersController {
  constructor(private readonly database: Database) {}

  @Put(':partner')
  @Operation({
    summary: 'Set a partner up',
    description:
      '201: made. 200: it is there with these terms. Other terms than those that hold are proposed as a change, which a second person approves.',
    scope: 'partners:write',
    answer: PartnerView,
    also: { 201: PartnerView },
    problems: ['change-needs-approval'],
  })
  async put(@Param() path: PartnerPath, @Body() body: PutPartner, @CauseOf() cause: Cause): Promise<Answer<PartnerView>> {
    const { isNew, partner } = await this.database.transaction(tenants(path.municipality), (tx) =>
      putPartner(tx, path, body, { client: cause.client, now: now() }),
    );
    return answer(isNew ? 201 : 200, partner);
  }

  @Get()
  @Operation({ summary: 'Partners of a programme, in order of id', scope: 'partners:read', answer: PartnersView })
  async list(@Param() path: ProgrammePath, @Query() query: PartnersQuery): Promise<PartnersView> {
    const limit = query.limit ?? partnersPageMax;
    const partners = await this.database.transaction(tenants(path.municipality), (tx) =>
      listPartners(tx, path.programme, { ...query, limit, now: now() }),
    );
    const last = partners.length === limit ? partners.at(-1) : undefined;
    return { partners, ...(last && { next: last.partner }) };
  }

  @Get(':partner')
  @Operation({
    summary: 'A partner and the terms that hold now',
    scope: 'partners:read',
    answer: PartnerView,
    problems: ['unknown-partner'],
  })
  async read(@Param() path: PartnerPath): Promise<PartnerView> {
    const partner = await this.database.transaction(tenants(path.municipality), (tx) => findPartner(tx, path, now()));
    if (!partner) throw problem(404, 'unknown-partner', 'the programme has no such partner');
    return partner;
  }
}
