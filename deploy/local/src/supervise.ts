import { join } from 'node:path';
import { topics } from '@points/contracts';
import { checkMachine, fetchKafkaJars, hasKafkaJars, isPortFree, startKafka, startPostgres } from '@points/infrastructure';
import { createTopics } from '@points/messaging';
import { createLogger } from '@points/observability';
import { runAfterReady } from './after-ready.js';
import { partnerSiteClientId, portOffsets, type CloudDefinition, type ServiceDefinition } from './cloud.js';
import { cloudFilePath, writeCloudFile } from './cloud-file.js';
import { curlSession } from './curl-session.js';
import { checkExternalDatabase, prepareOwnDatabase } from './databases.js';
import { keepSecrets, type Secrets } from './secrets.js';
import { serviceTable } from './service-table.js';
import type { ExternalDatabase, Settings } from './settings.js';
import { superviseServer } from './supervised-server.js';
import { superviseService } from './supervised-service.js';
import { endLeftovers, lockHome } from './supervisor-lock.js';

export interface Cloud {
  /** Resolves when every part is ready; rejects with one sentence when one cannot be. */
  readonly ready: Promise<void>;
  /** Ends everything within 10 s: services and simulators, then Kafka and PostgreSQL. */
  stop(): Promise<void>;
}

/** Brings the cloud up and keeps it up until `stop`. */
export function supervise(definition: CloudDefinition, settings: Settings, say: (line: string) => void): Cloud {
  const stopping = new AbortController();
  // In the order of their start; they end in the order given by their rank.
  const parts: { rank: 0 | 1; stop: () => Promise<void> }[] = [];
  let lock: { release(): void } | undefined;
  const ready = start();
  ready.catch(() => undefined);
  return { ready, stop };

  async function start(): Promise<void> {
    const startedAt = Date.now();
    const { home } = settings;
    const services = definition.services.map(({ name }) => name);
    const ownDatabase = services.some((name) => !settings.databases.has(name));
    const ownKafka = settings.kafkaBrokers === undefined;
    failOn(checkMachine({ writable: [home] }));
    failOn(
      checkMachine({
        node: true,
        java: ownKafka,
        maven: ownKafka && !hasKafkaJars(settings.kafkaJars),
        writable: [join(home, 'run'), join(home, 'logs')],
      }),
    );
    lock = lockHome(home);
    for (const name of await endLeftovers(home)) say(`ended what an earlier run had left behind: ${name}`);
    failOn(await takenPorts(definition, settings, { ownDatabase, ownKafka }));
    const secrets = keepSecrets(home, services);

    const [databases, brokers] = await both(prepareDatabases(secrets, ownDatabase), prepareKafka());
    stopping.signal.throwIfAborted();
    const urls = new Map([...definition.services, ...definition.simulators].map((one) => [one.name, urlOf(one)]));
    writeCloudFile(home, urls, secrets.clients, { id: partnerSiteClientId, secret: secrets.partnerSiteSecret });

    await startServices(databases, brokers, secrets, urls);
    say(`the cloud is ready after ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
    await runAfterReady(definition.afterReady, {
      root: settings.root,
      home,
      environment: { ...settings.environment, CLOUD_HOME: home },
      say,
      signal: stopping.signal,
    });
    stopping.signal.throwIfAborted();
    if (definition.isThrowaway) return;
    say('');
    say(
      serviceTable([
        ...definition.services.map((one) => ({ ...one, url: urlOf(one), hasDocs: true })),
        ...definition.simulators.map((one) => ({ ...one, url: urlOf(one), hasDocs: false })),
      ]),
    );
    say('');
    say(curlSession(urls, cloudFilePath(home)));
    say('');
    say('Ctrl-C ends the cloud; everything is kept for the next start.');
  }

  async function prepareDatabases(secrets: Secrets, ownDatabase: boolean): Promise<Map<string, ExternalDatabase>> {
    const services = definition.services.map(({ name }) => name);
    await Promise.all([...settings.databases].map(([service, database]) => checkExternalDatabase(service, database)));
    if (!ownDatabase) return new Map(settings.databases);
    const port = settings.portBase + portOffsets.postgres;
    const directory = join(settings.home, 'postgres');
    const postgres = await superviseServer(
      'PostgreSQL',
      () => startPostgres({ directory, port, durable: true, onProgress: say, signal: stopping.signal }),
      say,
    );
    parts.push({ rank: 1, stop: () => postgres.stop() });
    const own = services.filter((service) => !settings.databases.has(service));
    return new Map([...(await prepareOwnDatabase(postgres.first.adminUrl, own, secrets.passwords)), ...settings.databases]);
  }

  async function prepareKafka(): Promise<string> {
    const log = createLogger('supervisor', 'silent');
    if (settings.kafkaBrokers !== undefined) {
      const brokers = settings.kafkaBrokers;
      await createTopics(brokers.split(','), topics, { log }).catch((error: unknown) => {
        throw new Error(
          `Kafka at ${brokers} does not do its work (${error instanceof Error ? error.message : String(error)}): check KAFKA_BROKERS, or leave it out to use the cloud's own broker.`,
        );
      });
      return brokers;
    }
    const jars = await fetchKafkaJars(settings.kafkaJars, say, { signal: stopping.signal });
    const ports = { port: settings.portBase + portOffsets.kafka, controllerPort: settings.portBase + portOffsets.kafkaController };
    const kafka = await superviseServer(
      'Kafka',
      () => startKafka({ directory: join(settings.home, 'kafka'), jars, ...ports, onProgress: say, signal: stopping.signal }),
      say,
    );
    parts.push({ rank: 1, stop: () => kafka.stop() });
    await createTopics([kafka.first.brokers], topics, { log });
    return kafka.first.brokers;
  }

  async function startServices(
    databases: ReadonlyMap<string, ExternalDatabase>,
    brokers: string,
    secrets: Secrets,
    urls: ReadonlyMap<string, string>,
  ): Promise<void> {
    const issuer = urls.get('identity') ?? '';
    const shared = {
      ...settings.environment,
      HOST: '127.0.0.1',
      LOG_LEVEL: settings.logLevel,
      KAFKA_BROKERS: brokers,
      KAFKAJS_NO_PARTITIONER_WARNING: '1',
      // Compiled code of some thousand modules, kept: a start costs 0.8 s of CPU per service instead of 1.15 s.
      NODE_COMPILE_CACHE: join(settings.home, 'compile-cache'),
      TOKEN_ISSUER: issuer,
      TOKEN_JWKS_URL: `${issuer}/jwks`,
    };
    const launch = (one: ServiceDefinition, environment: NodeJS.ProcessEnv) => {
      const started = superviseService({
        ...one,
        url: urlOf(one),
        environment: { ...shared, ...environment, PORT: String(portOf(one)) },
        root: settings.root,
        home: settings.home,
        say,
      });
      parts.push({ rank: 0, stop: () => started.stop() });
      const startedAt = Date.now();
      return started.ready.then(() => say(`${one.name} is ready (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`));
    };
    const exchangeFiles = { COUPON_KEY_FILE: secrets.couponKeyFile, LINK_KEYS_FILE: secrets.linkKeysFile };
    const partnerSite = {
      PARTNER_SITE_CLIENT_ID: partnerSiteClientId,
      PARTNER_SITE_CLIENT_SECRET: secrets.partnerSiteSecret,
      PARTNER_SITE_STATE: join(settings.home, 'partner-site.jsonl'),
    };
    const identityFiles = { JWKS_FILE: secrets.jwksFile, BOOTSTRAP_CLIENTS_FILE: secrets.clientsFile };
    // Partners' receivers, and the simulators of partners and card schemes, run on this machine too, unless an operator of more than a
    // try-out says `false`.
    const outside = {
      WEBHOOK_ALLOW_PRIVATE: settings.environment['WEBHOOK_ALLOW_PRIVATE'] || 'true',
      OUTSIDE_ALLOW_PRIVATE: settings.environment['OUTSIDE_ALLOW_PRIVATE'] || 'true',
    };
    const simulators = definition.simulators.map((one) =>
      launch(one, { CLOUD_FILE: cloudFilePath(settings.home), ...(one.name === 'partner-site' && partnerSite) }),
    );
    // A simulator that fails is told and tried again by its supervision; the cloud does not wait for it.
    for (const simulator of simulators) simulator.catch(() => undefined);
    await Promise.all(
      definition.services.map((one) => {
        const database = databases.get(one.name);
        return launch(one, {
          DATABASE_URL: database?.url,
          MIGRATION_DATABASE_URL: database?.migrationUrl,
          ...(one.name === 'identity' && identityFiles),
          ...(one.name === 'exchange' && { ...exchangeFiles, ...outside }),
        });
      }),
    );
  }

  async function stop(): Promise<void> {
    stopping.abort(new Error('the cloud was stopped'));
    const failures: unknown[] = [];
    await endRank(0, failures);
    // What is just starting hears the signal, ends, and makes the start fail.
    await ready.catch(() => undefined);
    await endRank(0, failures);
    await endRank(1, failures);
    lock?.release();
    if (failures.length) throw failures[0];
  }

  async function endRank(rank: 0 | 1, failures: unknown[]): Promise<void> {
    const ending = parts.filter((part) => part.rank === rank);
    for (const part of ending) parts.splice(parts.indexOf(part), 1);
    for (const result of await Promise.allSettled(ending.map((part) => part.stop())))
      if (result.status === 'rejected') failures.push(result.reason);
  }

  function portOf(one: ServiceDefinition): number {
    return settings.portBase + one.portOffset;
  }

  function urlOf(one: ServiceDefinition): string {
    return `http://127.0.0.1:${portOf(one)}`;
  }
}

async function takenPorts(
  definition: CloudDefinition,
  { portBase }: Settings,
  { ownDatabase, ownKafka }: { ownDatabase: boolean; ownKafka: boolean },
): Promise<string[]> {
  const ports = [
    ...[...definition.services, ...definition.simulators].map(({ name, portOffset }) => ({ name, port: portBase + portOffset })),
    ...(ownDatabase ? [{ name: 'PostgreSQL', port: portBase + portOffsets.postgres }] : []),
    ...(ownKafka ? [{ name: 'Kafka', port: portBase + portOffsets.kafka }] : []),
    ...(ownKafka ? [{ name: "Kafka's controller", port: portBase + portOffsets.kafkaController }] : []),
  ];
  const taken = (await Promise.all(ports.map(async (one) => ((await isPortFree(one.port)) ? [] : [one])))).flat();
  if (taken.length === 0) return [];
  const list = taken.map(({ name, port }) => `${port} (${name})`).join(', ');
  const other = portBase < 60_000 ? portBase + 200 : portBase - 1_000;
  return [
    `${taken.length === 1 ? 'Port' : 'Ports'} ${list} taken by another process: end what listens there, or move the cloud with CLOUD_PORT_BASE, for example CLOUD_PORT_BASE=${other} npm start.`,
  ];
}

function failOn(problems: readonly string[]): void {
  if (problems.length) throw new Error([...new Set(problems)].join('\n'));
}

/** Waits for both even when one fails: what the other has started must be known to be stopped. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}
