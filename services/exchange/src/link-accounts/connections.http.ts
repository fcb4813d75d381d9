import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { answer, Operation, problem, type Answer } from '@points/http';
import { now } from '../clock.js';
import { ExchangeConfig } from '../exchange.config.js';
import { PartnerPath } from '../ids.js';
import { reachOf } from '../reach-outside/request-outside.js';
import { ConnectionView, connectionView, findConnection, PutConnection, putConnection } from './connection.js';
import { SealKeeper } from './seal-keeper.js';

@Controller('v1/municipalities/:municipality/programmes/:programme/partners/:partner/connection')
export class ConnectionsController {
  constructor(
    private readonly database: Database,
    private readonly seals: SealKeeper,
    @Inject(ExchangeConfig) private readonly config: ExchangeConfig,
  ) {}

  @Put()
  @Operation({
    summary: 'Where a partner of linked accounts is: its sign-in, its endpoint for reservations, and this service’s client there',
    scope: 'partners:write',
    answer: ConnectionView,
    also: { 201: ConnectionView },
    problems: ['unknown-partner', 'not-account-link', 'links-not-set-up'],
  })
  async put(@Param() path: PartnerPath, @Body() body: PutConnection): Promise<Answer<ConnectionView>> {
    const { seal } = this.seals;
    const { isNew, connection } = await this.database.transaction(tenants(path.municipality), (tx) =>
      putConnection(tx, path, body, { seal, reach: reachOf(this.config), now: now() }),
    );
    return answer(isNew ? 201 : 200, connection);
  }

  @Get()
  @Operation({
    summary: 'The connection of a partner, without its secret',
    scope: 'partners:write',
    answer: ConnectionView,
    problems: ['unknown-connection', 'links-not-set-up'],
  })
  async read(@Param() path: PartnerPath): Promise<ConnectionView> {
    const { seal } = this.seals;
    const found = await this.database.transaction(tenants(path.municipality), (tx) =>
      findConnection(tx, path.programme, path.partner, seal),
    );
    if (!found) throw problem(404, 'unknown-connection', 'the partner has no connection');
    return connectionView(found);
  }
}
