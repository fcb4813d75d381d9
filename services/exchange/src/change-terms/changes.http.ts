import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, problem, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { ChangePath, ChangesView, ChangeView, DecideChange, ProposeChange } from './change-shapes.js';
import { approveChange, listChanges, proposeChange, readChange, withdrawChange } from './change-terms.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/changes')
export class ChangesController {
  constructor(private readonly database: Database) {}

  @Post()
  @Operation({
    summary: 'Propose other terms for a partner',
    description: 'They hold for nobody until a second person approves them. Orders keep the terms under which they were placed.',
    scope: 'partners:write',
    status: 201,
    answer: ChangeView,
    problems: ['unknown-partner', 'change-too-late'],
  })
  propose(@Param() path: PartnerPath, @Body() body: ProposeChange, @CauseOf() cause: Cause): Promise<Answer<ChangeView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await proposeChange(tx, path, body, { client: cause.client, now: now() }))),
    );
  }

  @Get()
  @Operation({ summary: 'Changes of a partner’s terms, newest first', scope: 'partners:read', answer: ChangesView })
  async list(@Param() path: PartnerPath): Promise<ChangesView> {
    return { changes: await this.database.transaction(tenants(path.municipality), (tx) => listChanges(tx, path)) };
  }

  @Get(':change')
  @Operation({ summary: 'A change and who decided on it', scope: 'partners:read', answer: ChangeView, problems: ['unknown-change'] })
  read(@Param() path: ChangePath): Promise<ChangeView> {
    return this.database.transaction(tenants(path.municipality), (tx) => readChange(tx, path, path.change));
  }

  @Post(':change/approvals')
  @Operation({
    summary: 'Approve a change that somebody else proposed',
    scope: 'partners:approve',
    status: 201,
    answer: ChangeView,
    problems: ['unknown-change', 'same-person', 'already-decided', 'change-too-late'],
  })
  approve(@Param() path: ChangePath, @Body() body: DecideChange, @CauseOf() cause: Cause): Promise<Answer<ChangeView>> {
    meansTheSame(path, body);
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await approveChange(tx, path, path.change, { client: cause.client, now: now() }))),
    );
  }

  @Post(':change/withdrawals')
  @Operation({
    summary: 'Take back a change that waits',
    scope: 'partners:write',
    status: 201,
    answer: ChangeView,
    problems: ['unknown-change', 'already-decided'],
  })
  withdraw(@Param() path: ChangePath, @Body() body: DecideChange, @CauseOf() cause: Cause): Promise<Answer<ChangeView>> {
    meansTheSame(path, body);
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(201, await withdrawChange(tx, path, path.change, { client: cause.client, now: now() }))),
    );
  }
}

function meansTheSame(path: ChangePath, body: DecideChange): void {
  if (body.change !== path.change) throw problem(422, 'invalid-request', 'the body names another change than the path');
}
