import { Body, Controller, Delete, Get, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import { answer, CauseOf, Operation, problem, type Answer, type Cause } from '@points/http';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { areTenants, sorted } from './bootstrap-clients.js';
import { listClients, platform, putClient, revokeClient, rotateSecret } from './client.js';
import {
  ClientPath,
  ClientsQuery,
  clientsPageMax,
  ClientsView,
  ClientView,
  listedClient,
  NewClientView,
  PutClient,
  RotatedSecretView,
} from './client-shapes.js';
import { onceWithSecret } from './secret-answer.js';

/** For the operator, who works for all tenants: the guard has seen that the token's tenants are `*`. */
@Controller('v1/platform/clients')
export class PlatformClientsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Get()
  @Operation({ summary: 'List clients', scope: 'clients:read', platform: true, answer: ClientsView })
  async list(@Query() query: ClientsQuery): Promise<ClientsView> {
    const clients = await this.database.transaction(everyTenant, (tx) => listClients(tx, query.after ?? '', query.limit ?? clientsPageMax));
    return { clients: clients.map(listedClient) };
  }

  @Put(':clientId')
  @Operation({
    summary: 'Register or change a client',
    description: 'A new client is answered 201 with its secret, the only time it is shown.',
    scope: 'clients:write',
    platform: true,
    answer: ClientView,
    also: { 201: NewClientView },
    problems: ['client-revoked', 'unknown-municipality'],
  })
  async put(@Param() { clientId }: ClientPath, @Body() body: PutClient, @CauseOf() cause: Cause): Promise<Answer<NewClientView>> {
    if (!areTenants(body.tenants))
      throw problem(422, 'unknown-municipality', 'tenants are municipality codes with the right check digit, or ["*"] alone');
    const client = { clientId, name: body.name, kind: body.kind, scopes: sorted(body.scopes), tenants: sorted(body.tenants) };
    const secret = await this.database.transaction(everyTenant, (tx) => putClient(tx, platform, client, new Date()));
    this.log.info({ client: clientId, by: cause.client, created: secret !== undefined }, 'client registered');
    return secret === undefined ? answer(200, client) : answer(201, { ...client, secret }, { 'cache-control': 'no-store' });
  }

  @Post(':clientId/secrets')
  @Operation({
    summary: 'Give a client a new secret',
    description: 'The secret before it stays valid for 24 hours. A repeated request is answered without the secret.',
    scope: 'clients:write',
    platform: true,
    status: 201,
    answer: RotatedSecretView,
    problems: ['unknown-client'],
  })
  async rotate(@Param() { clientId }: ClientPath, @CauseOf() cause: Cause): Promise<Answer<RotatedSecretView>> {
    const rotated = await this.database.transaction(everyTenant, (tx) =>
      onceWithSecret<RotatedSecretView>(tx, cause, async () => {
        const { secret, previousValidUntil } = await rotateSecret(tx, clientId, new Date());
        return { status: 201, body: { clientId, previousValidUntil: previousValidUntil.toISOString() }, secret };
      }),
    );
    this.log.info({ client: clientId, by: cause.client }, 'client secret rotated');
    return rotated;
  }

  @Delete(':clientId')
  @Operation({
    summary: 'Revoke a client: no new tokens from now on',
    scope: 'clients:write',
    platform: true,
    status: 204,
    problems: ['unknown-client'],
  })
  async revoke(@Param() { clientId }: ClientPath, @CauseOf() cause: Cause): Promise<void> {
    await this.database.transaction(everyTenant, (tx) => revokeClient(tx, clientId, new Date()));
    this.log.info({ client: clientId, by: cause.client }, 'client revoked');
  }
}
