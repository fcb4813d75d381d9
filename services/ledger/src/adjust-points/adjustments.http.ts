import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { CLOCK, type Clock } from '../clock.js';
import { referenceOf } from '../post/answer-posting.js';
import { Door } from '../post/door.js';
import { PostedView } from '../post/posting-bodies.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { rejectionCodes } from '../rules/rejection.js';
import { adjust, approve, listAdjustments, readAdjustment } from './adjust-points.js';
import { AdjustmentPath, AdjustmentQuery, AdjustmentView, ApproveAdjustment, PostAdjustment } from './adjustment-bodies.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/adjustments')
export class AdjustmentsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Door) private readonly door: Door,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Post()
  @Operation({
    summary: 'Correct a holder’s points by hand',
    description: 'Posted at once up to the limit `adjustmentAlone` of the programme’s rules; above it 202, and a second person approves.',
    scope: 'ledger:adjust',
    status: 201,
    answer: PostedView,
    also: { 202: AdjustmentView },
    problems: [...rejectionCodes, 'door-full'],
  })
  post(@Param() path: ProgrammePath, @Body() body: PostAdjustment, @CauseOf() cause: Cause): Promise<Answer<PostedView | AdjustmentView>> {
    const { holder, direction, amount, funding = 'free', reason } = body;
    const order = { programme: programmeOfPath(path), account: `holder:${holder.toLowerCase()}`, direction, amount, funding, reason };
    const reference = referenceOf(cause, cause.idempotencyKey ?? '');
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, () => adjust(tx, this.door, { ...order, actor: cause.client, reference, now: this.now() })),
    );
  }

  @Get()
  @Operation({
    summary: 'List adjustments that wait for a second person, or all that have needed one',
    scope: 'ledger:read',
    answer: [AdjustmentView],
    problems: ['unknown-programme'],
  })
  list(@Param() path: ProgrammePath, @Query() { state = 'pending-approval' }: AdjustmentQuery): Promise<AdjustmentView[]> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      listAdjustments(tx, programmeOfPath(path), state === 'pending-approval'),
    );
  }

  @Get(':adjustment')
  @Operation({ summary: 'Read an adjustment', scope: 'ledger:read', answer: AdjustmentView, problems: ['unknown-adjustment'] })
  read(@Param() path: AdjustmentPath): Promise<AdjustmentView> {
    return this.database.transaction(tenants(path.municipality), (tx) => readAdjustment(tx, programmeOfPath(path), path.adjustment));
  }

  @Post(':adjustment/approvals')
  @Operation({
    summary: 'Approve an adjustment that somebody else asked for',
    description: '201 when it was posted, 200 with the state `refused` and the code when the books no longer allow it.',
    scope: 'ledger:approve',
    status: 201,
    answer: AdjustmentView,
    also: { 200: AdjustmentView },
    problems: ['unknown-adjustment', 'same-person', 'already-approved', 'door-full'],
  })
  approve(@Param() path: AdjustmentPath, @Body() body: ApproveAdjustment, @CauseOf() cause: Cause): Promise<Answer<AdjustmentView>> {
    if (body.adjustment !== path.adjustment) throw problem(422, 'invalid-request', 'the body names another adjustment than the path');
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, () => approve(tx, this.door, programmeOfPath(path), path.adjustment, { actor: cause.client, now: this.now() })),
    );
  }
}
