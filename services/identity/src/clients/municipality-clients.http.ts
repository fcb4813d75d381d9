import { Body, Controller, Delete, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { Database, tenants } from '@points/database';
import { CauseOf, MunicipalityPath, Operation, problem, type Answer, type Cause } from '@points/http';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { mayMunicipalityGive } from '../rules/scopes.js';
import { sorted } from './bootstrap-clients.js';
import { createClient, listClients, revokeClient, rotateSecret } from './client.js';
import {
  ClientsQuery,
  clientsPageMax,
  ClientsView,
  CreateMunicipalityClient,
  listedClient,
  MunicipalityClientPath,
  NewClientView,
  RotatedSecretView,
} from './client-shapes.js';
import { onceWithSecret } from './secret-answer.js';

/** A municipality's own clients: its shops' systems, its staff's tools. They act for it alone; row-level security hides all others. */
@Controller('v1/municipalities/:municipality/clients')
export class MunicipalityClientsController {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Get()
  @Operation({ summary: 'List the clients this municipality manages', scope: 'clients:read', answer: ClientsView })
  async list(@Param() { municipality }: MunicipalityPath, @Query() query: ClientsQuery): Promise<ClientsView> {
    const clients = await this.database.transaction(tenants(municipality), (tx) =>
      listClients(tx, query.after ?? '', query.limit ?? clientsPageMax),
    );
    return { clients: clients.map(listedClient) };
  }

  @Post()
  @Operation({
    summary: 'Register a client of this municipality',
    description: 'The secret is shown once; a repeated request is answered without it.',
    scope: 'clients:write',
    status: 201,
    answer: NewClientView,
    problems: ['client-exists', 'client-id-of-another', 'scope-not-allowed'],
  })
  async create(
    @Param() { municipality }: MunicipalityPath,
    @Body() body: CreateMunicipalityClient,
    @CauseOf() cause: Cause,
  ): Promise<Answer<NewClientView>> {
    if (!body.clientId.startsWith(`${municipality}-`))
      throw problem(422, 'client-id-of-another', `a client of this municipality has an id that begins with ${municipality}-`);
    const refused = body.scopes.filter((scope) => !mayMunicipalityGive(scope));
    if (refused.length)
      throw problem(
        422,
        'scope-not-allowed',
        `a municipality cannot give the scope ${refused.join(', ')}; ask the operator of the platform`,
        { scopes: refused },
      );
    const client = { clientId: body.clientId, name: body.name, kind: body.kind, scopes: sorted(body.scopes), tenants: [municipality] };
    const created = await this.database.transaction(tenants(municipality), (tx) =>
      onceWithSecret<NewClientView>(tx, cause, async () => ({
        status: 201,
        body: client,
        secret: await createClient(tx, municipality, client, new Date()),
      })),
    );
    this.log.info({ client: body.clientId, municipality, by: cause.client }, 'client registered');
    return created;
  }

  @Post(':clientId/secrets')
  @Operation({
    summary: 'Give a client a new secret',
    description: 'The secret before it stays valid for 24 hours. A repeated request is answered without the secret.',
    scope: 'clients:write',
    status: 201,
    answer: RotatedSecretView,
    problems: ['unknown-client'],
  })
  async rotate(@Param() { municipality, clientId }: MunicipalityClientPath, @CauseOf() cause: Cause): Promise<Answer<RotatedSecretView>> {
    const rotated = await this.database.transaction(tenants(municipality), (tx) =>
      onceWithSecret<RotatedSecretView>(tx, cause, async () => {
        const { secret, previousValidUntil } = await rotateSecret(tx, clientId, new Date());
        return { status: 201, body: { clientId, previousValidUntil: previousValidUntil.toISOString() }, secret };
      }),
    );
    this.log.info({ client: clientId, municipality, by: cause.client }, 'client secret rotated');
    return rotated;
  }

  @Delete(':clientId')
  @Operation({ summary: 'Revoke a client: no new tokens from now on', scope: 'clients:write', status: 204, problems: ['unknown-client'] })
  async revoke(@Param() { municipality, clientId }: MunicipalityClientPath, @CauseOf() cause: Cause): Promise<void> {
    await this.database.transaction(tenants(municipality), (tx) => revokeClient(tx, clientId, new Date()));
    this.log.info({ client: clientId, municipality, by: cause.client }, 'client revoked');
  }
}
