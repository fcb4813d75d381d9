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
import { IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { Decisions } from '../ledger-answers/decisions.js';
import { Reason } from '../ledger-answers/reason.js';
import { IsId } from '../listing/fields.js';
import type { Decision } from '../rules/decision.js';
import { grantActivity, readGrant } from './grant-activity.js';

export class GrantPath extends ProgrammePath {
  @IsUUID()
  grant!: string;
}

export class GrantActivity {
  @IsId()
  activity!: string;

  @IsMyKeyId()
  myKeyId!: string;

  /** Which time it was, such as a day or the number of an event: a holder is granted once for it. */
  @Matches(/^[\x21-\x7e]{1,100}$/)
  occurrence!: string;
}

export class GrantView {
  @IsUUID()
  grant!: string;

  @IsProgramme()
  programme!: string;

  @IsId()
  activity!: string;

  @Matches(/^[\x21-\x7e]{1,100}$/)
  occurrence!: string;

  @IsPoints()
  points!: number;

  @IsIn(['pending', 'confirmed', 'refused'])
  state!: Decision['state'];

  @IsInstant()
  askedAt!: string;

  @IsOptional()
  @IsNested(() => Reason)
  refusal?: Reason;
}

@Controller('v1/municipalities/:municipality/programmes/:programme/activity-grants')
export class ActivityGrantsController {
  constructor(
    private readonly database: Database,
    private readonly decisions: Decisions,
  ) {}

  @Post()
  @Operation({
    summary: 'Grant the points of an activity to a holder who took part',
    description:
      'Answers when the ledger has decided; 202 when it has not within 3 s. Then the grant ends by itself, and reading it tells how.',
    scope: 'grants:write',
    status: 201,
    answer: GrantView,
    also: { 202: GrantView },
    problems: ['unknown-activity', 'activity-of-other-programme', 'unknown-my-key-id', 'already-granted', 'a code of the ledger'],
  })
  async grant(@Param() path: ProgrammePath, @Body() body: GrantActivity, @CauseOf() cause: Cause): Promise<Answer<GrantView>> {
    const asked = await this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => answer(202, await grantActivity(tx, { ...path, ...body, client: cause.client }))),
    );
    const grant = { ...path, grant: asked.body.grant };
    const location = `/v1/municipalities/${path.municipality}/programmes/${path.programme}/activity-grants/${grant.grant}`;
    return this.decisions.answer({ id: grant.grant, asked, location, read: () => this.find(grant) });
  }

  @Get(':grant')
  @Operation({ summary: 'Read a grant', scope: 'grants:read', answer: GrantView, problems: ['unknown-grant'] })
  async read(@Param() path: GrantPath): Promise<GrantView> {
    return (await this.find(path)).view;
  }

  private find(path: GrantPath) {
    return this.database.transaction(tenants(path.municipality), (tx) => readGrant(tx, path));
  }
}
