import { tokenAudience } from '@points/auth';
import { topics } from '@points/contracts';
import type { Database } from '@points/database';
import { createTopics, type Messaging } from '@points/messaging';
import { startService, type ServiceConfig, type ServiceDefinition } from '@points/service';
import { freshDatabase, quietLogger, testBrokers, topicPrefix, type FreshDatabase } from '@points/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** One service as it runs in the cloud, in the test's process, on a database and topics of its own. */
export interface TestService {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly database: Database;
  readonly messaging: Messaging;
  readonly fresh: FreshDatabase;
  readonly topicPrefix: string;
  readonly brokers: string[];
  /** A token as the identity service gives it. */
  token(scopes: readonly string[], tenants: readonly string[], client?: string): Promise<string>;
  /** Starts the same service again on the same database and topics, beside or after this one. */
  again(config?: Partial<ServiceConfig>): Promise<TestService>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

const issuer = 'http://identity.test';

export async function testService<C extends ServiceConfig>(
  definition: ServiceDefinition<C>,
  config: Partial<C> = {},
): Promise<TestService> {
  const fresh = await freshDatabase(definition.name, definition.migrations);
  const prefix = topicPrefix();
  const brokers = testBrokers();
  await createTopics(brokers, topics, { prefix, log: quietLogger('topics') });
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] });
  const boot = async (more: Partial<C>): Promise<TestService> => {
    const values = Object.assign(
      new definition.config(),
      {
        PORT: 0,
        DATABASE_URL: fresh.url,
        KAFKA_BROKERS: brokers.join(','),
        TOPIC_PREFIX: prefix,
        TOKEN_ISSUER: issuer,
        TOKEN_JWKS_URL: `${issuer}/jwks`,
      },
      more,
    );
    const fatal = (error: Error) => {
      throw error;
    };
    const running = await startService(definition, values, {
      log: quietLogger(definition.name),
      onFatal: fatal,
      keys,
      processMetrics: false,
    });
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= running.stop());
    return {
      url: running.url,
      app: running.app,
      database: running.database,
      messaging: running.messaging,
      fresh,
      topicPrefix: prefix,
      brokers,
      token: (scopes, tenants, client = 'test-client') =>
        new SignJWT({ client_id: client, scope: scopes.join(' '), tenants: [...tenants] })
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
          .setIssuer(issuer)
          .setAudience(tokenAudience)
          .setIssuedAt()
          .setExpirationTime('10m')
          .sign(privateKey),
      again: (changed = {}) => boot({ ...more, ...(changed as Partial<C>) }),
      stop,
      close: async () => {
        await stop();
        await fresh.close();
      },
    };
  };
  return boot(config);
}
