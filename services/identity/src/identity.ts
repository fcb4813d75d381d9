import { Database } from '@points/database';
import type { Logger } from '@points/observability';
import { LOGGER, type ServiceDefinition } from '@points/service';
import { IdentityConfig } from './identity.config.js';
import { IdentityModule } from './identity.module.js';
import { migrations } from './migrations.js';
import { openIdProvider } from './provider/openid-provider.js';
import { mountProvider } from './provider/provider-routes.js';
import { parseSigningKeys } from './provider/signing-keys.js';

export const identity: ServiceDefinition<IdentityConfig> = {
  name: 'identity',
  title: 'Identity',
  description:
    'Who is who: holders and their My Key IDs, the clients of partners, municipalities and merchants, and their access tokens (OpenID Provider at the root, see /.well-known/openid-configuration).',
  module: IdentityModule,
  config: IdentityConfig,
  migrations,
  reads: [],
  prepare: (app, config) => {
    const provider = openIdProvider({
      issuer: config.TOKEN_ISSUER,
      keys: parseSigningKeys(config.JWKS),
      database: app.get(Database, { strict: false }),
      log: app.get<Logger>(LOGGER, { strict: false }),
    });
    return mountProvider(app.getHttpAdapter().getInstance(), provider);
  },
};
