import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { Operation } from '@points/http';
import { parseInstant } from '@points/kernel';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { stand } from '../programmes/put-programme.js';
import { balanceAt } from './balance.js';
import { historyOf } from './history.js';
import { BalanceQuery, BalanceView, HistoryQuery, HistoryView, HolderPath } from './statement-views.js';

const historyPageUnlessTold = 50;

@Controller('v1/municipalities/:municipality/programmes/:programme/holders/:holder')
export class StatementController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get('balance')
  @Operation({
    summary: 'What a holder has, now or at a past instant',
    scope: 'ledger:read',
    answer: BalanceView,
    problems: ['unknown-programme'],
  })
  balance(@Param() path: HolderPath, @Query() query: BalanceQuery): Promise<BalanceView> {
    const [programme, holder] = [programmeOfPath(path), path.holder.toLowerCase()];
    const at = query.at === undefined ? this.now() : parseInstant(query.at);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return { holder, at, ...(await balanceAt(tx, programme, `holder:${holder}`, at)) };
    });
  }

  @Get('history')
  @Operation({
    summary: 'Everything that moved a holder’s points, newest first',
    scope: 'ledger:read',
    answer: HistoryView,
    problems: ['unknown-programme'],
  })
  history(@Param() path: HolderPath, @Query() { after, limit = historyPageUnlessTold }: HistoryQuery): Promise<HistoryView> {
    const programme = programmeOfPath(path);
    return this.database.transaction(tenants(path.municipality), async (tx) => {
      await stand(tx, programme);
      return historyOf(tx, programme, `holder:${path.holder.toLowerCase()}`, { limit, ...(after !== undefined && { after }) });
    });
  }
}
