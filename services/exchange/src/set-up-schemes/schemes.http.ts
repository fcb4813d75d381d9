import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, Operation, problem, type Answer } from '@points/http';
import { now } from '../clock.js';
import { ExchangeConfig } from '../exchange.config.js';
import { SchemePath } from '../ids.js';
import { mustBeReachable } from '../reach-outside/outside-url.js';
import { reachOf } from '../reach-outside/request-outside.js';
import { findScheme, PutScheme, putScheme, SchemeView } from './scheme.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/schemes')
export class SchemesController {
  constructor(
    private readonly database: Database,
    @Inject(ExchangeConfig) private readonly config: ExchangeConfig,
  ) {}

  @Put(':scheme')
  @Operation({
    summary: 'Set up an outside card scheme that points can be converted to, or change it',
    scope: 'schemes:write',
    answer: SchemeView,
    also: { 201: SchemeView },
    description:
      'delivery api asks for each credit at once and needs an endpoint; file puts all credits of a day into a nightly file and needs a cutOffHour. ' +
      'The delivery cannot change while conversions are on their way.',
    problems: ['conversions-at-scheme'],
  })
  async put(@Param() path: SchemePath, @Body() body: PutScheme): Promise<Answer<SchemeView>> {
    if (body.endpoint !== undefined) mustBeReachable({ endpoint: body.endpoint }, reachOf(this.config));
    const { isNew, scheme } = await this.database.transaction(tenants(path.municipality), (tx) => putScheme(tx, path, body, now()));
    return answer(isNew ? 201 : 200, scheme);
  }

  @Get(':scheme')
  @Operation({ summary: 'A card scheme, without its secret', scope: 'schemes:write', answer: SchemeView, problems: ['unknown-scheme'] })
  async read(@Param() path: SchemePath): Promise<SchemeView> {
    const scheme = await this.database.transaction(tenants(path.municipality), (tx) => findScheme(tx, path));
    if (!scheme) throw problem(404, 'unknown-scheme', 'the programme has no such card scheme');
    return scheme;
  }
}
