import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { formatOf, jsonOrCsv, Operation, pageLimit, ProgrammePath } from '@points/http';
import { endOfDayJst, parseInstant, startOfDayJst, type Instant, type LocalDate } from '@points/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { balanceAt, balanceNow } from './balance.js';
import { lotViews } from './lot-views.js';
import { expiringTable, expiringWithin } from './expiring.js';
import { historyOf, historyTable } from './history.js';
import { BalanceQuery, BalanceView, HolderPath } from './balance-views.js';
import { ExpiringQuery, ExpiringView } from './expiring-views.js';
import { HistoryQuery, HistoryView } from './history-views.js';

const pages = 'Pages are cut by key: send `next` as `after`. CSV by Accept: text/csv or ?format=csv; its next page is in the header Link.';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class StatementController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get('holders/:holder/balance')
  @Operation({
    summary: 'What a holder has, now or at a past instant',
    description:
      'With `at`: what held at that instant. With `knownAt`: as the books told it then, without what was recorded later. Both together answer what one would have answered then about that time.',
    scope: 'ledger:read',
    answer: BalanceView,
    problems: ['unknown-programme'],
  })
  balance(@Param() path: HolderPath, @Query() query: BalanceQuery): Promise<BalanceView> {
    const [programme, holder] = [programmeOfPath(path), path.holder.toLowerCase()];
    const [now, asked] = [this.now(), instantOf(query.at)];
    const knownAt = instantOf(query.knownAt);
    const at = asked ?? now;
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      const stored = await stand(tx, programme);
      const account = `holder:${holder}`;
      const isNow = knownAt === undefined && (asked === undefined || asked >= now);
      const balance = isNow ? await balanceNow(tx, programme, account, at) : await balanceAt(tx, programme, account, at, knownAt);
      return { holder, at, ...balance, lots: lotViews(stored, balance.lots) };
    });
  }

  @Get('holders/:holder/history')
  @Operation({
    summary: 'Everything that moved a holder’s points, newest first',
    description: pages,
    scope: 'ledger:read',
    answer: HistoryView,
    problems: ['unknown-programme'],
  })
  history(
    @Param() path: HolderPath,
    @Query() query: HistoryQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<HistoryView | string> {
    const wire = { request, reply };
    const [programme, format] = [programmeOfPath(path), formatOf(wire, query.format)];
    const { after, source, counter } = query;
    const page = {
      after,
      limit: pageLimit(query.limit, format),
      kinds: query.kind?.split(','),
      ...daysOf(query),
      source,
      counter,
      knownAt: instantOf(query.knownAt),
    };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return jsonOrCsv(wire, format, await historyOf(tx, programme, `holder:${path.holder.toLowerCase()}`, page), historyTable);
    });
  }

  @Get('holders/:holder/expiring')
  @Operation({
    summary: 'A holder’s lots that end within some days, the earliest end first',
    description: pages,
    scope: 'ledger:read',
    answer: ExpiringView,
    problems: ['unknown-programme'],
  })
  expiringOfHolder(
    @Param() path: HolderPath,
    @Query() query: ExpiringQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExpiringView | string> {
    return this.expiring(path, `holder:${path.holder.toLowerCase()}`, query, { request, reply });
  }

  @Get('expiring')
  @Operation({
    summary: 'All lots of a programme that end within some days, the earliest end first',
    description: pages,
    scope: 'ledger:read',
    answer: ExpiringView,
    problems: ['unknown-programme'],
  })
  expiringOfAll(
    @Param() path: ProgrammePath,
    @Query() query: ExpiringQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExpiringView | string> {
    return this.expiring(path, null, query, { request, reply });
  }

  private expiring(
    path: ProgrammePath,
    account: string | null,
    query: ExpiringQuery,
    wire: { request: FastifyRequest; reply: FastifyReply },
  ): Promise<ExpiringView | string> {
    const [programme, format] = [programmeOfPath(path), formatOf(wire, query.format)];
    const page = { within: query.within, after: query.after, limit: pageLimit(query.limit, format) };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return jsonOrCsv(wire, format, await expiringWithin(tx, programme, account, this.now(), page), expiringTable);
    });
  }
}

function instantOf(text: string | undefined): Instant | undefined {
  return text === undefined ? undefined : parseInstant(text);
}

/** Both days are meant whole, in Tokyo. They were checked by the query's class. */
function daysOf({ from, to }: { from?: string; to?: string }): { from: Instant | undefined; before: Instant | undefined } {
  return {
    from: from === undefined ? undefined : startOfDayJst(from as LocalDate),
    before: to === undefined ? undefined : endOfDayJst(to as LocalDate),
  };
}
