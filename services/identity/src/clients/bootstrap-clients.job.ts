import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database, everyTenant } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER } from '@points/service';
import { IdentityConfig } from '../identity.config.js';
import { parseBootstrapClients } from './bootstrap-clients.js';
import { ensureClient } from './client.js';

/** Before the service listens, so that the first token request of a fresh installation succeeds. */
@Injectable()
export class BootstrapClients implements OnApplicationBootstrap {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(IdentityConfig) private readonly config: IdentityConfig,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // In order of id: replicas that start together take the rows in one order.
    const clients = parseBootstrapClients(this.config.BOOTSTRAP_CLIENTS ?? '[]').sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    for (const { secret, ...spec } of clients) {
      const outcome = await this.database.transaction(everyTenant, (tx) => ensureClient(tx, spec, secret, new Date()));
      if (outcome === 'revoked')
        this.log.warn({ client: spec.clientId }, 'a client of the bootstrap file was revoked and stays so; remove it from the file');
      else if (outcome !== 'kept') this.log.info({ client: spec.clientId, outcome }, 'client of the bootstrap file');
    }
  }
}
