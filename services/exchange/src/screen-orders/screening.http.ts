import { Body, Controller, Get, Param, Post, Put, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, once, Operation, ProgrammePath, type Answer, type Cause } from '@points/http';
import { now } from '../clock.js';
import { ExchangeOrderView } from '../place-exchange-order/order-view.js';
import { Waiting } from '../waiting.js';
import { decideReview, listReviews } from './reviews.js';
import { listRules, putRule } from './screening-rules.js';
import {
  DecideReview,
  PutScreeningRule,
  ReviewPath,
  ReviewsQuery,
  ReviewsView,
  ScreeningRulePath,
  ScreeningRulesView,
  ScreeningRuleView,
  StoppedHolderPath,
  StoppedPartnerPath,
  StopsView,
  StopView,
  TrialView,
  TryScreening,
  TurnStop,
} from './screening-shapes.js';
import { listStops, turnStop } from './stops.js';
import { tryScreening } from './try-screening.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ScreeningController {
  constructor(
    private readonly database: Database,
    private readonly waiting: Waiting,
  ) {}

  @Put('screening-rules/:rule')
  @Operation({
    summary: 'Set a rule that watches for fraud, from now on',
    description: 'Each change is a version of its own. An inactive rule watches nothing.',
    scope: 'screening:write',
    answer: ScreeningRuleView,
    problems: ['too-many-rules'],
  })
  putRule(@Param() path: ScreeningRulePath, @Body() body: PutScreeningRule, @CauseOf() cause: Cause): Promise<ScreeningRuleView> {
    return this.database.transaction(tenants(path.municipality), (tx) => putRule(tx, path, body, { client: cause.client, now: now() }));
  }

  @Get('screening-rules')
  @Operation({ summary: 'Rules that watch for fraud, by id', scope: 'screening:read', answer: ScreeningRulesView })
  async rules(@Param() path: ProgrammePath): Promise<ScreeningRulesView> {
    return { rules: await this.database.transaction(tenants(path.municipality), (tx) => listRules(tx, path.programme)) };
  }

  @Post('screening-trials')
  @Operation({
    summary: 'What rules would have caught in the past',
    description: 'Each rule by itself, over at most 40 days. Nothing is changed.',
    scope: 'screening:read',
    idempotent: false,
    answer: TrialView,
  })
  try(@Param() path: ProgrammePath, @Body() body: TryScreening): Promise<TrialView> {
    return this.database.transaction(tenants(path.municipality), (tx) => tryScreening(tx, path.programme, body));
  }

  @Get('order-reviews')
  @Operation({ summary: 'Orders that wait for a person, oldest first', scope: 'screening:read', answer: ReviewsView })
  reviews(@Param() path: ProgrammePath, @Query() query: ReviewsQuery): Promise<ReviewsView> {
    return this.database.transaction(tenants(path.municipality), (tx) => listReviews(tx, path.programme, query));
  }

  @Post('order-reviews/:order/decisions')
  @Operation({
    summary: 'Let an order that waits go on, or refuse it',
    scope: 'screening:decide',
    status: 201,
    answer: ExchangeOrderView,
    problems: ['unknown-order', 'not-in-review'],
  })
  decide(@Param() path: ReviewPath, @Body() body: DecideReview, @CauseOf() cause: Cause): Promise<Answer<ExchangeOrderView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const order = await decideReview(tx, path.programme, path.order, body, { client: cause.client, now: now() });
        tx.afterCommit(() => this.waiting.wake([order.id]));
        return answer(201, order.view);
      }),
    );
  }

  @Put('stops/partners/:partner')
  @Operation({ summary: 'Stop all exchanges from a partner, or let them go on', scope: 'screening:write', answer: StopView })
  stopPartner(@Param() path: StoppedPartnerPath, @Body() body: TurnStop, @CauseOf() cause: Cause): Promise<StopView> {
    return this.stop(path, `partner:${path.partner}`, body, cause);
  }

  @Put('stops/holders/:holder')
  @Operation({ summary: 'Stop all exchanges of a person, or let them go on', scope: 'screening:write', answer: StopView })
  stopHolder(@Param() path: StoppedHolderPath, @Body() body: TurnStop, @CauseOf() cause: Cause): Promise<StopView> {
    return this.stop(path, `holder:${path.holder.toLowerCase()}`, body, cause);
  }

  @Get('stops')
  @Operation({ summary: 'Partners and people whose exchanges are stopped', scope: 'screening:read', answer: StopsView })
  async stops(@Param() path: ProgrammePath): Promise<StopsView> {
    return { stops: await this.database.transaction(tenants(path.municipality), (tx) => listStops(tx, path.programme)) };
  }

  private stop({ municipality, programme }: ProgrammePath, subject: string, body: TurnStop, cause: Cause): Promise<StopView> {
    return this.database.transaction(tenants(municipality), (tx) =>
      turnStop(tx, { municipality, programme, subject }, body, { client: cause.client, now: now() }),
    );
  }
}
