import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { topics } from '@points/contracts';
import { provisionService, serviceUrls } from '@points/database';
import {
  endChild,
  fetchKafkaJars,
  freePorts,
  gently,
  serviceReady,
  startKafka,
  startPostgres,
  startServiceProcess,
} from '@points/infrastructure';
import { createTopics } from '@points/messaging';
import { createLogger } from '@points/observability';

export type ServiceName = 'identity' | 'ledger' | 'settlement' | 'exchange';

export interface ThrowawayCloud<S extends ServiceName = ServiceName> {
  readonly urls: Readonly<Record<S, string>>;
  /** Process ids of the parts: the services, `database` and `broker`. */
  readonly pids: Readonly<Record<S | 'database' | 'broker', number>>;
  readonly adminUrl: string;
  readonly client: { readonly clientId: string; readonly secret: string };
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, '..', '..', '..');

/** Durable PostgreSQL and Kafka and the compiled services as processes, in a folder that is removed again. */
export async function startThrowawayCloud<S extends ServiceName>(options: {
  /** With identity, which gives the tokens. */
  readonly services: readonly S[];
  readonly municipality: string;
  readonly scopes: readonly string[];
  readonly say: (line: string) => void;
  readonly profile?: string;
}): Promise<ThrowawayCloud<S>> {
  const { services } = options;
  const folder = mkdtempSync(join(tmpdir(), 'points-bench-'));
  // PostgreSQL runs as a user of its own when this process is root; mkdtemp makes a folder that only its maker can pass.
  chmodSync(folder, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const jars = await fetchKafkaJars(
      process.env['KAFKA_JARS'] ?? resolve(root, process.env['CLOUD_HOME'] ?? '.local', 'kafka-jars'),
      options.say,
    );
    const postgres = await startPostgres({ directory: join(folder, 'postgres'), durable: true });
    stops.push(() => postgres.stop());
    const kafka = await startKafka({ directory: join(folder, 'kafka'), jars });
    stops.push(() => kafka.stop());
    await createTopics([kafka.brokers], topics, { log: createLogger('bench', 'silent') });

    const ports = await freePorts(services.length);
    const portOf = (service: S) => ports[services.indexOf(service)] ?? 0;
    const issuer = `http://127.0.0.1:${ports[services.findIndex((one) => one === 'identity')]}`;
    const client = { clientId: 'bench', secret: randomBytes(32).toString('base64url') };
    const common = {
      PATH: process.env['PATH'] ?? '',
      KAFKA_BROKERS: kafka.brokers,
      TOKEN_ISSUER: issuer,
      TOKEN_JWKS_URL: `${issuer}/jwks`,
      LOG_LEVEL: 'info',
      NODE_ENV: 'production',
      ...(process.env['KAFKAJS_NO_PARTITIONER_WARNING'] !== undefined && { KAFKAJS_NO_PARTITIONER_WARNING: '1' }),
    };
    const identityOnly = {
      JWKS: JSON.stringify({
        keys: [{ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid: 'bench' }],
      }),
      BOOTSTRAP_CLIENTS: JSON.stringify([{ ...client, kind: 'tool', scopes: options.scopes, tenants: [options.municipality] }]),
    };
    const children = {} as Record<S, ChildProcess>;
    for (const service of services) {
      const provisioned = {
        service,
        password: randomBytes(24).toString('base64url'),
        ownerPassword: randomBytes(24).toString('base64url'),
      };
      await provisionService(postgres.adminUrl, provisioned);
      const { url, ownerUrl } = serviceUrls(postgres.adminUrl, provisioned);
      const child = startServiceProcess({
        name: service,
        main: join(root, 'services', service, 'dist', 'main.js'),
        folder,
        env: {
          ...common,
          ...(service === 'identity' && identityOnly),
          PORT: String(portOf(service)),
          DATABASE_URL: url,
          MIGRATION_DATABASE_URL: ownerUrl,
        },
        ...(options.profile !== undefined && { profile: options.profile }),
      });
      stops.push(() => endChild(child, gently));
      children[service] = child;
    }
    const urls = Object.fromEntries(services.map((service) => [service, `http://127.0.0.1:${portOf(service)}`])) as Record<S, string>;
    for (const service of services) await serviceReady(children[service], { name: service, folder, url: urls[service] });
    const pidOf = (service: S) => [service, children[service].pid ?? 0] as const;
    // fromEntries forgets the names of its keys.
    const pids = Object.fromEntries([
      ...services.map(pidOf),
      ['database', postgres.pid],
      ['broker', kafka.pid],
    ]) as ThrowawayCloud<S>['pids'];
    return { urls, pids, adminUrl: postgres.adminUrl, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
