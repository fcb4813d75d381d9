import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { formatOf, jsonOrCsv, Operation, pageLimit } from '@points/http';
import { endOfDayJst, parseInstant, startOfDayJst, type LocalDate } from '@points/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { accountBalanceAt, accountHistoryOf, accountTable, systemAccount } from './account-statement.js';
import { AccountBalanceView, AccountPath, BalanceQuery } from './balance-views.js';
import { AccountHistoryQuery, AccountHistoryView } from './history-views.js';

/** The other side of every posting: what merchants, schemes, funds and the ledger's own accounts have received. */
@Controller('v1/municipalities/:municipality/programmes/:programme/accounts/:account')
export class AccountsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get('balance')
  @Operation({
    summary: 'What a system account has received, up to and with an instant',
    scope: 'ledger:read',
    answer: AccountBalanceView,
    problems: ['unknown-programme', 'not-a-system-account'],
  })
  balance(@Param() path: AccountPath, @Query() query: BalanceQuery): Promise<AccountBalanceView> {
    const [programme, account] = [programmeOfPath(path), systemAccount(path.account)];
    const at = query.at === undefined ? this.now() : parseInstant(query.at);
    const knownAt = query.knownAt === undefined ? null : parseInstant(query.knownAt);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return { account, at, ...(await accountBalanceAt(tx, programme, account, at, knownAt)) };
    });
  }

  @Get('history')
  @Operation({
    summary: 'The entries of a system account, newest first',
    description:
      'Pages are cut by key: send `next` as `after`. CSV by Accept: text/csv or ?format=csv; its next page is in the header Link.',
    scope: 'ledger:read',
    answer: AccountHistoryView,
    problems: ['unknown-programme', 'not-a-system-account'],
  })
  history(
    @Param() path: AccountPath,
    @Query() query: AccountHistoryQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AccountHistoryView | string> {
    const wire = { request, reply };
    const [programme, account, format] = [programmeOfPath(path), systemAccount(path.account), formatOf(wire, query.format)];
    const page = {
      after: query.after,
      limit: pageLimit(query.limit, format),
      // Days were checked by the query's class.
      from: query.from === undefined ? undefined : startOfDayJst(query.from as LocalDate),
      before: query.to === undefined ? undefined : endOfDayJst(query.to as LocalDate),
    };
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return jsonOrCsv(wire, format, await accountHistoryOf(tx, programme, account, page), accountTable);
    });
  }
}
