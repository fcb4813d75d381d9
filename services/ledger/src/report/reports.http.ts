import { Body, Controller, Get, Inject, Param, Put, Query, Req, Res } from '@nestjs/common';
import { Database, tenants, type Tx } from '@points/database';
import { type Cause, CauseOf, type Format, formatOf, jsonOrCsv, Operation, pageLimit, problem, ProgrammePath } from '@points/http';
import { endOfDayJst, parseInstant, startOfDayJst, type Instant, type LocalDate, type ProgrammeId } from '@points/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { baseDateReport, baseDateTable } from './base-date-report.js';
import { breakage, breakageTable } from './breakage.js';
import { baseDate, fiscalYear, stateOf, type BaseDate } from './fiscal-year.js';
import { linesTable, movementLines } from './movement-lines.js';
import { beginning, movements, reportMonthsMax, spansTooManyMonths, type Dimension, type Period } from './movements.js';
import { outstanding, outstandingLots, outstandingLotsTable, outstandingTable, type OutstandingDimension } from './outstanding.js';
import { changeClose, closesOf } from './period-close.js';
import { BreakageView, MovementsView, ReportLinesView } from './movement-views.js';
import { OutstandingLotsView, OutstandingView } from './outstanding-views.js';
import { BaseDateView, YearCloseView, YearReportView } from './period-views.js';
import {
  AtQuery,
  BaseDatePath,
  BreakageLinesQuery,
  ChangeClose,
  KnownAtQuery,
  MovementLinesQuery,
  MovementsQuery,
  OutstandingLinesQuery,
  OutstandingQuery,
  PeriodLinesQuery,
  YearPath,
} from './report-queries.js';
import { clamped, movementsTable, yearPeriod, yearReport } from './year-report.js';

const csv = 'CSV by Accept: text/csv or ?format=csv.';
const drillDown = `The lines of one figure; they add up to it. Ask with the labels of the row. Pages are cut by key: send \`next\` as \`after\`, and a \`knownAt\` to keep them still. ${csv}`;

/** Figures for a municipality. Each says which lines it is made of: the path with \`/lines\` behind it. */
@Controller('v1/municipalities/:municipality/programmes/:programme')
export class ReportsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get('reports/movements')
  @Operation({
    summary: 'What was issued, used, converted, donated, refunded and expired in a period',
    description: `opening + issued − used − converted − donated + refunded − expired − reverted − takenBack + adjusted + moved + other = closing. Days are Tokyo’s; a lot that ends with a day lapses on that day. ${csv}`,
    scope: 'reports:read',
    answer: MovementsView,
    problems: ['unknown-programme'],
  })
  movements(
    @Param() path: ProgrammePath,
    @Query() query: MovementsQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<MovementsView | string> {
    const [period, by] = [this.periodOf(query), dimensions<Dimension>(query.by)];
    return this.report(path, query, { request, reply }, movementsTable(by), async (tx, programme) => {
      const { from, to, knownAt } = period;
      return { from, until: to, knownAt, ...(await movements(tx, programme, period, by)) };
    });
  }

  @Get('reports/movements/lines')
  @Operation({
    summary: 'The lines of one figure of a period',
    description: drillDown,
    scope: 'reports:read',
    answer: ReportLinesView,
    problems: ['unknown-programme'],
  })
  movementLines(
    @Param() path: ProgrammePath,
    @Query() query: MovementLinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportLinesView | string> {
    return this.lines(path, this.periodOf(query), query, { request, reply });
  }

  @Get('reports/outstanding')
  @Operation({
    summary: 'What the municipality owes: unused points at an instant',
    description: `Points of lots that are over do not count, whether their expiry is posted or not; points on hold do. ${csv}`,
    scope: 'reports:read',
    answer: OutstandingView,
    problems: ['unknown-programme'],
  })
  outstanding(
    @Param() path: ProgrammePath,
    @Query() query: OutstandingQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OutstandingView | string> {
    const by = dimensions<OutstandingDimension>(query.by);
    const { to: at, knownAt } = this.upTo(query);
    return this.report(path, query, { request, reply }, outstandingTable(by), async (tx, programme) => {
      return { at, knownAt, ...(await outstanding(tx, programme, at, knownAt, by)) };
    });
  }

  @Get('reports/outstanding/lines')
  @Operation({
    summary: 'The lots of one figure of unused points',
    description: drillDown,
    scope: 'reports:read',
    answer: OutstandingLotsView,
    problems: ['unknown-programme'],
  })
  outstandingLines(
    @Param() path: ProgrammePath,
    @Query() query: OutstandingLinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OutstandingLotsView | string> {
    const wire = { request, reply };
    const { to: at, knownAt } = this.upTo(query);
    const { source, funding, age, ending, cohort, after } = query;
    const page = { row: { source, funding, age, ending, cohort }, after, limit: pageLimit(query.limit, formatOf(wire, query.format)) };
    return this.report(path, query, wire, outstandingLotsTable, (tx, programme) => outstandingLots(tx, programme, at, knownAt, page));
  }

  @Get('reports/breakage')
  @Operation({
    summary: 'What became of the points granted in each month, and how many of them lapsed unused',
    description: csv,
    scope: 'reports:read',
    answer: BreakageView,
    problems: ['unknown-programme'],
  })
  breakage(
    @Param() path: ProgrammePath,
    @Query() query: AtQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BreakageView | string> {
    const { to: at, knownAt } = this.upTo(query);
    return this.report(path, query, { request, reply }, breakageTable, async (tx, programme) => {
      return { at, knownAt, ...(await breakage(tx, programme, at, knownAt)) };
    });
  }

  @Get('reports/breakage/lines')
  @Operation({
    summary: 'The lines of one figure of a month of grants',
    description: drillDown,
    scope: 'reports:read',
    answer: ReportLinesView,
    problems: ['unknown-programme'],
  })
  breakageLines(
    @Param() path: ProgrammePath,
    @Query() query: BreakageLinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportLinesView | string> {
    return this.lines(path, this.upTo(query), query, { request, reply });
  }

  @Get('reports/base-dates/:day')
  @Operation({
    summary: 'Unused balance at 31 March or 30 September, as the Payment Services Act reports it',
    description: `previous + issued − redeemed − lapsed − takenBack + adjusted + moved + other = balance, paid and free apart (資金決済法). ${csv}`,
    scope: 'reports:read',
    answer: BaseDateView,
    problems: ['unknown-programme', 'base-date-ahead'],
  })
  baseDate(
    @Param() path: BaseDatePath,
    @Query() query: KnownAtQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BaseDateView | string> {
    const [base, knownAt] = [this.baseDateOf(path), known(query)];
    return this.report(path, query, { request, reply }, baseDateTable, (tx, programme) => baseDateReport(tx, programme, base, knownAt));
  }

  @Get('reports/base-dates/:day/lines')
  @Operation({
    summary: 'The lines of one figure of a base date',
    description: `${drillDown} previous is the total \`opening\`, balance is \`closing\`.`,
    scope: 'reports:read',
    answer: ReportLinesView,
    problems: ['unknown-programme', 'base-date-ahead'],
  })
  baseDateLines(
    @Param() path: BaseDatePath,
    @Query() query: PeriodLinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportLinesView | string> {
    const { from, to } = this.baseDateOf(path);
    return this.lines(path, { from, to, knownAt: known(query) }, query, { request, reply });
  }

  @Get('reports/fiscal-years/:year')
  @Operation({
    summary: 'A fiscal year by source and funding, with its close',
    description: `What belongs to a year is booked through 31 May (出納整理期間). A closed year keeps the figures that were known when the close took hold. ${csv}`,
    scope: 'reports:read',
    answer: YearReportView,
    problems: ['unknown-programme'],
  })
  year(
    @Param() path: YearPath,
    @Query() query: KnownAtQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<YearReportView | string> {
    return this.report(path, query, { request, reply }, movementsTable(['source', 'funding']), (tx, programme) =>
      yearReport(tx, programme, path.year, this.now(), known(query)),
    );
  }

  @Get('reports/fiscal-years/:year/lines')
  @Operation({
    summary: 'The lines of one figure of a fiscal year',
    description: drillDown,
    scope: 'reports:read',
    answer: ReportLinesView,
    problems: ['unknown-programme'],
  })
  yearLines(
    @Param() path: YearPath,
    @Query() query: PeriodLinesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportLinesView | string> {
    return this.lines(
      path,
      async (tx, programme) => yearPeriod(path.year, await closesOf(tx, programme, path.year), this.now(), known(query)).period,
      query,
      { request, reply },
    );
  }

  @Put('fiscal-years/:year/close')
  @Operation({
    summary: 'Close the books of a fiscal year, or open them again',
    description:
      'Possible after 31 May (出納閉鎖). From a little later on, nothing may take effect in a closed year. Every change stays, with its reason.',
    scope: 'programmes:write',
    answer: YearCloseView,
    problems: ['unknown-programme', 'books-still-open', 'too-many-changes'],
  })
  close(@Param() path: YearPath, @Body() body: ChangeClose, @CauseOf() cause: Cause): Promise<YearCloseView> {
    const [programme, now, { year }] = [programmeOfPath(path), this.now(), path];
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      const closes = await changeClose(tx, programme, year, { ...body, actor: cause.client, now });
      return { year, state: stateOf(fiscalYear(year), now, body.closed), closes };
    });
  }

  private report<T extends object>(
    path: ProgrammePath,
    query: { format?: Format },
    wire: { request: FastifyRequest; reply: FastifyReply },
    table: Parameters<typeof jsonOrCsv<T>>[3],
    read: (tx: Tx, programme: ProgrammeId) => Promise<T>,
  ): Promise<T | string> {
    const [programme, format] = [programmeOfPath(path), formatOf(wire, query.format)];
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return jsonOrCsv(wire, format, await read(tx, programme), table);
    });
  }

  private lines(
    path: ProgrammePath,
    period: Period | ((tx: Tx, programme: ProgrammeId) => Promise<Period>),
    query: PeriodLinesQuery,
    wire: { request: FastifyRequest; reply: FastifyReply },
  ): Promise<ReportLinesView | string> {
    const { total, month, source, funding, age, cohort, after } = query;
    const limit = pageLimit(query.limit, formatOf(wire, query.format));
    return this.report(path, query, wire, linesTable, async (tx, programme) =>
      movementLines(tx, programme, typeof period === 'function' ? await period(tx, programme) : period, {
        total,
        row: { month, source, funding, age, cohort },
        after,
        limit,
      }),
    );
  }

  private periodOf(query: { from: string; to: string; knownAt?: string }): Period {
    // Days were checked by the query's class.
    const [from, to] = [query.from as LocalDate, query.to as LocalDate];
    if (to < from) throw wrong('to', 'is before from');
    if (spansTooManyMonths(from, to)) throw wrong('to', `is ${reportMonthsMax} months or more after from`);
    return clamped({ from: startOfDayJst(from), to: endOfDayJst(to), knownAt: known(query) }, this.now());
  }

  private upTo({ at, knownAt }: { at?: string; knownAt?: string }): Period {
    const now = this.now();
    return clamped(
      { from: beginning, to: at === undefined ? now : parseInstant(at), knownAt: known({ ...(knownAt !== undefined && { knownAt }) }) },
      now,
    );
  }

  private baseDateOf({ day }: BaseDatePath): BaseDate {
    // The path's class lets only these two days pass.
    const base = baseDate(day as LocalDate);
    if (!base) throw problem(404, 'not-found', 'a base date is 31 March or 30 September');
    if (base.to > this.now()) throw problem(422, 'base-date-ahead', `the base date ${day} is not over yet`, { day });
    return base;
  }
}

function known({ knownAt }: { knownAt?: string }): Instant | null {
  return knownAt === undefined ? null : parseInstant(knownAt);
}

function dimensions<D extends string>(by: string | undefined): D[] {
  // The query's class lets only names of dimensions pass.
  return by === undefined ? [] : ([...new Set(by.split(','))] as D[]);
}

function wrong(field: string, reason: string) {
  return problem(422, 'invalid-request', `the query is wrong: ${field} ${reason}`, { errors: [{ field, reason }] });
}
