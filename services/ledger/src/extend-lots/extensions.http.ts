import { Body, Controller, Get, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import {
  answer,
  CauseOf,
  formatOf,
  jsonOrCsv,
  once,
  Operation,
  pageLimit,
  PageQuery,
  problem,
  ProgrammePath,
  type Answer,
  type Cause,
} from '@points/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CLOCK, type Clock } from '../clock.js';
import { PostingQuery } from '../post/posting-bodies.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { extendedLots, extendedLotsTable } from './extended-lots.js';
import {
  ApproveExtension,
  ExtendedLotsView,
  ExtensionDryRunView,
  ExtensionPath,
  ExtensionView,
  PostExtension,
} from './extension-bodies.js';
import { approveExtension, listExtensions, meantBy, orderExtension, readExtension, wouldExtend } from './extension-order.js';
import { ExtensionsJob } from './extensions.job.js';

/** Points that can be used for longer (有効期限の延長): for the holders of a disaster area, or for all of a programme. */
@Controller('v1/municipalities/:municipality/programmes/:programme/extensions')
export class ExtensionsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
    @Inject(ExtensionsJob) private readonly job: ExtensionsJob,
  ) {}

  @Post()
  @Operation({
    summary: 'Move the last day of open lots to a later one, in bulk',
    description:
      'The lots of the listed holders, or of all; those that match the filter, are open and have not ended when the extension reaches them. No lot ' +
      'ends earlier than before, and one that has ended is not revived. It is carried out in the background: read it until its state is `done`. ' +
      'Above the limit `adjustmentAlone` of the programme’s rules, in points of these lots, a second person approves first. With `?dryRun=true`: what it would touch now.',
    scope: 'ledger:extend',
    status: 202,
    answer: ExtensionView,
    also: { 200: ExtensionDryRunView },
    problems: ['unknown-programme', 'programme-frozen', 'outside-period', 'nothing-to-extend'],
  })
  async post(
    @Param() path: ProgrammePath,
    @Query() { dryRun = false }: PostingQuery,
    @Body() body: PostExtension,
    @CauseOf() cause: Cause,
  ): Promise<Answer<ExtensionView | ExtensionDryRunView>> {
    const now = this.now();
    const order = { programme: programmeOfPath(path), ...meantBy(body, now), reason: body.reason, actor: cause.client, now };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      if (dryRun) return answer(200, await wouldExtend(tx, order));
      tx.afterCommit(() => this.job.wake());
      return once(tx, cause, () => orderExtension(tx, order));
    });
  }

  @Get()
  @Operation({
    summary: 'List the extensions of a programme, the newest first',
    scope: 'ledger:read',
    answer: [ExtensionView],
    problems: ['unknown-programme'],
  })
  list(@Param() path: ProgrammePath): Promise<ExtensionView[]> {
    return this.database.transaction(tenants(path.municipality), (tx) => listExtensions(tx, programmeOfPath(path)));
  }

  @Get(':extension')
  @Operation({
    summary: 'Read an extension and how far it is',
    scope: 'ledger:read',
    answer: ExtensionView,
    problems: ['unknown-programme', 'unknown-extension'],
  })
  read(@Param() path: ExtensionPath): Promise<ExtensionView> {
    return this.database.transaction(tenants(path.municipality), (tx) => readExtension(tx, programmeOfPath(path), path.extension));
  }

  @Get(':extension/lots')
  @Operation({
    summary: 'The lots that an extension has moved, from which day to which',
    description:
      'By holder. Pages are cut by key: send `next` as `after`. CSV by Accept: text/csv or ?format=csv; its next page is in the header Link.',
    scope: 'ledger:read',
    answer: ExtendedLotsView,
    problems: ['unknown-programme', 'unknown-extension'],
  })
  async lots(
    @Param() path: ExtensionPath,
    @Query() query: PageQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExtendedLotsView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const page = { after: query.after, limit: pageLimit(query.limit, format) };
    const lots = await this.database.transaction(tenants(path.municipality), (tx) =>
      extendedLots(tx, programmeOfPath(path), path.extension, page),
    );
    return jsonOrCsv(wire, format, lots, extendedLotsTable);
  }

  @Post(':extension/approvals')
  @Operation({
    summary: 'Approve an extension that somebody else asked for',
    description: 'It begins with the approval. Lots that have ended meanwhile are not extended.',
    scope: 'ledger:approve',
    status: 202,
    answer: ExtensionView,
    problems: ['unknown-programme', 'unknown-extension', 'same-person', 'already-approved', 'no-approval-needed'],
  })
  approve(@Param() path: ExtensionPath, @Body() body: ApproveExtension, @CauseOf() cause: Cause): Promise<Answer<ExtensionView>> {
    if (body.extension !== path.extension) throw problem(422, 'invalid-request', 'the body names another extension than the path');
    return this.database.transaction(tenants(path.municipality), (tx) => {
      tx.afterCommit(() => this.job.wake());
      return once(tx, cause, () => approveExtension(tx, programmeOfPath(path), path.extension, { actor: cause.client, now: this.now() }));
    });
  }
}
