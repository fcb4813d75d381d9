import { Body, Controller, Get, Inject, Param, Post, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, CauseOf, MunicipalityPath, once, Operation, problem, ProgrammePath, type Answer, type Cause } from '@points/http';
import { parseInstant } from '@points/kernel';
import { CLOCK, type Clock } from '../clock.js';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { AddRules, ExpiryRunView, ProgrammeView, PutProgramme, RunExpiry } from './programme-bodies.js';
import { programmeOfPath } from './programme-path.js';
import { listProgrammes, viewOf } from './programme-store.js';
import { addRules, putProgramme, stand } from './put-programme.js';

@Controller('v1/municipalities/:municipality/programmes')
export class ProgrammesController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ExpireLots) private readonly expiry: ExpireLots,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @Get()
  @Operation({ summary: 'List the programmes of a municipality', scope: 'programmes:read', answer: [ProgrammeView] })
  list(@Param() path: MunicipalityPath): Promise<ProgrammeView[]> {
    return this.database.transaction(tenants(path.municipality), async (tx) => (await listProgrammes(tx)).map(viewOf));
  }

  @Get(':programme')
  @Operation({
    summary: 'Read a programme with all versions of its rules',
    scope: 'programmes:read',
    answer: ProgrammeView,
    problems: ['unknown-programme'],
  })
  read(@Param() path: ProgrammePath): Promise<ProgrammeView> {
    return this.database.transaction(tenants(path.municipality), async (tx) => viewOf(await stand(tx, programmeOfPath(path))));
  }

  @Put(':programme')
  @Operation({
    summary: 'Set a programme up, or change its name, last day or history setting',
    scope: 'programmes:write',
    status: 201,
    answer: ProgrammeView,
    also: { 200: ProgrammeView },
    problems: ['programme-exists'],
  })
  put(@Param() path: ProgrammePath, @Body() body: PutProgramme): Promise<Answer<ProgrammeView>> {
    return this.database.transaction(tenants(path.municipality), (tx) => putProgramme(tx, programmeOfPath(path), body, this.now()));
  }

  @Post(':programme/rules')
  @Operation({
    summary: 'Add a version of the rules, from a day on',
    scope: 'programmes:write',
    status: 201,
    answer: ProgrammeView,
    problems: ['unknown-programme', 'rules-overlap', 'history-closed'],
  })
  addRules(@Param() path: ProgrammePath, @Body() body: AddRules, @CauseOf() cause: Cause): Promise<Answer<ProgrammeView>> {
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, () => addRules(tx, programmeOfPath(path), body, this.now())),
    );
  }

  @Post(':programme/expiry-runs')
  @Operation({
    summary: 'Post the expiry of all lots that end up to an instant',
    description:
      'For programmes that take history in; the others expire by themselves at midnight in Tokyo. Running it again finds nothing left to do.',
    scope: 'ledger:expire',
    answer: ExpiryRunView,
    problems: ['unknown-programme', 'until-in-future'],
  })
  expire(@Param() path: ProgrammePath, @Body() body: RunExpiry, @CauseOf() cause: Cause): Promise<Answer<ExpiryRunView>> {
    const [until, programme] = [parseInstant(body.until), programmeOfPath(path)];
    if (until > this.now()) throw problem(422, 'until-in-future', 'expiry cannot be run for a time that has not come yet');
    return this.database.transaction(tenants(path.municipality), (tx) =>
      once(tx, cause, async () => {
        await stand(tx, programme);
        // The run has transactions of its own and may take minutes; this one only keeps the claim on the key.
        await tx.query('set local idle_in_transaction_session_timeout = 0');
        return answer(200, await this.expiry.run(programme, until));
      }),
    );
  }
}
