import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { answer, CauseOf, formatOf, jsonOrCsv, once, Operation, pageLimit, problem, type Answer, type Cause } from '@points/http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { now } from '../clock.js';
import { PartnerPath } from '../ids.js';
import { maySeeOrdersOf } from '../place-exchange-order/find-order.js';
import { closeStatement, makeCorrection } from './close-statement.js';
import { findStatement } from './find-statement.js';
import { findInvoice, InvoiceView, IssueInvoice, issueInvoice } from './invoices.js';
import { linesTable, statementLines } from './statement-lines.js';
import { CloseStatement, CorrectionView, LinesQuery, LinesView, MakeCorrection, StatementPath, StatementView } from './statement-shapes.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner')
export class StatementsController {
  constructor(private readonly database: Database) {}

  @Get('statements/:month')
  @Operation({
    summary: 'What a partner and the municipality owe each other for a month',
    description:
      'Orders, reversals and bonuses by the month (Tokyo) of their booking, what rounding left for each version of the terms, fees, and the net. ' +
      'Each figure is the sum of its lines. Of an open month as it stands now; of a closed one as it was closed.',
    scope: 'statements:read',
    answer: StatementView,
    problems: ['unknown-partner'],
  })
  read(@Param() path: StatementPath, @CauseOf() cause: Cause): Promise<StatementView> {
    return this.seen(path, cause, (tx) => findStatement(tx, path));
  }

  @Get('statements/:month/lines')
  @Operation({
    summary: 'The lines of a statement, or of one figure of it',
    description:
      'In order of time, paged by `next`; CSV by Accept: text/csv or ?format=csv. A line with `lateOf` came after its own month was closed.',
    scope: 'statements:read',
    answer: LinesView,
    problems: ['unknown-partner'],
  })
  async lines(
    @Param() path: StatementPath,
    @Query() query: LinesQuery,
    @CauseOf() cause: Cause,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LinesView | string> {
    const wire = { request, reply };
    const format = formatOf(wire, query.format);
    const limit = pageLimit(query.limit, format);
    const found = await this.seen(path, cause, (tx) => statementLines(tx, path, { ...query, limit }));
    return jsonOrCsv(wire, format, found, linesTable);
  }

  @Post('statements/:month/close')
  @Operation({
    summary: 'Close the statement of a month, for good',
    description:
      'Once the month is over, in the order of months. What is recorded later of it falls to the next month and says so. ' +
      'Not by whoever made a correction in it. 201: closed; 200: it was closed before.',
    scope: 'statements:close',
    status: 201,
    answer: StatementView,
    also: { 200: StatementView },
    problems: ['unknown-partner', 'month-not-over', 'month-passed', 'earlier-month-open', 'same-person'],
  })
  close(@Param() path: StatementPath, @Body() body: CloseStatement, @CauseOf() cause: Cause): Promise<Answer<StatementView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { isNew, statement } = await closeStatement(tx, path, body.reason, { client: cause.client, now: now() });
        return answer(isNew ? 201 : 200, statement);
      }),
    );
  }

  @Post('corrections')
  @Operation({
    summary: 'Correct what a partner owes',
    description: 'A line with its cause in the month that runs. Nothing that was stated is changed.',
    scope: 'statements:write',
    status: 201,
    answer: CorrectionView,
    problems: ['unknown-partner', 'unknown-order'],
  })
  correct(@Param() path: PartnerPath, @Body() body: MakeCorrection, @CauseOf() cause: Cause): Promise<Answer<CorrectionView>> {
    const actor = { client: cause.client, now: now() };
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const correction = await makeCorrection(tx, path, body, actor);
        return answer(201, { ...body, correction, madeBy: actor.client, madeAt: actor.now });
      }),
    );
  }

  @Post('statements/:month/invoice')
  @Operation({
    summary: 'Issue the invoice of a closed statement',
    description:
      'Numbered without gaps, once for each statement, and kept as it was issued. The tax of each rate is rounded once. ' +
      '201: issued; 200: it was issued before.',
    scope: 'statements:write',
    status: 201,
    answer: InvoiceView,
    also: { 200: InvoiceView },
    problems: ['unknown-partner', 'statement-open', 'unknown-issuer', 'unknown-recipient', 'nothing-to-invoice'],
  })
  invoice(@Param() path: StatementPath, @Body() body: IssueInvoice, @CauseOf() cause: Cause): Promise<Answer<InvoiceView>> {
    if (body.month !== path.month) throw problem(422, 'invalid-request', 'the body names another month than the path');
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        const { isNew, invoice } = await issueInvoice(tx, path, { client: cause.client, now: now() });
        return answer(isNew ? 201 : 200, invoice);
      }),
    );
  }

  @Get('statements/:month/invoice')
  @Operation({
    summary: 'An invoice as it was issued',
    scope: 'statements:read',
    answer: InvoiceView,
    problems: ['unknown-partner', 'unknown-invoice'],
  })
  readInvoice(@Param() path: StatementPath, @CauseOf() cause: Cause): Promise<InvoiceView> {
    return this.seen(path, cause, async (tx) => {
      const invoice = await findInvoice(tx, path);
      if (!invoice) throw problem(404, 'unknown-invoice', 'no invoice was issued for this statement');
      return invoice;
    });
  }

  /** A partner's own client sees that partner's money only; to others the partner is not there. */
  private seen<T>(path: PartnerPath, { client }: Cause, read: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      const [known] = await tx.query('select 1 from partner where programme = $1 and partner = $2', [path.programme, path.partner]);
      if (!known || !(await maySeeOrdersOf(tx, path.programme, path.partner, client)))
        throw problem(404, 'unknown-partner', 'the programme has no such partner');
      return read(tx);
    });
  }
}
