import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, Operation, ProgrammePath, type Cause } from '@points/http';
import { CLOCK, type Clock } from '../clock.js';
import { programmeOfPath } from '../programmes/programme-path.js';
import { HolderPath } from '../statement/balance-views.js';
import { FreezeView, PutFreeze, StandingView } from './freeze-bodies.js';
import { freezeAccount, freezeProgramme, programmeFreeze, standing } from './freeze.js';

@Controller('v1/municipalities/:municipality/programmes/:programme')
export class FreezeController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Put('freeze')
  @Operation({
    summary: 'Freeze a programme, or lift its freeze',
    description:
      'While it lasts only captures and releases of holds that were made before are taken. Every change is kept with who and why.',
    scope: 'ledger:freeze',
    answer: FreezeView,
    problems: ['unknown-programme'],
  })
  putProgramme(@Param() path: ProgrammePath, @Body() body: PutFreeze, @CauseOf() cause: Cause): Promise<FreezeView> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      freezeProgramme(tx, programmeOfPath(path), { ...body, actor: cause.client, now: this.now() }),
    );
  }

  @Get('freeze')
  @Operation({
    summary: 'Read whether a programme is frozen, since when and why',
    scope: 'ledger:read',
    answer: FreezeView,
    problems: ['unknown-programme'],
  })
  readProgramme(@Param() path: ProgrammePath): Promise<FreezeView> {
    return this.database.transaction(tenants(path.municipality), (tx) => programmeFreeze(tx, programmeOfPath(path)));
  }

  @Put('holders/:holder/freeze')
  @Operation({
    summary: 'Freeze a holder’s account, or lift its freeze',
    description:
      'A frozen account’s points cannot be held, used or transferred. Points still come in, are refunded, and are corrected by staff.',
    scope: 'ledger:freeze',
    answer: StandingView,
    problems: ['unknown-programme'],
  })
  putAccount(@Param() path: HolderPath, @Body() body: PutFreeze, @CauseOf() cause: Cause): Promise<StandingView> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      freezeAccount(tx, programmeOfPath(path), accountOf(path), { ...body, actor: cause.client, now: this.now() }),
    );
  }

  @Get('holders/:holder/freeze')
  @Operation({
    summary: 'Read whether a holder’s account is frozen, since when and why, and its debt',
    scope: 'ledger:read',
    answer: StandingView,
    problems: ['unknown-programme'],
  })
  readAccount(@Param() path: HolderPath): Promise<StandingView> {
    return this.database.transaction(tenants(path.municipality), (tx) => standing(tx, programmeOfPath(path), accountOf(path)));
  }
}

function accountOf({ holder }: HolderPath): string {
  return `holder:${holder.toLowerCase()}`;
}
